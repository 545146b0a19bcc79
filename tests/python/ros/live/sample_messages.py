"""A message of every type that converts, filled with something, and what it has to be equal to."""

from __future__ import annotations

import array
from typing import Any, Callable

import numpy as np
from nav_msgs.msg import OccupancyGrid
from ros_support import image
from rosidl_parser.definition import AbstractSequence, Array, BasicType, NamespacedType
from sensor_msgs.msg import (
    CompressedImage,
    Image,
    JointState,
    LaserScan,
    PointCloud2,
    PointField,
)

from tensor_ipc.rosext.conversions.registry import CONVERTERS
from tensor_ipc.rosext.ros_import import message_type

_IN_SEQUENCES = 3


def types_that_exist() -> list[str]:
    """Names of all types that convert and that this ROS has."""
    names = []
    for name in CONVERTERS:
        try:
            message_type(name)
        except ValueError:
            continue
        names.append(name)
    return names


def filled(name: str, rng: np.random.Generator) -> Any:
    """Return a message of that type with values everywhere."""
    special = _SPECIAL.get(name)
    if special is not None:
        return special(rng)
    message = message_type(name)()
    _fill(message, rng)
    if name.endswith("MultiArray"):
        _describe(message)
    return message


def _fill(message: Any, rng: np.random.Generator) -> None:
    fields = zip(message.get_fields_and_field_types(), message.SLOT_TYPES)
    for name, kind in fields:
        held = getattr(message, name)
        if isinstance(kind, NamespacedType):
            _fill(held, rng)
        elif isinstance(kind, BasicType):
            setattr(message, name, _number(kind.typename, held, rng))
        elif isinstance(kind, Array):
            held[:] = rng.normal(size=len(held))
        elif isinstance(kind, AbstractSequence) and isinstance(kind.value_type, NamespacedType):
            item = message_type("/".join(kind.value_type.namespaced_name()))
            setattr(message, name, [item() for _ in range(_IN_SEQUENCES)])
            for each in getattr(message, name):
                _fill(each, rng)
        elif isinstance(held, array.array):
            numbers = rng.integers(0, 100, _IN_SEQUENCES)
            setattr(message, name, array.array(held.typecode, numbers.tolist()))
        elif isinstance(held, list):
            setattr(message, name, [bytes([n]) for n in rng.integers(0, 100, _IN_SEQUENCES)])
        else:
            setattr(message, name, "name")


def _number(typename: str, held: Any, rng: np.random.Generator) -> Any:
    if typename == "boolean":
        return True
    if isinstance(held, bytes):
        return bytes([int(rng.integers(0, 256))])
    if isinstance(held, int):
        return int(rng.integers(1, 100))
    return float(np.float32(rng.normal()))


def _describe(message: Any) -> None:
    """Make the layout fit the data."""
    dimension = message.layout.dim[0]
    message.layout.dim = [dimension]
    message.layout.data_offset = 0
    dimension.label, dimension.size, dimension.stride = "n", _IN_SEQUENCES, _IN_SEQUENCES


def _image(_: np.random.Generator) -> Image:
    return image(7, encoding="bgr8")


def _compressed(rng: np.random.Generator) -> CompressedImage:
    import cv2  # noqa: PLC0415 - only this type needs it

    message = CompressedImage(format="bgr8; png compressed bgr8")
    _fill(message.header, rng)
    pixels = rng.integers(0, 256, (8, 6, 3), np.uint8)
    message.data = array.array("B", cv2.imencode(".png", pixels)[1].tobytes())
    return message


def _points(rng: np.random.Generator) -> PointCloud2:
    message = PointCloud2(height=1, width=5, point_step=16, row_step=80, is_dense=True)
    _fill(message.header, rng)
    message.fields = [
        PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
        for index, name in enumerate(("x", "y", "z", "intensity"))
    ]
    message.data = array.array("B", rng.normal(size=20).astype(np.float32).tobytes())
    return message


def _scan(rng: np.random.Generator) -> LaserScan:
    message = LaserScan(angle_min=-1.5, angle_max=1.5, angle_increment=0.5, range_max=30.0)
    _fill(message.header, rng)
    message.ranges = array.array("f", rng.uniform(1, 20, 7).tolist())
    return message


def _joints(rng: np.random.Generator) -> JointState:
    message = JointState(name=["hip", "knee"])
    _fill(message.header, rng)
    for field in ("position", "velocity", "effort"):
        setattr(message, field, array.array("d", rng.normal(size=2).tolist()))
    return message


def _grid(rng: np.random.Generator) -> OccupancyGrid:
    message = OccupancyGrid()
    _fill(message.header, rng)
    _fill(message.info, rng)
    message.info.height, message.info.width, message.info.resolution = 3, 4, 0.5
    message.data = array.array("b", rng.integers(-1, 101, 12).tolist())
    return message


_SPECIAL: dict[str, Callable[[np.random.Generator], Any]] = {
    "sensor_msgs/msg/Image": _image,
    "sensor_msgs/msg/CompressedImage": _compressed,
    "sensor_msgs/msg/PointCloud2": _points,
    "sensor_msgs/msg/LaserScan": _scan,
    "sensor_msgs/msg/JointState": _joints,
    "nav_msgs/msg/OccupancyGrid": _grid,
}
