"""Messages to arrays and arrays to messages, whatever the type of the message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Mapping

import numpy as np

from tensor_ipc.errors import (
    ArrayLayoutError,
    ConversionError,
    MessageLayoutError,
    NotANumberError,
)
from tensor_ipc.rosext.conversions.fields_by_path import converter_at
from tensor_ipc.rosext.conversions.frame import MessageFrame, check_user_metadata
from tensor_ipc.rosext.conversions.header import check_stamp, read_stamp, write_header
from tensor_ipc.rosext.conversions.message_types import type_name_of
from tensor_ipc.rosext.conversions.options import ReadOptions, WriteOptions
from tensor_ipc.rosext.conversions.registry import converter_for

if TYPE_CHECKING:
    from tensor_ipc.rosext.conversions.options import Converter

_PLAIN_READ = ReadOptions()


def to_frame(
    message: Any,
    *,
    type_name: str | None = None,
    path: str | None = None,
    fields: Iterable[str] | None = None,
    nan: str = "keep",
) -> MessageFrame:
    """Return a message as an array and what else it says.

    Parameters
    ----------
    message
        Of rclpy, of rosbags, or any object with the attributes of the message. It is not changed.
    type_name
        As ``"sensor_msgs/msg/Image"``. Needed where the class of the message does not tell.
    path
        Take the numbers at this place of the message, whatever its type: ``"pose.position"``,
        ``"transforms[0].transform"``; `fields_by_path` says what they become.
    fields
        Which fields to take, in this order, for the types that docs/ros-conversions.md says. All
        by default.
    nan
        ``"keep"``, ``"refuse"``, or, for point clouds, ``"drop"`` to leave out points that have
        one.

    Raises
    ------
    ConversionError
        See its subclasses in `tensor_ipc.errors`.
    """
    name = type_name or type_name_of(message)
    converter = converter_for(name) if path is None else converter_at(path)
    options = _PLAIN_READ
    if fields is not None or nan != "keep":
        options = ReadOptions(None if fields is None else tuple(fields), nan)
        _check_read_options(name, converter, options)
    try:
        array, metadata = converter.read(message, options)
        header = getattr(message, "header", None)
        stamp_ns, frame_id = None, None
        if header is not None:
            stamp_ns, frame_id = read_stamp(header), header.frame_id
            metadata["frame_id"] = frame_id
    except ConversionError:
        raise
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise _not_a(name, message, error) from error
    if nan == "refuse" and array.dtype.kind == "f" and np.isnan(array).any():
        msg = f"{name}: {np.isnan(array).sum()} of {array.size} numbers are NaN; allow with nan='keep'"
        raise NotANumberError(msg)
    check_user_metadata(metadata, name)
    return MessageFrame(array, stamp_ns, frame_id, metadata)


def fill_message(
    message: Any,
    array: Any,
    *,
    type_name: str | None = None,
    path: str | None = None,
    encoding: str | None = None,
    stamp_ns: int | None = None,
    frame_id: str | None = None,
    user_metadata: Mapping[str, str] | None = None,
    fields: Iterable[str] | None = None,
    image_format: str | None = None,
    jpeg_quality: int | None = None,
) -> None:
    """Fill a message with an array.

    The message may be used again and again: its buffers are filled in place when they have the
    size, which is the fastest way that rclpy has. Arrays that `to_frame` made of it then change
    too. What neither the array nor an argument says stays as it is in the message. Array and
    arguments are checked before the message is changed.

    Parameters
    ----------
    message
        As in `to_frame`.
    array
        In the shape and dtype that `to_frame` gives for the type; any strides and byte order.
    type_name, path
        As in `to_frame`. With a path nothing else is changed, but for what is given of the header.
    encoding
        Of an image. By default that of `user_metadata`, else the one that goes with the shape and
        dtype: ``mono8``, ``rgb8`` and ``rgba8`` for ``uint8`` with 1, 3 and 4 channels, else
        ``<bits><type>C<channels>``, as ``16UC1``.
    stamp_ns, frame_id
        For the header, where the type has one. `frame_id` is by default that of `user_metadata`.
    user_metadata
        As in the `MessageFrame`. Keys that mean nothing for the type are ignored.
    fields
        What the array holds, for the types that docs/ros-conversions.md says. By default what
        `user_metadata` says.
    image_format
        Of a compressed image: ``"jpeg"`` or ``"png"``. By default that of `user_metadata`, else
        ``"jpeg"`` for 8 bits in 1 or 3 channels.
    jpeg_quality
        0 to 100, by default 95.

    Raises
    ------
    ConversionError
        See its subclasses in `tensor_ipc.errors`.
    """
    name = type_name or type_name_of(message)
    converter = converter_for(name) if path is None else converter_at(path)
    metadata = user_metadata or {}
    options = WriteOptions(
        encoding,
        None if fields is None else tuple(fields),
        image_format,
        jpeg_quality,
        metadata,
    )
    _check_write_options(name, converter, options)
    if stamp_ns is not None:
        check_stamp(stamp_ns)
    try:
        converter.write(message, np.asarray(array), options)
        if hasattr(message, "header"):
            frame_id = metadata.get("frame_id") if frame_id is None else frame_id
            write_header(message, stamp_ns, frame_id)
    except (AttributeError, TypeError) as error:
        raise _not_a(name, message, error) from error
    except AssertionError as error:  # by which setters of rclpy refuse a value
        msg = f"{name} does not take a value of the array: {error}"
        raise ArrayLayoutError(msg) from error


def _check_read_options(name: str, converter: Converter, options: ReadOptions) -> None:
    if options.fields is not None and "fields" not in converter.takes:
        msg = f"{name}: fields= means nothing for this type; leave it out"
        raise ConversionError(msg)
    allowed = ("keep", "refuse", "drop") if "drop" in converter.takes else ("keep", "refuse")
    if options.nan not in allowed:
        msg = f"{name}: nan= is one of {', '.join(allowed)}, got {options.nan!r}"
        raise ConversionError(msg)


def _check_write_options(name: str, converter: Converter, options: WriteOptions) -> None:
    for option, value in zip(options._fields, options):
        if value is not None and option != "metadata" and option not in converter.takes:
            msg = f"{name}: {option}= means nothing for this type; leave it out"
            raise ConversionError(msg)


def _not_a(name: str, message: Any, error: Exception) -> MessageLayoutError:
    return MessageLayoutError(f"{type(message).__name__} is no {name}: {error}")
