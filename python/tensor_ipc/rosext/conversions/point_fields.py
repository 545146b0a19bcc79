"""Where in the bytes of a point its fields are, as messages, texts and NumPy say it."""

from __future__ import annotations

import functools
import re
from typing import Any, Iterable, NamedTuple

import numpy as np

from tensor_ipc.errors import (
    ArrayLayoutError,
    FieldPathError,
    MessageLayoutError,
    UserMetadataError,
)
from tensor_ipc.rosext.conversions.texts import join_names, split_names

#: sensor_msgs/msg/PointField.datatype.
DATATYPES = dict(
    enumerate((np.dtype(code) for code in ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8")), 1)
)
_NUMBERS = {dtype: number for number, dtype in DATATYPES.items()}
_TEXT = re.compile(r"([^:,]*):([iuf][1248])(?:x([0-9]{1,9}))?:([0-9]{1,9})")


class PointField(NamedTuple):
    """One field: `length` numbers of `dtype` (in native order) from byte `offset` on."""

    name: str
    dtype: np.dtype[Any]
    length: int
    offset: int

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.offset + self.length * self.dtype.itemsize

    @property
    def datatype(self) -> int:
        """As sensor_msgs/msg/PointField has it."""
        return _NUMBERS[self.dtype]


@functools.lru_cache(maxsize=64)
def from_message(
    described: tuple[tuple[str, int, int, int], ...], point_step: int
) -> tuple[PointField, ...]:
    """Return the fields of a message.

    Parameters
    ----------
    described
        Name, offset, datatype and count of each. A count of 0 is 1, as old drivers leave it.
    point_step
        Bytes of a point.

    Raises
    ------
    MessageLayoutError
        A datatype is unknown, two have one name, or one ends behind the point.
    """
    fields = []
    for name, offset, datatype, count in described:
        if datatype not in DATATYPES:
            msg = f"PointCloud2: field {name!r} has datatype {datatype}, expected 1 to 8"
            raise MessageLayoutError(msg)
        field = PointField(name, DATATYPES[datatype], count or 1, offset)
        if offset < 0 or field.end > point_step:
            msg = (
                f"PointCloud2: field {name!r} is bytes {offset} to {field.end} of a point, which "
                f"has point_step {point_step}"
            )
            raise MessageLayoutError(msg)
        fields.append(field)
    if len({field.name for field in fields}) < len(fields):
        msg = f"PointCloud2: two fields have one name: {[field.name for field in fields]}"
        raise MessageLayoutError(msg)
    return tuple(fields)


@functools.lru_cache(maxsize=64)
def to_text(fields: tuple[PointField, ...]) -> str:
    """Return the fields as user metadata: ``x:f4:0,y:f4:4,normal:f4x3:16``."""
    return ",".join(
        f"{join_names([field.name])}:{field.dtype.kind}{field.dtype.itemsize}"
        f"{'' if field.length == 1 else f'x{field.length}'}:{field.offset}"
        for field in fields
    )


@functools.lru_cache(maxsize=64)
def from_text(text: str) -> tuple[PointField, ...]:
    """Return the fields that `to_text` wrote.

    Raises
    ------
    UserMetadataError
        The text is another.
    """
    fields = []
    for word in text.split(",") if text else ():
        found = _TEXT.fullmatch(word)
        if found is None or found[2] in ("f1", "f2", "i8", "u8"):
            msg = f"user metadata 'fields': expected as 'x:f4:0,y:f4:4', got {text!r}"
            raise UserMetadataError(msg)
        name, code, count, offset = found.groups()
        fields.append(
            PointField(split_names(name)[0], np.dtype(code), int(count or 1), int(offset))
        )
    return tuple(fields)


def packed(names: Iterable[str], dtype: np.dtype[Any]) -> tuple[PointField, ...]:
    """Return fields of one number each, side by side.

    Raises
    ------
    ArrayLayoutError
        Points have no numbers of that dtype.
    """
    _require_datatype(dtype)
    return tuple(
        PointField(name, dtype, 1, index * dtype.itemsize) for index, name in enumerate(names)
    )


def from_structured(dtype: np.dtype[Any]) -> tuple[PointField, ...]:
    """Return the fields of a structured dtype.

    Raises
    ------
    ArrayLayoutError
        Points have no numbers of the dtype of one of them.
    """
    assert dtype.fields is not None
    fields = []
    for name, place in dtype.fields.items():
        base, shape = place[0].base, place[0].shape
        native = base.newbyteorder("=")
        _require_datatype(native)
        fields.append(PointField(name, native, int(np.prod(shape, dtype=int)), place[1]))
    return tuple(sorted(fields, key=lambda field: field.offset))


def _require_datatype(dtype: np.dtype[Any]) -> None:
    if dtype not in _NUMBERS:
        known = ", ".join(str(one) for one in _NUMBERS)
        msg = f"PointCloud2: a field is one of {known}, got {dtype}"
        raise ArrayLayoutError(msg)


@functools.lru_cache(maxsize=64)
def to_structured(
    fields: tuple[PointField, ...], point_step: int, *, foreign: bool = False
) -> np.dtype[Any]:
    """Return the structured dtype of a point; `foreign` for the other byte order."""
    formats = []
    for field in fields:
        dtype = field.dtype.newbyteorder() if foreign else field.dtype
        formats.append(dtype if field.length == 1 else (dtype, (field.length,)))
    return np.dtype(
        {
            "names": [field.name for field in fields],
            "formats": formats,
            "offsets": [field.offset for field in fields],
            "itemsize": point_step,
        }
    )


def chosen(fields: tuple[PointField, ...], names: tuple[str, ...]) -> tuple[PointField, ...]:
    """Return the fields of these names, in their order.

    Raises
    ------
    FieldPathError
        There is no such field, or none was named.
    """
    by_name = {field.name: field for field in fields}
    if not names or not set(names) <= set(by_name):
        msg = f"fields: expected some of {', '.join(by_name)}, got {', '.join(names) or 'none'}"
        raise FieldPathError(msg)
    return tuple(by_name[name] for name in names)
