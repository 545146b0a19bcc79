"""sensor_msgs/msg/CompressedImage: JPEG and PNG, decoded and encoded by OpenCV.

``format`` is that of image_transport: ``bgr8; jpeg compressed bgr8`` says which encoding the image
had, and that the file holds colours as files do; without ``compressed bgr`` red and blue are the
other way round in it. A bare ``jpeg`` or ``png`` is read as ``rgb8``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tensor_ipc.errors import (
    ArrayLayoutError,
    CompressedImageError,
    EncodingError,
    MissingCodecError,
)
from tensor_ipc.rosext.conversions.buffers import as_bytes, replace_numbers
from tensor_ipc.rosext.conversions.options import Converter, ReadOptions, WriteOptions
from tensor_ipc.rosext.conversions.pixels import check_pixels, encoding_for, pixels_of

# What a file can hold, and the order of OpenCV in which it becomes or comes from one.
_IN_OPENCV = {
    **{name: name for name in ("bgr8", "bgra8", "bgr16", "bgra16")},
    **{name: name.replace("rgb", "bgr") for name in ("rgb8", "rgba8", "rgb16", "rgba16")},
}
_BEGINS = {"jpeg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n"}


def _read(message: Any, _: ReadOptions) -> tuple[np.ndarray[Any, Any], dict[str, str]]:
    data = as_bytes(message.data, "CompressedImage.data")
    file_format = next(
        (name for name, begin in _BEGINS.items() if data[: len(begin)].tobytes() == begin), None
    )
    if file_format is None:
        msg = (
            f"CompressedImage of format {message.format!r}: expected a JPEG or PNG file, found "
            f"{data.size} bytes that begin with {data[:8].tobytes()!r}"
        )
        raise CompressedImageError(msg)
    pixels = _decode(data, file_format)
    original, _, stored = message.format.partition(";")
    encoding = _encoding(pixels, original.strip())
    if encoding in _IN_OPENCV:
        in_opencv_order = not stored or "compressed bgr" in stored
        if in_opencv_order != (encoding == _IN_OPENCV[encoding]):
            pixels = _exchange_red_and_blue(pixels)
    return pixels, {"encoding": encoding, "format": file_format}


def _decode(data: np.ndarray[Any, Any], file_format: str) -> np.ndarray[Any, Any]:
    cv2 = _opencv()
    try:
        pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        msg = f"CompressedImage: OpenCV cannot decode this {file_format}: {error}"
        raise CompressedImageError(msg) from None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        msg = f"CompressedImage: the {file_format} of {data.size} bytes is damaged"
        raise CompressedImageError(msg)
    decoded: np.ndarray[Any, Any] = pixels
    return decoded


def _encoding(pixels: np.ndarray[Any, Any], original: str) -> str:
    """Return the encoding of decoded pixels: that of the image before if it can be, else RGB."""
    try:
        check_pixels(pixels, original)
    except EncodingError:
        bits = 8 * pixels.dtype.itemsize
        if pixels.ndim == 2:
            return f"mono{bits}"
        order = "bgr" if original.startswith("bgr") else "rgb"
        return f"{order}{'a' if pixels.shape[2] == 4 else ''}{bits}"
    return original


def _write(message: Any, array: np.ndarray[Any, Any], options: WriteOptions) -> None:
    encoding = options.encoding or options.metadata.get("encoding") or encoding_for(array)
    file_format = options.image_format or options.metadata.get("format")
    check_pixels(array, encoding)
    pixels = pixels_of(encoding)
    if file_format is None:
        file_format = (
            "jpeg" if pixels.dtype == np.uint8 and pixels.channels in (1, 3) else "png"
        )
    if file_format not in _BEGINS:
        msg = f"image_format: expected jpeg or png, got {file_format!r}"
        raise CompressedImageError(msg)
    depths = (np.uint8,) if file_format == "jpeg" else (np.uint8, np.uint16)
    is_grey = pixels.channels == 1
    is_colour = encoding in _IN_OPENCV and (file_format == "png" or pixels.channels == 3)
    if pixels.dtype not in depths or not (is_grey or is_colour):
        msg = (
            f"a {file_format} cannot hold {encoding!r}: expected "
            f"{'8' if file_format == 'jpeg' else '8 or 16'} bits in one channel, or in rgb or bgr"
        )
        raise EncodingError(msg)
    if not array.size:
        msg = f"an image of shape {array.shape} has no pixels to compress"
        raise ArrayLayoutError(msg)
    stored = _IN_OPENCV.get(encoding, "")
    if stored not in ("", encoding):
        array = _exchange_red_and_blue(array)
    file = _encode(
        array, file_format, 95 if options.jpeg_quality is None else options.jpeg_quality
    )
    replace_numbers(message, "data", file.dtype, file.size, lambda into: np.copyto(into, file))
    message.format = f"{encoding}; {file_format} compressed {stored}"


def _encode(
    array: np.ndarray[Any, Any], file_format: str, jpeg_quality: int
) -> np.ndarray[Any, Any]:
    cv2 = _opencv()
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    parameters = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality] if file_format == "jpeg" else []
    try:
        done, file = cv2.imencode(f".{file_format}", native, parameters)
    except cv2.error as error:
        done, reason = False, str(error)
    else:
        reason = "it gives no reason"
    if not done:
        msg = f"OpenCV cannot encode a {file_format} of shape {array.shape}: {reason}"
        raise CompressedImageError(msg)
    encoded: np.ndarray[Any, Any] = file.ravel()
    return encoded


def _exchange_red_and_blue(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    order = [2, 1, 0, 3][: pixels.shape[2]]
    return pixels[..., order]


def _opencv() -> Any:
    try:
        import cv2  # noqa: PLC0415 - optional, and slow to load
    except ImportError as error:
        msg = (
            "compressed images are read and written by OpenCV: pip install "
            f"opencv-python-headless ({error})"
        )
        raise MissingCodecError(msg) from None
    return cv2


CONVERTER = Converter(_read, _write, frozenset({"encoding", "image_format", "jpeg_quality"}))
