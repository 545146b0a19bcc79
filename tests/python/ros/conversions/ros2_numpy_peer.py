"""Runs ros2_numpy for test_ros2_numpy.py, in an environment of its own and without ROS.

Reads a list of calls from its input as JSON, and writes a list of answers. A message is a
dictionary, an array ``{"dtype", "shape", "hex"}``.
"""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import Any

import numpy as np

_FIELDS = {
    "sensor_msgs/msg/Image": ("height", "width", "encoding", "is_bigendian", "step", "data"),
    "sensor_msgs/msg/PointCloud2": ("fields", "point_step", "data"),
    "sensor_msgs/msg/PointField": ("name", "offset", "datatype", "count"),
    "nav_msgs/msg/OccupancyGrid": ("info", "data"),
    "nav_msgs/msg/MapMetaData": ("height", "width"),
    "geometry_msgs/msg/Vector3": ("x", "y", "z"),
    "geometry_msgs/msg/Point": ("x", "y", "z"),
    "geometry_msgs/msg/Quaternion": ("x", "y", "z", "w"),
    "geometry_msgs/msg/Pose": ("position", "orientation"),
    "geometry_msgs/msg/Transform": ("translation", "rotation"),
}
_PARTS = {
    "info": "nav_msgs/msg/MapMetaData",
    "position": "geometry_msgs/msg/Point",
    "orientation": "geometry_msgs/msg/Quaternion",
    "translation": "geometry_msgs/msg/Vector3",
    "rotation": "geometry_msgs/msg/Quaternion",
}


def _message_class(type_name: str) -> type:
    def __init__(self: Any, **fields: Any) -> None:
        for field in _FIELDS[type_name]:
            setattr(self, field, fields.get(field))

    return type(
        type_name.rpartition("/")[2], (), {"__init__": __init__, "type_name": type_name}
    )


CLASSES = {name: _message_class(name) for name in _FIELDS}


def install_messages() -> None:
    for name, cls in CLASSES.items():
        package, _, short = name.split("/")
        module = sys.modules.setdefault(f"{package}.msg", ModuleType(f"{package}.msg"))
        sys.modules.setdefault(package, ModuleType(package))
        setattr(module, short, cls)


def make(type_name: str, values: dict[str, Any]) -> Any:
    fields = {}
    for field in _FIELDS[type_name]:
        value = values[field]
        if field in _PARTS:
            value = make(_PARTS[field], value)
        elif field == "fields":
            value = [make("sensor_msgs/msg/PointField", one) for one in value]
        elif field == "data":
            value = bytes(value) if "sensor" in type_name else value
        fields[field] = value
    return CLASSES[type_name](**fields)


def values_of(message: Any) -> Any:
    if hasattr(message, "type_name"):
        return {
            field: values_of(getattr(message, field)) for field in _FIELDS[message.type_name]
        }
    if isinstance(message, (bytes, list)) or hasattr(message, "typecode"):
        return list(message)
    return message.item() if isinstance(message, np.generic) else message


def from_array(array: Any) -> dict[str, Any]:
    array = np.asarray(array)
    return {"dtype": array.dtype.str, "shape": array.shape, "hex": array.tobytes().hex()}


def to_array(described: dict[str, Any]) -> Any:
    flat = np.frombuffer(bytes.fromhex(described["hex"]), described["dtype"])
    return flat.reshape(described["shape"])


def main() -> None:
    install_messages()
    import ros2_numpy  # noqa: PLC0415 - needs the modules from above
    from ros2_numpy import registry  # noqa: PLC0415

    answers: list[Any] = []
    for call in json.load(sys.stdin):
        if call["call"] == "types":
            answers.append(sorted(cls.type_name for cls, _ in registry._to_numpy))
        elif call["call"] == "numpify":
            found = ros2_numpy.numpify(make(call["type"], call["values"]))
            answers.append(from_array(found["xyz"] if isinstance(found, dict) else found))
        else:
            cls = CLASSES[call["type"]]
            found = ros2_numpy.msgify(cls, to_array(call["array"]), **call["options"])
            answers.append(values_of(found))
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
