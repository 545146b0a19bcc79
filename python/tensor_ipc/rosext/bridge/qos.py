"""A configured quality of service as rclpy takes it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensor_ipc.rosext.bridge.config import QoS


def qos_profile(wanted: QoS) -> Any:
    """Return an ``rclpy.qos.QoSProfile``."""
    qos = importlib.import_module("rclpy.qos")
    return qos.QoSProfile(
        history=qos.HistoryPolicy.KEEP_LAST,
        depth=wanted.depth,
        reliability=qos.ReliabilityPolicy[wanted.reliability.upper()],
        durability=qos.DurabilityPolicy[wanted.durability.upper()],
    )
