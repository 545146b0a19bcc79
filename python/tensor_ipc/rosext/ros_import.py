"""What of ROS is looked up by name: rclpy itself, and message types."""

from __future__ import annotations

import importlib
from typing import Any

from tensor_ipc.errors import MissingFrameworkError

_HOW_TO_GET_ROS = (
    "source a ROS 2 installation (. /opt/ros/<distribution>/setup.sh) in the shell that starts this "
    "Python, or, for CPython 3.11 to 3.13 on x86-64, "
    "pip install ros-kilted-rclpy ros-kilted-rmw-fastrtps-cpp ros-kilted-sensor-msgs"
)


def import_rclpy() -> Any:
    """Return the module rclpy.

    Raises
    ------
    MissingFrameworkError
        There is none; the text says how to get ROS.
    """
    try:
        return importlib.import_module("rclpy")
    except ImportError as error:
        msg = f"rclpy cannot be imported ({error}). To get ROS: {_HOW_TO_GET_ROS}"
        raise MissingFrameworkError(msg) from error


def message_type(name: str | type) -> Any:
    """Return the class of a message type, which may be one already.

    Parameters
    ----------
    name
        As ROS writes it: ``"sensor_msgs/msg/Image"``.

    Raises
    ------
    ValueError
        `name` is not of that form, or its package has no such message.
    MissingFrameworkError
        The package cannot be imported.
    """
    if not isinstance(name, str):
        return name
    parts = name.split("/")
    if len(parts) != 3 or parts[1] != "msg" or not all(part.isidentifier() for part in parts):
        msg = f"expected a message type like 'sensor_msgs/msg/Image', found {name!r}"
        raise ValueError(msg)
    package, _, message = parts
    try:
        module = importlib.import_module(f"{package}.msg")
    except ImportError as error:
        msg = f"package {package} of {name} cannot be imported ({error}). To get ROS: {_HOW_TO_GET_ROS}"
        raise MissingFrameworkError(msg) from error
    if not hasattr(module, message):
        msg = f"ROS package {package} has no message {message}: {name!r}"
        raise ValueError(msg)
    return getattr(module, message)


def type_name(message_class: Any) -> str:
    """Return the name of a message class as ROS writes it: ``"sensor_msgs/msg/Image"``."""
    package = message_class.__module__.split(".")[0]
    return f"{package}/msg/{message_class.__name__}"
