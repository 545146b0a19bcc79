"""Whether messages and arrays convert into each other, under the names of 0.1.0."""

from __future__ import annotations

from typing import Any

from tensor_ipc.errors import ConversionError, ROSConversionError
from tensor_ipc.rosext.conversions import fill_message, to_frame

__all__ = ["ROSConversionError", "validate_ros_msgify", "validate_ros_numpify"]


def validate_ros_msgify(ros_msg_type: type[Any], sample_data: Any) -> bool:
    """Return whether `fill_message` can fill a new message of that class with `sample_data`."""
    try:
        fill_message(ros_msg_type(), sample_data)
    except ConversionError:
        return False
    return True


def validate_ros_numpify(ros_msg: Any) -> bool:
    """Return whether `to_frame` can convert the message."""
    try:
        to_frame(ros_msg)
    except ConversionError:
        return False
    return True
