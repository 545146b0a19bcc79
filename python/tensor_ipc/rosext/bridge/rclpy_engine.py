"""A bridge as one ROS node."""

from __future__ import annotations

import contextlib
import importlib
import threading
from typing import TYPE_CHECKING, Any, Iterator, Sequence

from tensor_ipc.errors import BridgeConfigError, TensorIpcError
from tensor_ipc.rosext.bridge.config import TopicToPool
from tensor_ipc.rosext.bridge.diagnostics import Diagnostics
from tensor_ipc.rosext.bridge.links import InboundLink, outbound_link
from tensor_ipc.rosext.bridge.report import Reporter
from tensor_ipc.rosext.ros_import import import_rclpy

if TYPE_CHECKING:
    from tensor_ipc.rosext.bridge.config import BridgeConfig


def run_rclpy(config: BridgeConfig, stop: threading.Event, ros_args: Sequence[str]) -> None:
    """Run a bridge until `stop` is set.

    Parameters
    ----------
    config
        What to bridge.
    stop
        Set it, from a signal handler say, to end the bridge.
    ros_args
        ``["--ros-args", ...]`` as any ROS node takes them: remappings, parameters, log levels.

    Raises
    ------
    BridgeConfigError
        ROS refuses a name, a type or an argument; the text says which.
    MissingFrameworkError
        There is no ROS, or a package of messages is missing.
    PoolInUseError
        A pool whose shape is configured has a living producer.
    """
    rclpy = import_rclpy()
    # For a context of one's own rclpy handles no signals, which would end it under our threads.
    context = rclpy.context.Context()
    with _refused_as(f"ROS arguments {' '.join(ros_args)}"):
        rclpy.init(args=["tensor-ipc", *ros_args], context=context)
    try:
        with _refused_as(f"node {config.node}"):
            node = _node(rclpy, context, config)
        try:
            # The links go last: rclpy cannot bear that something is destroyed while it is spun.
            with _links(node, config) as links, _Spinning(node, context, stop):
                _report(node, config, links, stop)
        finally:
            node.destroy_node()
    finally:
        rclpy.try_shutdown(context=context)


def _node(rclpy: Any, context: Any, config: BridgeConfig) -> Any:
    parameter = importlib.import_module("rclpy.parameter").Parameter
    overrides = [parameter("use_sim_time", value=True)] if config.use_sim_time else []
    return rclpy.create_node(
        config.node,
        namespace=config.namespace or None,
        context=context,
        parameter_overrides=overrides,
    )


@contextlib.contextmanager
def _refused_as(what: str) -> Iterator[None]:
    """Say which part of the configuration rclpy refuses; its own errors have no common base."""
    try:
        yield
    except TensorIpcError:
        raise
    except Exception as error:
        msg = f"{what}: {error}"
        raise BridgeConfigError(msg) from error


@contextlib.contextmanager
def _links(node: Any, config: BridgeConfig) -> Iterator[list[Any]]:
    """Yield what carries messages and frames; it ends afterwards."""
    with contextlib.ExitStack() as ends:
        links: list[Any] = []
        for wanted in config.links:
            with _refused_as(wanted.name):
                if isinstance(wanted, TopicToPool):
                    links.append(InboundLink(node, wanted))
                else:
                    links.append(outbound_link(node, wanted))
            ends.callback(links[-1].cleanup)
        yield links


def _report(node: Any, config: BridgeConfig, links: list[Any], stop: threading.Event) -> None:
    diagnostics = Diagnostics(node)
    reporter = Reporter(links)
    node.get_logger().info(f"bridging {len(links)} topics: {'; '.join(l.name for l in links)}")
    while not stop.wait(config.report_period_s):
        reports = reporter.report()
        for report in reports:
            node.get_logger().info(report.line())
        diagnostics.publish(reports)


class _Spinning:
    """Runs the node's callbacks in a thread. When one raises, the bridge ends with that error."""

    def __init__(self, node: Any, context: Any, stop: threading.Event) -> None:
        executors = importlib.import_module("rclpy.executors")
        self._executor = executors.SingleThreadedExecutor(context=context)
        self._executor.add_node(node)
        self._stop = stop
        self._end = importlib.import_module("rclpy.task").Future()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._spin, name="tensor-ipc ros", daemon=True)

    def _spin(self) -> None:
        try:
            self._executor.spin_until_future_complete(self._end)
        except BaseException as error:  # noqa: BLE001 - raised where the bridge is run
            self._error = error
            self._stop.set()

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exception: object) -> None:
        self._end.set_result(None)
        self._thread.join()
        self._executor.shutdown()
        if self._error is not None and exception[0] is None:
            raise self._error
