"""An image of 1080p from a message to an array and into a message, beside a bare copy."""

from __future__ import annotations

import array
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.python.turns import spread, time_in_turns
from tensor_ipc.rosext.conversions import fill_message, to_frame

_TYPE = "sensor_msgs/msg/Image"


def measure_ros_images() -> dict[str, Any]:
    """Measure `to_frame`, `fill_message`, and ``np.copyto`` into the same buffer.

    The message holds its pixels in an ``array.array``, as rclpy does, and is used again and again.
    """
    message = SimpleNamespace(
        header=SimpleNamespace(stamp=SimpleNamespace(sec=0, nanosec=0), frame_id="camera"),
        height=0,
        width=0,
        encoding="",
        is_bigendian=0,
        step=0,
        data=array.array("B"),
    )
    pixels = np.ones((1080, 1920, 3), np.uint8)
    fill_message(message, pixels, type_name=_TYPE)
    buffer = np.frombuffer(message.data, np.uint8).reshape(pixels.shape)
    reads, fills, copies = time_in_turns(
        (
            lambda: to_frame(message, type_name=_TYPE),
            lambda: fill_message(
                message, pixels, type_name=_TYPE, stamp_ns=1, frame_id="camera"
            ),
            lambda: np.copyto(buffer, pixels),
        )
    )
    return {
        "frame_bytes": pixels.nbytes,
        **spread("to_frame_ns", reads),
        **spread("fill_message_ns", fills),
        **spread("copyto_ns", copies),
        **spread("fill_ratio", [fill / copy for fill, copy in zip(fills, copies)]),
    }
