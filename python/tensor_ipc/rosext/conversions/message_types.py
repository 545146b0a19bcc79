"""Which ROS type a message is of, without asking ROS."""

from __future__ import annotations

import functools
from typing import Any


def type_name_of(message: Any) -> str:
    """Return the full name of the message's type, or the class's name where that is all there is.

    rosbags says it (``__msgtype__``); classes of rclpy are in a module
    ``<package>.msg._<file>``.
    """
    return _name_of_class(message.__class__)


@functools.lru_cache(maxsize=256)
def _name_of_class(cls: type) -> str:
    said = getattr(cls, "__msgtype__", None)
    if isinstance(said, str):
        return said
    parts = cls.__module__.split(".")
    if len(parts) >= 2 and parts[1] in ("msg", "srv", "action"):
        return f"{parts[0]}/{parts[1]}/{cls.__name__}"
    return cls.__name__


@functools.lru_cache(maxsize=256)
def full_name(name: str) -> str:
    """Return ``package/msg/Type`` for ``package/Type`` too, anything else as it is."""
    parts = name.split("/")
    return f"{parts[0]}/msg/{parts[1]}" if len(parts) == 2 else name
