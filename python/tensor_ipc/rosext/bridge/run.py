"""Which engine runs a bridge."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Sequence

from tensor_ipc import rosext
from tensor_ipc.rosext.bridge.native import find_native
from tensor_ipc.rosext.bridge.rclpy_engine import run_rclpy

if TYPE_CHECKING:
    from tensor_ipc.rosext.bridge.config import BridgeConfig


def run_bridge(
    config: BridgeConfig,
    stop: threading.Event | None = None,
    ros_args: Sequence[str] = (),
) -> None:
    """Run a bridge until `stop` is set.

    Parameters
    ----------
    config
        What to bridge.
    stop
        Set it, from a signal handler or another thread, to end the bridge. Without one it runs
        until the process ends.
    ros_args
        ``["--ros-args", ...]`` as any ROS node takes them. The native engine takes none.

    Raises
    ------
    MissingFrameworkError
        There is no such engine here.
    ValueError
        `ros_args` for the native engine.
    """
    ending = stop if stop is not None else threading.Event()
    if config.engine == "native" or (config.engine == "auto" and not rosext.ROS_AVAILABLE):
        run_native = find_native()
        if ros_args:
            msg = f"the native engine takes no --ros-args, found {list(ros_args)}"
            raise ValueError(msg)
        run_native(config, ending)
    else:
        run_rclpy(config, ending, ros_args)
