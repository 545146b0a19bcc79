"""What the names of image encodings mean.

The names are those of ``sensor_msgs/image_encodings.hpp`` and the ``<bits><type>C<channels>`` of
cv_bridge.
"""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

import numpy as np

from tensor_ipc.errors import ArrayLayoutError, EncodingError

# As CV_CN_MAX of OpenCV.
_MOST_CHANNELS = 512

_U8, _U16 = np.dtype(np.uint8), np.dtype(np.uint16)

_BAYER = ("bayer_rggb", "bayer_bggr", "bayer_gbrg", "bayer_grbg")


class Pixels(NamedTuple):
    """Element type and number of channels; 0 channels where a pixel is not in one place."""

    dtype: np.dtype[Any]
    channels: int


_NAMED = {
    **{name: Pixels(_U8, 1) for name in ("mono8", *(f"{order}8" for order in _BAYER))},
    **{name: Pixels(_U16, 1) for name in ("mono16", *(f"{order}16" for order in _BAYER))},
    **{name: Pixels(_U8, 3) for name in ("rgb8", "bgr8")},
    **{name: Pixels(_U16, 3) for name in ("rgb16", "bgr16")},
    **{name: Pixels(_U8, 4) for name in ("rgba8", "bgra8")},
    **{name: Pixels(_U16, 4) for name in ("rgba16", "bgra16")},
    # Luma and one of the two chromas, in turn.
    **{name: Pixels(_U8, 2) for name in ("uyvy", "yuv422", "yuyv", "yuv422_yuy2")},
    # A plane of luma, then one of chroma pairs.
    **{name: Pixels(_U8, 0) for name in ("nv12", "nv21", "nv24")},
}

_KINDS = {"U": "u", "S": "i", "F": "f"}
_COUNTED = re.compile(r"(8U|8S|16U|16S|16F|32U|32S|32F|64U|64S|64F)C([1-9][0-9]{0,2})")


@functools.lru_cache(maxsize=256)
def pixels_of(encoding: str) -> Pixels:
    """Return what a pixel of that encoding is.

    Raises
    ------
    EncodingError
        Nobody knows that name.
    """
    if encoding in _NAMED:
        return _NAMED[encoding]
    counted = _COUNTED.fullmatch(encoding)
    if counted is None or int(counted[2]) > _MOST_CHANNELS:
        msg = (
            f"unknown encoding {encoding!r}: expected one of {', '.join(sorted(_NAMED))}, or "
            f"<bits><U, S or F>C<channels> as 16UC1 or 32FC3, with at most {_MOST_CHANNELS} "
            "channels"
        )
        raise EncodingError(msg)
    bits, kind = int(counted[1][:-1]), counted[1][-1]
    return Pixels(np.dtype(f"{_KINDS[kind]}{bits // 8}"), int(counted[2]))


_USUAL = {("u1", 1): "mono8", ("u1", 3): "rgb8", ("u1", 4): "rgba8"}


def encoding_for(array: np.ndarray[Any, Any]) -> str:
    """Return the encoding that an array of this shape and dtype has if nobody says otherwise.

    ``mono8``, ``rgb8`` and ``rgba8`` for ``uint8`` with 1, 3 and 4 channels, else
    ``<bits><type>C<channels>``.

    Raises
    ------
    ArrayLayoutError
        It has not 2 or 3 dimensions, or no encoding has elements of its dtype.
    """
    channels = channels_of(array)
    kind = {"u": "U", "i": "S", "f": "F"}.get(array.dtype.kind)
    if kind is None or array.dtype.itemsize > 8 or not 1 <= channels <= _MOST_CHANNELS:
        msg = (
            f"no encoding for {channels} channels of {array.dtype}: expected integers or floats of "
            f"at most 64 bits in 1 to {_MOST_CHANNELS} channels; convert the array first"
        )
        raise ArrayLayoutError(msg)
    usual = _USUAL.get((f"{array.dtype.kind}{array.dtype.itemsize}", channels))
    return usual or f"{8 * array.dtype.itemsize}{kind}C{channels}"


def channels_of(array: np.ndarray[Any, Any]) -> int:
    """Return the last of three extents, 1 for an array of two.

    Raises
    ------
    ArrayLayoutError
        It has not 2 or 3 dimensions.
    """
    if array.ndim == 2:
        return 1
    if array.ndim == 3:
        return int(array.shape[2])
    msg = (
        "an image is (height, width) or (height, width, channels), got an array of shape "
        f"{array.shape}"
    )
    raise ArrayLayoutError(msg)


def check_pixels(array: np.ndarray[Any, Any], encoding: str) -> None:
    """Refuse an array that is not made of pixels of that encoding.

    Raises
    ------
    EncodingError
        Its channels or its dtype are others.
    """
    pixels = pixels_of(encoding)
    same_type = array.dtype == pixels.dtype or array.dtype.newbyteorder() == pixels.dtype
    if not same_type or channels_of(array) != pixels.channels:
        msg = (
            f"encoding {encoding!r} has {pixels.channels} channels of {pixels.dtype}, the array of "
            f"shape {array.shape} has {channels_of(array)} of {array.dtype}; convert the array, or "
            "name the encoding that it has"
        )
        raise EncodingError(msg)
