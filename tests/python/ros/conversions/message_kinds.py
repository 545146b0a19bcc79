"""One message in three kinds: of plain objects, of rosbags (through its CDR), of rclpy.

A message is described by a dictionary: messages inside are dictionaries, sequences of messages are
lists of them, sequences of numbers are ``array.array`` (or ``bytes``), arrays of fixed length are
``numpy.ndarray``.
"""

from __future__ import annotations

import array
import copy
import functools
import importlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest


def blank(values: dict[str, Any]) -> dict[str, Any]:
    """The same message before anybody filled it."""
    return {key: _blank(value) for key, value in values.items()}


def _blank(value: Any) -> Any:
    if isinstance(value, dict):
        return blank(value)
    if isinstance(value, np.ndarray):
        return np.zeros_like(value)
    if isinstance(value, array.array):
        return array.array(value.typecode)
    return type(value)()


class Plain:
    """Objects with attributes, and nothing else."""

    name = "plain"

    def make(self, _: str, values: dict[str, Any]) -> Any:
        return self._value(copy.deepcopy(values))

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return SimpleNamespace(**{key: self._value(one) for key, one in value.items()})
        if isinstance(value, list):
            return [self._value(one) for one in value]
        return value

    def through_wire(self, message: Any, _: str) -> Any:
        return message


class Rosbags:
    """Messages of rosbags, serialized to CDR and back."""

    name = "rosbags"

    def __init__(self) -> None:
        typesys = pytest.importorskip("rosbags.typesys", reason="pip install rosbags")
        self._store = typesys.get_typestore(typesys.Stores.ROS2_JAZZY)

    def make(self, type_name: str, values: dict[str, Any]) -> Any:
        _, definitions = self._store.fielddefs[type_name]
        fields = {name: self._value(kind, values[name]) for name, kind in definitions}
        assert set(values) == set(fields)
        return self._store.types[type_name](**fields)

    def _value(self, kind: Any, value: Any) -> Any:
        if isinstance(value, dict):
            return self.make(kind[1], value)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return [self.make(kind[1][0][1], one) for one in value]
        if isinstance(value, (array.array, np.ndarray)):
            return np.array(value)
        return value

    def through_wire(self, message: Any, type_name: str) -> Any:
        wire = self._store.serialize_cdr(message, type_name)
        return self._store.deserialize_cdr(wire, type_name)


class Rclpy:
    """Messages of rclpy, whose setters check."""

    name = "rclpy"

    def __init__(self) -> None:
        pytest.importorskip("sensor_msgs.msg", reason="no ROS messages for Python here")

    def make(self, type_name: str, values: dict[str, Any]) -> Any:
        package, _, name = type_name.split("/")
        module = pytest.importorskip(f"{package}.msg", reason=f"no {package} here")
        message = getattr(module, name)()
        types = message.get_fields_and_field_types()
        assert set(values) == set(types)
        for key, value in values.items():
            setattr(message, key, self._value(types[key], value))
        return message

    def _value(self, type_name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return self.make(_full(type_name), value)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            item = _full(type_name[len("sequence<") : -1])
            return [self.make(item, one) for one in value]
        if type_name == "sequence<octet>":
            return [bytes([number]) for number in value]
        if type_name == "octet":
            return bytes([value])
        return copy.copy(value)

    def through_wire(self, message: Any, _: str) -> Any:
        serialization = importlib.import_module("rclpy.serialization")
        wire = serialization.serialize_message(message)
        return serialization.deserialize_message(wire, type(message))


def _full(name: str) -> str:
    return name.replace("/", "/msg/")


KINDS = {kind.name: kind for kind in (Plain, Rosbags, Rclpy)}


@functools.lru_cache(maxsize=None)
def kind_of(name: str) -> Any:
    """The maker of messages of that kind; skips the test where its package is not there."""
    return KINDS[name]()


def values_of(message: Any) -> Any:
    """What a message of any kind says, comparable between kinds."""
    if isinstance(message, (str, bool, int, float)):
        return message
    if isinstance(message, bytes):
        return message[0]  # as rclpy holds a byte
    if isinstance(message, (np.ndarray, array.array)):
        return np.asarray(message).tolist()
    if isinstance(message, (list, tuple)):
        if message and all(isinstance(one, bytes) for one in message):
            return list(b"".join(message))
        return [values_of(one) for one in message]
    if isinstance(message, dict):
        return {key: values_of(value) for key, value in message.items()}
    if hasattr(message, "get_fields_and_field_types"):
        names = list(message.get_fields_and_field_types())
    else:
        # Constants, which rosbags keeps in the message too, are in capitals.
        names = [name for name in vars(message) if name[0].islower()]
    return {name: values_of(getattr(message, name)) for name in names}
