"""The compressed images of the table of messages.

Files are made, and what comes back is looked at, with Pillow's or OpenCV's own functions, not with
ours.
"""

from __future__ import annotations

import array
from typing import Any

import numpy as np
from message_cases import Case

TYPE = "sensor_msgs/msg/CompressedImage"
_HEIGHT, _WIDTH = 16, 24


def picture(channels: int, dtype: str = "u1") -> np.ndarray[Any, Any]:
    """A gradient: smooth, so that a JPEG is close to it, and different in each channel."""
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    planes = [8 * y + 2 * x, 20 + 3 * y + 6 * x, 200 - 4 * y - 3 * x, 255 - y - 7 * x]
    scale = 1 if dtype == "u1" else 201
    made = (np.stack(planes[:channels], axis=-1) * scale).astype(dtype)
    return made[..., 0] if channels == 1 else made


def in_opencv_order(array_of: np.ndarray[Any, Any], encoding: str) -> np.ndarray[Any, Any]:
    """The pixels as OpenCV takes and gives them: blue first."""
    if encoding.startswith("rgb"):
        return array_of[..., [2, 1, 0, 3][: array_of.shape[-1]]]
    return array_of


def message(file: bytes, format_: str) -> dict[str, Any]:
    """A message with that file."""
    header = {"stamp": {"sec": 12, "nanosec": 34}, "frame_id": "camera"}
    return {"header": header, "format": format_, "data": array.array("B", file)}


def encode(pixels: np.ndarray[Any, Any], extension: str, cv2: Any) -> bytes:
    """A file, by OpenCV."""
    parameters = [cv2.IMWRITE_JPEG_QUALITY, 95] if extension == ".jpeg" else []
    done, file = cv2.imencode(extension, np.ascontiguousarray(pixels), parameters)
    assert done
    return bytes(file)


def compressed_cases(cv2: Any) -> dict[tuple[str, str], Case]:
    """By message and case, as in the table."""
    cases = {}
    for encoding, channels, dtype in (
        ("rgb8", 3, "u1"),
        ("bgr8", 3, "u1"),
        ("bgra8", 4, "u1"),
        ("rgb16", 3, "u2"),
        ("mono8", 1, "u1"),
        ("16UC1", 1, "u2"),
        ("bayer_rggb8", 1, "u1"),
    ):
        pixels = picture(channels, dtype)
        stored = encoding.replace("rgb", "bgr") if channels > 1 else ""
        file = encode(in_opencv_order(pixels, encoding), ".png", cv2)
        cases[f"png of {encoding}"] = (
            message(file, f"{encoding}; png compressed {stored}"),
            pixels,
            {},
        )
    for encoding, channels in (("rgb8", 3), ("bgr8", 3), ("mono8", 1)):
        pixels = picture(channels)
        stored = "bgr8" if channels > 1 else ""
        file = encode(in_opencv_order(pixels, encoding), ".jpeg", cv2)
        cases[f"jpeg of {encoding}, about"] = (
            message(file, f"{encoding}; jpeg compressed {stored}"),
            pixels,
            {},
        )
    pixels = picture(3)
    right = encode(in_opencv_order(pixels, "rgb8"), ".png", cv2)
    canonical = message(right, "rgb8; png compressed bgr8")
    cases["png, the format says no more"] = (message(right, "png"), pixels, canonical)
    exchanged = message(encode(pixels, ".png", cv2), "rgb8; png compressed rgb8")
    cases["png with red and blue exchanged in the file"] = (exchanged, pixels, canonical)
    sizes = {"height": _HEIGHT, "width": _WIDTH}
    return {
        (TYPE, case): Case(values, expected, sizes, again)
        for case, (values, expected, again) in cases.items()
    }
