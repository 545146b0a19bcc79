"""Sequences of messages inside a message: as many as there have to be."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any


def resize(owner: Any, name: str, count: int, type_name: str, new: dict[str, Any]) -> list[Any]:
    """Return `count` messages for ``owner.<name>``: those it has, then new ones.

    The caller fills them and puts them there.

    Parameters
    ----------
    owner
        The message with the sequence.
    name
        Of the sequence.
    type_name
        Of the messages in it, as ``"geometry_msgs/msg/Pose"``.
    new
        The fields of a new one. A dictionary in it is a message of the type that stands under
        ``""`` in it.
    """
    held = list(getattr(owner, name))[:count]
    return held + [make(owner, type_name, new) for _ in range(count - len(held))]


def make(owner: Any, type_name: str, fields: dict[str, Any]) -> Any:
    """Return a new message of the kind (rclpy, rosbags, plain) that `owner` is of."""
    values = {
        key: make(owner, value[""], value) if isinstance(value, dict) else value
        for key, value in fields.items()
        if key
    }
    return _class_of(owner, type_name)(**values)


def _class_of(owner: Any, type_name: str) -> Any:
    """Return the class; it was loaded with the class of `owner`, which has it as a field."""
    package, _, short = type_name.split("/")
    for module, name in (
        (type(owner).__module__, type_name.replace("/", "__")),  # rosbags
        (f"{package}.msg", short),  # rclpy
    ):
        found = getattr(sys.modules.get(module), name, None)
        if found is not None and _kind(found) == _kind(type(owner)):
            return found
    return SimpleNamespace


def _kind(cls: type) -> str:
    if hasattr(cls, "__msgtype__"):
        return "rosbags"
    return "rclpy" if hasattr(cls, "get_fields_and_field_types") else "plain"
