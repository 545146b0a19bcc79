"""sensor_msgs/msg/LaserScan: ranges, with intensities where the scanner has them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tensor_ipc.rosext.conversions.columns import Columns
from tensor_ipc.rosext.conversions.options import Converter, ReadOptions, WriteOptions
from tensor_ipc.rosext.conversions.texts import join_numbers, split_numbers

_COLUMNS = Columns(("ranges", "intensities"), np.dtype(np.float32))
_GEOMETRY = (
    *("angle_min", "angle_max", "angle_increment"),
    *("time_increment", "scan_time", "range_min", "range_max"),
)


def _read(message: Any, options: ReadOptions) -> tuple[np.ndarray[Any, Any], dict[str, str]]:
    array, metadata = _COLUMNS.read(message, options)
    geometry = (getattr(message, name) for name in _GEOMETRY)
    metadata["scan"] = join_numbers(geometry, np.float32)
    return array, metadata


def _write(message: Any, array: np.ndarray[Any, Any], options: WriteOptions) -> None:
    names = _COLUMNS.chosen(array, options)
    geometry: list[float] = []
    if "scan" in options.metadata:
        geometry = split_numbers(options.metadata, "scan", len(_GEOMETRY), np.float32)
    _COLUMNS.write(message, array, names)
    for name, number in zip(_GEOMETRY, geometry):
        setattr(message, name, number)


CONVERTER = Converter(_read, _write, frozenset({"fields"}))
