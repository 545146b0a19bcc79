"""nav_msgs/msg/OccupancyGrid: 0 to 100, and -1 for what is not known."""

from __future__ import annotations

from operator import attrgetter, index
from typing import Any

import numpy as np

from tensor_ipc.errors import MessageLayoutError
from tensor_ipc.rosext.conversions.buffers import numbers_of, replace_numbers
from tensor_ipc.rosext.conversions.geometry import POSE
from tensor_ipc.rosext.conversions.numbers import require_dtype, require_shape
from tensor_ipc.rosext.conversions.options import Converter, ReadOptions, WriteOptions
from tensor_ipc.rosext.conversions.record import Part
from tensor_ipc.rosext.conversions.texts import join_numbers, split_numbers

_INT8 = np.dtype(np.int8)
_ORIGIN = Part("origin", POSE)


def _read(message: Any, _: ReadOptions) -> tuple[np.ndarray[Any, Any], dict[str, str]]:
    info = message.info
    data = numbers_of(message.data, _INT8, "OccupancyGrid.data")
    height, width = index(info.height), index(info.width)
    if data.size != height * width:
        msg = f"OccupancyGrid of {height} x {width}: found {data.size} cells"
        raise MessageLayoutError(msg)
    loaded = info.map_load_time
    metadata = {
        "resolution": join_numbers([info.resolution], np.float32),
        "origin": join_numbers(attrgetter(*POSE)(info.origin)),
        "map_load_time": f"{index(loaded.sec)} {index(loaded.nanosec)}",
    }
    return data.reshape(height, width), metadata


def _write(message: Any, array: np.ndarray[Any, Any], options: WriteOptions) -> None:
    require_shape(array, (None, None), "OccupancyGrid")
    require_dtype(array, _INT8, "OccupancyGrid")
    metadata, info = options.metadata, message.info
    resolution = None
    if "resolution" in metadata:
        resolution = split_numbers(metadata, "resolution", 1, np.float32)
    origin = split_numbers(metadata, "origin", len(POSE)) if "origin" in metadata else None
    loaded = (
        split_numbers(metadata, "map_load_time", 2) if "map_load_time" in metadata else None
    )
    replace_numbers(
        message,
        "data",
        _INT8,
        array.size,
        lambda into: np.copyto(into.reshape(array.shape), array),
    )
    info.height, info.width = array.shape
    if resolution is not None:
        info.resolution = resolution[0]
    if origin is not None:
        _ORIGIN.write(info.origin, np.array(origin))
    if loaded is not None:
        info.map_load_time.sec, info.map_load_time.nanosec = (int(part) for part in loaded)


CONVERTER = Converter(_read, _write)
