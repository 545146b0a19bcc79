"""Reports on ``/diagnostics``, where the package diagnostic_msgs is there."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Sequence

if TYPE_CHECKING:
    from tensor_ipc.rosext.bridge.report import LinkReport


class Diagnostics:
    """Publishes reports; without diagnostic_msgs it does nothing.

    Parameters
    ----------
    node
        Whose name the statuses have.
    """

    def __init__(self, node: Any) -> None:
        self._node = node
        try:
            self._messages: Any = importlib.import_module("diagnostic_msgs.msg")
        except ImportError:
            self._publisher: Any = None
        else:
            self._publisher = node.create_publisher(
                self._messages.DiagnosticArray, "/diagnostics", 10
            )

    @property
    def available(self) -> bool:
        """Whether anything is published."""
        return self._publisher is not None

    def publish(self, reports: Sequence[LinkReport]) -> None:
        """Publish one status for each link."""
        if self._publisher is None:
            return
        message = self._messages.DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.status = [self._status(report) for report in reports]
        self._publisher.publish(message)

    def _status(self, report: LinkReport) -> Any:
        status = self._messages.DiagnosticStatus()
        status.name = f"{self._node.get_name()}: {report.name}"
        status.hardware_id = "tensor-ipc"
        if report.new_trouble:
            status.level = self._messages.DiagnosticStatus.WARN
            status.message = report.last_error
        else:
            status.level = self._messages.DiagnosticStatus.OK
            status.message = f"{report.rate_hz:.1f} Hz"
        status.values = [
            self._messages.KeyValue(key=key, value=str(value))
            for key, value in [("rate_hz", f"{report.rate_hz:.2f}"), *report.counters]
        ]
        return status
