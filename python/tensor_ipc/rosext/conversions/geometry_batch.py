"""geometry_msgs that are sequences: PoseArray, Polygon, PolygonStamped."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import numpy as np

from tensor_ipc.rosext.conversions.geometry import POSE
from tensor_ipc.rosext.conversions.numbers import require_dtype, require_shape
from tensor_ipc.rosext.conversions.options import Converter, ReadOptions, WriteOptions
from tensor_ipc.rosext.conversions.record import Part, owner_of
from tensor_ipc.rosext.conversions.submessages import resize

_NEW_POINT = {"x": 0.0, "y": 0.0, "z": 0.0}
_NEW_POSE = {
    "position": {"": "geometry_msgs/msg/Point", **_NEW_POINT},
    "orientation": {"": "geometry_msgs/msg/Quaternion", **_NEW_POINT, "w": 1.0},
}


def _batch(
    place: str,
    leaves: tuple[str, ...],
    dtype: type[np.floating[Any]],
    item_type: str,
    new: dict[str, Any],
) -> Converter:
    """Return the conversion of a message with a sequence of such items: shape ``(n, k)``."""
    item = Part("item", leaves)

    def read(message: Any, _: ReadOptions) -> tuple[np.ndarray[Any, Any], dict[str, str]]:
        items = attrgetter(place)(message)
        array = np.empty((len(items), item.size), dtype)
        for one, row in zip(items, array):
            item.read(one, row)
        return array, {}

    def write(message: Any, array: np.ndarray[Any, Any], _: WriteOptions) -> None:
        what = f"{type(message).__name__}.{place}"
        require_shape(array, (None, item.size), what)
        require_dtype(array, np.dtype(dtype), what)
        owner, name = owner_of(message, place)
        items = resize(owner, name, len(array), item_type, new)
        for one, row in zip(items, array):
            item.write(one, row)
        setattr(owner, name, items)

    return Converter(read, write)


_POINT32 = ("geometry_msgs/msg/Point32", _NEW_POINT)

CONVERTERS = {
    "geometry_msgs/msg/PoseArray": _batch(
        "poses", POSE, np.float64, "geometry_msgs/msg/Pose", _NEW_POSE
    ),
    "geometry_msgs/msg/Polygon": _batch("points", ("x", "y", "z"), np.float32, *_POINT32),
    "geometry_msgs/msg/PolygonStamped": _batch(
        "polygon.points", ("x", "y", "z"), np.float32, *_POINT32
    ),
}
