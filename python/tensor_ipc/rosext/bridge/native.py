"""Where the native engine is found, which reads and writes ROS's wire format without ROS."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Callable

from tensor_ipc.errors import MissingFrameworkError

if TYPE_CHECKING:
    import threading

    from tensor_ipc.rosext.bridge.config import BridgeConfig

    #: Runs a bridge until the event is set.
    RunNative = Callable[[BridgeConfig, threading.Event], None]

_MODULE = "tensor_ipc.rosext.native"


def find_native() -> RunNative:
    """Return ``run_native`` of the native engine.

    Raises
    ------
    MissingFrameworkError
        This build of tensor-ipc has none.
    """
    try:
        module = importlib.import_module(_MODULE)
    except ImportError as error:
        msg = (
            f"this build of tensor-ipc has no native ROS engine ({error}): "
            "use engine rclpy, with ROS"
        )
        raise MissingFrameworkError(msg) from error
    run_native: RunNative = module.run_native
    return run_native
