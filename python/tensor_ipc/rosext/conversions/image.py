"""sensor_msgs/msg/Image whose pixels lie side by side; planes are in planar_image.py."""

from __future__ import annotations

import functools
import sys
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from tensor_ipc.errors import MessageLayoutError
from tensor_ipc.rosext.conversions import planar_image
from tensor_ipc.rosext.conversions.buffers import as_bytes, replace_numbers
from tensor_ipc.rosext.conversions.options import Converter
from tensor_ipc.rosext.conversions.pixels import check_pixels, encoding_for, pixels_of

if TYPE_CHECKING:
    from tensor_ipc.rosext.conversions.options import ReadOptions, WriteOptions

_NATIVE_IS_BIG = sys.byteorder == "big"


def _read(message: Any, _: ReadOptions) -> tuple[np.ndarray[Any, Any], dict[str, str]]:
    encoding = message.encoding
    dtype, channels = pixels_of(encoding)
    if not channels:
        return planar_image.read(message)
    height, width, step = index(message.height), index(message.width), index(message.step)
    data = as_bytes(message.data, "Image.data")
    pixel_bytes = channels * dtype.itemsize
    if data.size != height * step or (height and step < width * pixel_bytes):
        msg = (
            f"Image of {height} x {width} {encoding}: expected step >= {width * pixel_bytes} and "
            f"height * step = {height * step} bytes of data, found step {step} and {data.size} "
            "bytes"
        )
        raise MessageLayoutError(msg)
    shape: tuple[int, ...] = (height, width)
    strides: tuple[int, ...] = (step, pixel_bytes)
    if channels > 1:
        shape, strides = (height, width, channels), (step, pixel_bytes, dtype.itemsize)
    if dtype.itemsize > 1 and bool(message.is_bigendian) != _NATIVE_IS_BIG:
        swapped = np.ndarray(shape, dtype.newbyteorder(), data, 0, strides)
        return swapped.astype(dtype), {"encoding": encoding}
    return np.ndarray(shape, dtype, data, 0, strides), {"encoding": encoding}


def _write(message: Any, array: np.ndarray[Any, Any], options: WriteOptions) -> None:
    encoding = options.encoding or options.metadata.get("encoding") or encoding_for(array)
    dtype, channels = pixels_of(encoding)
    if not channels:
        planar_image.write(message, array, encoding, options.metadata)
        return
    check_pixels(array, encoding)
    height, width = array.shape[:2]
    step = width * channels * dtype.itemsize
    replace_numbers(
        message,
        "data",
        np.dtype(np.uint8),
        height * step,
        functools.partial(_copy, array, dtype),
    )
    message.height, message.width, message.step = height, width, step
    message.encoding = encoding
    message.is_bigendian = int(_NATIVE_IS_BIG)


def _copy(
    array: np.ndarray[Any, Any], dtype: np.dtype[Any], into: np.ndarray[Any, Any]
) -> None:
    np.copyto(into.view(dtype).reshape(array.shape), array)


CONVERTER = Converter(_read, _write, frozenset({"encoding"}))
