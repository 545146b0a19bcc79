"""sensor_msgs/msg/PointCloud2: whole points as bytes, or chosen fields as numbers.

==================  ==============================================================================
``fields=``         the array
==================  ==============================================================================
none                ``uint8`` of shape ``(n, point_step)``: a view; `point_views` reads it
``("x", "y", ..)``  of shape ``(n, k)``; a view where the numbers are of one type and equally
                    spaced, else a copy in the smallest type that holds all of them
==================  ==============================================================================

Organised clouds are ``(height, width, ...)``.
"""

from __future__ import annotations

import sys
from operator import index
from typing import Any, NamedTuple

import numpy as np

from tensor_ipc.errors import (
    ArrayLayoutError,
    MessageLayoutError,
    NotANumberError,
    UserMetadataError,
)
from tensor_ipc.rosext.conversions import point_fields
from tensor_ipc.rosext.conversions.buffers import as_bytes, replace_numbers
from tensor_ipc.rosext.conversions.options import Converter, ReadOptions, WriteOptions
from tensor_ipc.rosext.conversions.point_fields import PointField
from tensor_ipc.rosext.conversions.submessages import resize

_NATIVE_IS_BIG = sys.byteorder == "big"
_UINT8 = np.dtype(np.uint8)
# No data bounds the fields of a cloud without points; a message is not to make us allocate at will.
_LARGEST_POINT = 65536


class _Cloud(NamedTuple):
    """The points of a message, where they lie."""

    data: np.ndarray[Any, Any]
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    point_step: int
    fields: tuple[PointField, ...]
    foreign: bool  # in the other byte order

    def as_bytes(self) -> np.ndarray[Any, Any]:
        return np.ndarray(
            (*self.shape, self.point_step), _UINT8, self.data, 0, (*self.strides, 1)
        )

    def as_structured(self) -> np.ndarray[Any, Any]:
        dtype = point_fields.to_structured(self.fields, self.point_step, foreign=self.foreign)
        return np.ndarray(self.shape, dtype, self.data, 0, self.strides)


def _read(message: Any, options: ReadOptions) -> tuple[np.ndarray[Any, Any], dict[str, str]]:
    cloud = _cloud(message)
    taken = cloud.fields
    if options.fields is None:
        array = _swapped(cloud) if cloud.foreign else cloud.as_bytes()
        described = taken
    else:
        taken = point_fields.chosen(cloud.fields, options.fields)
        array, described = _numbers(cloud, taken)
    is_dense = bool(message.is_dense)
    if options.nan != "keep":
        array = _without_nan(cloud, taken, array, drop=options.nan == "drop")
        is_dense = True
    text = point_fields.to_text(described)
    return array, {"fields": text, "is_dense": str(int(is_dense))}


def _cloud(message: Any) -> _Cloud:
    height, width = index(message.height), index(message.width)
    point_step, row_step = index(message.point_step), index(message.row_step)
    data = as_bytes(message.data, "PointCloud2.data")
    if point_step > _LARGEST_POINT:
        msg = f"PointCloud2: point_step is {point_step}, expected at most {_LARGEST_POINT}"
        raise MessageLayoutError(msg)
    if (
        min(height, width, point_step) < 0
        or data.size != height * row_step
        or (height and row_step < width * point_step)
    ):
        msg = (
            f"PointCloud2 of {height} x {width} points of {point_step} bytes: expected row_step >= "
            f"{width * point_step} and height * row_step = {height * row_step} bytes of data, found "
            f"row_step {row_step} and {data.size} bytes"
        )
        raise MessageLayoutError(msg)
    described = tuple(
        (f.name, index(f.offset), f.datatype, index(f.count)) for f in message.fields
    )
    fields = point_fields.from_message(described, point_step)
    foreign = bool(message.is_bigendian) != _NATIVE_IS_BIG
    if height > 1:
        return _Cloud(
            data, (height, width), (row_step, point_step), point_step, fields, foreign
        )
    return _Cloud(data, (height * width,), (point_step,), point_step, fields, foreign)


def _swapped(cloud: _Cloud) -> np.ndarray[Any, Any]:
    """Return a copy of the points in native byte order, padding included."""
    copy = cloud.as_bytes().copy()
    if cloud.fields:
        foreign = cloud.as_structured()
        native = copy.view(point_fields.to_structured(cloud.fields, cloud.point_step))[..., 0]
        for field in cloud.fields:
            native[field.name] = foreign[field.name]
    return copy


def _numbers(
    cloud: _Cloud, taken: tuple[PointField, ...]
) -> tuple[np.ndarray[Any, Any], tuple[PointField, ...]]:
    """Return the fields as columns, and what a point made of them looks like."""
    dtype = np.result_type(*(field.dtype for field in taken))
    places = [field.offset + i * dtype.itemsize for field in taken for i in range(field.length)]
    steps = {after - before for before, after in zip(places, places[1:])} or {dtype.itemsize}
    described, offset = [], 0
    for field in taken:
        described.append(PointField(field.name, dtype, field.length, offset))
        offset = described[-1].end
    shape = (*cloud.shape, len(places))
    same_type = all(field.dtype == dtype for field in taken) and not cloud.foreign
    if same_type and len(steps) == 1 and min(steps) > 0 and 0 not in shape:
        strides = (*cloud.strides, steps.pop())
        return np.ndarray(shape, dtype, cloud.data, places[0], strides), tuple(described)
    columns = np.empty(shape, dtype)
    points = cloud.as_structured()
    for field, column in zip(taken, described):
        first = column.offset // dtype.itemsize
        into = (
            columns[..., first]
            if field.length == 1
            else columns[..., first : first + field.length]
        )
        into[...] = points[field.name]
    return columns, tuple(described)


def _without_nan(
    cloud: _Cloud, taken: tuple[PointField, ...], array: np.ndarray[Any, Any], *, drop: bool
) -> np.ndarray[Any, Any]:
    """Return the points of `array` that have no NaN in the fields `taken`, or refuse them all."""
    has_nan = nans_of(cloud.as_structured(), taken)
    if not has_nan.any():
        return array
    if drop:
        kept: np.ndarray[Any, Any] = array[~has_nan]
        return kept
    msg = (
        f"PointCloud2: {has_nan.sum()} of {has_nan.size} points have a NaN; allow them with "
        "nan='keep', leave them out with nan='drop'"
    )
    raise NotANumberError(msg)


def nans_of(
    points: np.ndarray[Any, Any], fields: tuple[PointField, ...]
) -> np.ndarray[Any, Any]:
    """Return which structured points have a NaN in one of these fields."""
    found = np.zeros(points.shape, np.bool_)
    for field in fields:
        if field.dtype.kind == "f":
            nan = np.isnan(points[field.name])
            found |= nan if field.length == 1 else nan.any(axis=-1)
    return found


def _write(message: Any, array: np.ndarray[Any, Any], options: WriteOptions) -> None:
    fields, element, shape = _described(array, options)
    is_dense = _is_dense(array, fields, options)
    height, width = shape if len(shape) == 2 else (1, *shape)
    point_step = array.itemsize if element.names else array.shape[-1] * array.itemsize

    def copy_into(data: np.ndarray[Any, Any]) -> None:
        into = data.view(element).reshape(array.shape)
        if element.names:
            data[...] = 0  # what is between the fields
            for name in element.names:  # older NumPy does not swap bytes of whole points
                into[name] = array[name]
        else:
            np.copyto(into, array)

    new_field = {"name": "", "offset": 0, "datatype": 0, "count": 1}
    held = resize(message, "fields", len(fields), "sensor_msgs/msg/PointField", new_field)
    replace_numbers(message, "data", _UINT8, height * width * point_step, copy_into)
    for one, field in zip(held, fields):
        one.name, one.offset = field.name, field.offset
        one.datatype, one.count = field.datatype, field.length
    message.fields = held
    message.height, message.width = height, width
    message.point_step, message.row_step = point_step, width * point_step
    message.is_bigendian, message.is_dense = _NATIVE_IS_BIG, is_dense


def _described(
    array: np.ndarray[Any, Any], options: WriteOptions
) -> tuple[tuple[PointField, ...], np.dtype[Any], tuple[int, ...]]:
    """Return the fields of a point, the native dtype of the array, and how points are arranged."""
    native = array.dtype.newbyteorder("=")
    if native.names:
        if array.ndim not in (1, 2):
            msg = f"structured points are of shape (n,) or (height, width), got {array.shape}"
            raise ArrayLayoutError(msg)
        return point_fields.from_structured(native), native, array.shape
    if array.ndim not in (2, 3):
        msg = f"points are of shape (n, k) or (height, width, k), got {array.shape}"
        raise ArrayLayoutError(msg)
    fields = _fields_of_columns(array, native, options)
    point_step = array.shape[-1] * native.itemsize
    last = max((field.end for field in fields), default=0)
    wrong = [field.name for field in fields if native not in (_UINT8, field.dtype)]
    if last > point_step or wrong:
        msg = (
            f"points of shape {array.shape} and {native} have {point_step} bytes each, which are not "
            f"the fields {point_fields.to_text(fields)}"
        )
        raise ArrayLayoutError(msg)
    return fields, native, array.shape[:-1]


def _fields_of_columns(
    array: np.ndarray[Any, Any], native: np.dtype[Any], options: WriteOptions
) -> tuple[PointField, ...]:
    columns = array.shape[-1]
    if options.fields is not None:
        if len(options.fields) != columns or len(set(options.fields)) < columns:
            msg = f"fields: expected a name for each of {columns} columns, got {options.fields}"
            raise ArrayLayoutError(msg)
        return point_fields.packed(options.fields, native)
    if "fields" in options.metadata:
        return point_fields.from_text(options.metadata["fields"])
    if columns == 3 and native.kind == "f":
        return point_fields.packed(("x", "y", "z"), native)
    msg = (
        f"points of shape {array.shape} and {native}: name their columns with fields=, or give the "
        "user metadata that came with them"
    )
    raise ArrayLayoutError(msg)


def _is_dense(
    array: np.ndarray[Any, Any], fields: tuple[PointField, ...], options: WriteOptions
) -> bool:
    """Return what the frame says of it, or whether the array has no NaN."""
    said = options.metadata.get("is_dense")
    if said is not None:
        if said not in ("0", "1"):
            msg = f"user metadata 'is_dense': expected 0 or 1, got {said!r}"
            raise UserMetadataError(msg)
        return said == "1"
    if not fields:
        return True
    if array.dtype.names:
        return not nans_of(array, fields).any()
    if array.dtype.kind == "f":
        return not np.isnan(array).any()
    points = np.ascontiguousarray(array).view(
        point_fields.to_structured(fields, array.shape[-1] * array.itemsize)
    )
    return not nans_of(points, fields).any()


CONVERTER = Converter(_read, _write, frozenset({"fields", "drop"}))
