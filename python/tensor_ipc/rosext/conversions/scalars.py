"""std_msgs with one number: Bool, Byte, Char, Float32, Int64, ..."""

from __future__ import annotations

from typing import Any

import numpy as np

from tensor_ipc.errors import MessageLayoutError
from tensor_ipc.rosext.conversions.numbers import require_dtype, require_shape
from tensor_ipc.rosext.conversions.options import Converter, ReadOptions, WriteOptions

#: The element types of std_msgs. A char is a ``uint8`` in ROS 2.
DTYPES = {
    "Byte": np.dtype(np.uint8),
    "Char": np.dtype(np.uint8),
    **{
        name: np.dtype(name.lower())
        for name in (
            *("Float32", "Float64", "Int8", "Int16", "Int32", "Int64"),
            *("UInt8", "UInt16", "UInt32", "UInt64"),
        )
    },
}


def _scalar(dtype: np.dtype[Any]) -> Converter:
    def read(message: Any, _: ReadOptions) -> tuple[np.ndarray[Any, Any], dict[str, str]]:
        value = message.data
        if isinstance(value, bytes) and len(value) == 1:  # as rclpy holds a byte
            value = value[0]
        try:
            number = np.array(value)
            if number.shape == () and number.dtype.kind in "biuf":
                return _exactly(number, dtype), {}
        except (ValueError, OverflowError):
            pass
        msg = f"{type(message).__name__}.data: expected a {dtype}, found {value!r}"
        raise MessageLayoutError(msg)

    def write(message: Any, array: np.ndarray[Any, Any], _: WriteOptions) -> None:
        what = f"{type(message).__name__}.data"
        if array.shape != (1,):
            require_shape(array, (), what)
        require_dtype(array, dtype, what)
        number = array.astype(dtype).item()
        message.data = bytes([number]) if isinstance(message.data, bytes) else number

    return Converter(read, write)


def _exactly(number: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Return the number as `dtype`; `ValueError` where it is none (3.5 and 256 are no ``uint8``)."""
    if dtype == np.uint8 and -128 <= number < 0:  # as rosbags reads a byte
        number = np.array(number + 256)
    if dtype.kind == "f":
        return number.astype(dtype)
    if number.dtype.kind == "f" or number.astype(dtype) != number:
        raise ValueError
    return number.astype(dtype)


CONVERTERS = {
    "std_msgs/msg/Bool": _scalar(np.dtype(np.bool_)),
    **{f"std_msgs/msg/{name}": _scalar(dtype) for name, dtype in DTYPES.items()},
}
