"""Waiting for ROS: for a condition, never for a time.

Without rclpy, whoever imports this (before all else of ROS) is skipped; with TENSOR_IPC_REQUIRE_ROS set, it fails.
"""

from __future__ import annotations

import importlib.util
import os
import time
from typing import Any, Callable

import numpy as np
import pytest
from support import HANG_S

if importlib.util.find_spec("rclpy") is None and not os.environ.get("TENSOR_IPC_REQUIRE_ROS"):
    pytest.skip("needs ROS 2 (rclpy)", allow_module_level=True)

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image

__all__ = [
    "DiagnosticArray",
    "DiagnosticStatus",
    "Image",
    "image",
    "pixels",
    "qos",
    "rclpy",
    "spin_until",
]

_LOOK_S = 0.02


def spin_until(
    node: Any, condition: Callable[[], object], step: Callable[[], object] | None = None
) -> None:
    """Run the node's callbacks until the condition holds; call `step` between two looks."""
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    end_s = time.monotonic() + HANG_S
    try:
        while not condition():
            if time.monotonic() > end_s:
                msg = f"still not true after {HANG_S} s"
                raise AssertionError(msg)
            if step is not None:
                step()
            executor.spin_once(timeout_sec=_LOOK_S)
    finally:
        executor.remove_node(node)
        executor.shutdown()


def image(value: int, height: int = 4, width: int = 6, encoding: str = "rgb8") -> Image:
    """An image whose bytes all have one value, stamped with it too."""
    message = Image()
    message.header.stamp.sec = 1000 + value
    message.header.stamp.nanosec = 5
    message.header.frame_id = "lens"
    message.height, message.width = height, width
    message.encoding = encoding
    message.step = width * {"rgb8": 3, "bgr8": 3, "mono8": 1}[encoding]
    message.data = bytes([value]) * (message.step * height)
    return message


def pixels(value: int, height: int = 4, width: int = 6) -> np.ndarray[Any, Any]:
    """The array of `image`."""
    return np.full((height, width, 3), value, np.uint8)


def qos(depth: int = 10, **policies: str) -> Any:
    """A profile, its policies by name."""
    return rclpy.qos.QoSProfile(
        depth=depth,
        **{
            name: {
                "reliability": rclpy.qos.ReliabilityPolicy,
                "durability": rclpy.qos.DurabilityPolicy,
            }[name][value.upper()]
            for name, value in policies.items()
        },
    )
