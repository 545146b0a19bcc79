"""sensor_msgs/msg/JointState: positions, velocities and efforts of named joints."""

from __future__ import annotations

from typing import Any

import numpy as np

from tensor_ipc.errors import ArrayLayoutError, MessageLayoutError
from tensor_ipc.rosext.conversions.columns import Columns
from tensor_ipc.rosext.conversions.options import Converter, ReadOptions, WriteOptions
from tensor_ipc.rosext.conversions.texts import join_names, split_names

_COLUMNS = Columns(("position", "velocity", "effort"), np.dtype(np.float64))


def _read(message: Any, options: ReadOptions) -> tuple[np.ndarray[Any, Any], dict[str, str]]:
    array, metadata = _COLUMNS.read(message, options)
    if len(array) and len(message.name) not in (0, len(array)):
        msg = f"JointState: {len(message.name)} names for {len(array)} joints"
        raise MessageLayoutError(msg)
    metadata["name"] = join_names(message.name)
    return array, metadata


def _write(message: Any, array: np.ndarray[Any, Any], options: WriteOptions) -> None:
    fields = _COLUMNS.chosen(array, options)
    names = list(message.name)
    if "name" in options.metadata:
        text = options.metadata["name"]
        names = list(split_names(text)) if text else []
    if len(array) and len(names) not in (0, len(array)):
        msg = f"JointState: {len(names)} names {names} for {len(array)} joints"
        raise ArrayLayoutError(msg)
    _COLUMNS.write(message, array, fields)
    message.name = names


CONVERTER = Converter(_read, _write, frozenset({"fields"}))
