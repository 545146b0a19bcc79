"""sensor_msgs/msg/Image in nv12, nv21 and nv24: a plane of luma, then one of chroma pairs.

The planes are not taken apart: the array is ``(rows, step)``, each row as it lies in the message,
padding included. nv12 and nv21 have half as many rows of chroma as of luma, nv24 twice as many.
"""

from __future__ import annotations

from operator import index
from typing import Any, Mapping

import numpy as np

from tensor_ipc.errors import ArrayLayoutError, MessageLayoutError, UserMetadataError
from tensor_ipc.rosext.conversions.buffers import as_bytes, replace_numbers


def read(message: Any) -> tuple[np.ndarray[Any, Any], dict[str, str]]:
    """Return a view of all rows; ``width`` is among the texts when rows are longer."""
    encoding = message.encoding
    height, width, step = index(message.height), index(message.width), index(message.step)
    rows = _rows(encoding, height)
    data = as_bytes(message.data, "Image.data")
    if data.size != rows * step or (height and step < width):
        msg = (
            f"Image of {height} x {width} {encoding}: expected step >= {width} and {rows} rows of "
            f"step bytes, found step {step} and {data.size} bytes"
        )
        raise MessageLayoutError(msg)
    metadata = {"encoding": encoding}
    if step != width:
        metadata["width"] = str(width)
    return data.reshape(rows, step), metadata


def write(
    message: Any, array: np.ndarray[Any, Any], encoding: str, metadata: Mapping[str, str]
) -> None:
    """Fill the message; each row of `array` is a row of the message, padding included."""
    if array.ndim != 2 or array.dtype != np.uint8:
        msg = (
            f"{encoding}: expected uint8 of shape (rows, step), got {array.dtype} {array.shape}"
        )
        raise ArrayLayoutError(msg)
    rows, step = array.shape
    height = rows // 3 if encoding == "nv24" else rows * 2 // 3
    if _rows(encoding, height) != rows:
        luma_rows = "a third" if encoding == "nv24" else "two thirds"
        msg = (
            f"{encoding}: {luma_rows} of the rows are luma, which does not work out for {rows}"
        )
        raise ArrayLayoutError(msg)
    width = _width(metadata, step)
    replace_numbers(
        message,
        "data",
        np.dtype(np.uint8),
        array.size,
        lambda into: np.copyto(into.reshape(array.shape), array),
    )
    message.height, message.width, message.step = height, width, step
    message.encoding = encoding
    message.is_bigendian = 0


def _rows(encoding: str, height: int) -> int:
    return 3 * height if encoding == "nv24" else height + (height + 1) // 2


def _width(metadata: Mapping[str, str], step: int) -> int:
    text = metadata.get("width", str(step))
    if not text.isdecimal() or int(text) > step:
        msg = f"user metadata 'width': expected a number up to the {step} bytes of a row, got {text!r}"
        raise UserMetadataError(msg)
    return int(text)
