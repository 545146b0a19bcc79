"""The numbers at a named place of any message, as ``"pose.position"`` or ``"points[0].x"``.

=============================  ===================================================================
the path leads to              the array
=============================  ===================================================================
a number                       of shape ``()``: ``bool``, ``int64`` or ``float64``
a sequence of numbers          of shape ``(n,)``, with the sequence's dtype
a message                      of shape ``(k,)``: all its numbers, in the order of their definition
a sequence of messages         of shape ``(n, k)``
=============================  ===================================================================
"""

from __future__ import annotations

import array as standard_array
import dataclasses
import functools
import re
from typing import Any, NamedTuple

import numpy as np

from tensor_ipc.errors import ArrayLayoutError, FieldPathError
from tensor_ipc.rosext.conversions.buffers import replace_numbers
from tensor_ipc.rosext.conversions.numbers import require_dtype, require_shape
from tensor_ipc.rosext.conversions.options import Converter

_STEP = re.compile(r"(?:^|\.)([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]{1,9})\]")


class _Place(NamedTuple):
    owner: Any
    name: str | int

    def value(self) -> Any:
        return (
            self.owner[self.name]
            if isinstance(self.name, int)
            else getattr(self.owner, self.name)
        )

    def set(self, value: Any) -> None:
        if isinstance(self.name, int):
            self.owner[self.name] = value
        else:
            setattr(self.owner, self.name, value)


def read(message: Any, path: str) -> np.ndarray[Any, Any]:
    """Return the numbers there: a view where it is an ``array.array`` or an ``ndarray``.

    Raises
    ------
    FieldPathError
        There is no such place, or no numbers.
    """
    value = _find(message, path).value()
    numbers = _numbers(value, path)
    if numbers.dtype.kind not in "biuf":
        raise _no_numbers(path, value)
    return numbers


def write(message: Any, path: str, array: np.ndarray[Any, Any]) -> None:
    """Set the numbers there, and nothing else.

    Raises
    ------
    FieldPathError
        There is no such place, or no numbers.
    ArrayLayoutError
        The array has another shape, or values that the place cannot hold without loss.
    """
    if array.dtype.kind not in "biuf":
        msg = f"{path}: expected numbers, got {array.dtype}"
        raise ArrayLayoutError(msg)
    place = _find(message, path)
    value = place.value()
    if isinstance(value, (standard_array.array, np.ndarray)):
        _write_sequence(place, value, array, path)
    elif _is_number(value):
        require_shape(array.reshape(()) if array.shape == (1,) else array, (), path)
        place.set(_exact(value, array.item(), path))
    elif isinstance(value, (list, tuple)):
        _write_list(place, value, array, path)
    else:
        leaves = _leaves(value, path, to_write=True)
        require_shape(array, (len(leaves),), path)
        for leaf, number in zip(leaves, _exact_leaves(leaves, array, path)):
            leaf.set(number)


def _find(message: Any, path: str) -> _Place:
    """Return the place; everything on the way to it exists."""
    place = None
    value = message
    for name in _steps(path):
        place = _Place(value, name)
        try:
            value = place.value()
        except (AttributeError, IndexError, TypeError, KeyError):
            has = (
                ", ".join(_field_names(value))
                or f"{len(value) if hasattr(value, '__len__') else 0} items"
            )
            msg = f"{path!r}: {type(value).__name__} has no {name!r}; it has {has}"
            raise FieldPathError(msg) from None
    assert place is not None
    return place


@functools.lru_cache(maxsize=256)
def _steps(path: str) -> tuple[str | int, ...]:
    steps: list[str | int] = []
    end = 0
    for step in _STEP.finditer(path):
        if step.start() != end or (end == 0 and step[1] is None):
            break
        end = step.end()
        steps.append(step[1] if step[2] is None else int(step[2]))
    if end != len(path) or not steps or path.startswith("."):
        msg = f"{path!r} is no path: expected names and indices as in 'transforms[0].transform'"
        raise FieldPathError(msg)
    return tuple(steps)


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float, np.number, np.bool_)) or (
        isinstance(value, bytes) and len(value) == 1  # as rclpy holds a byte
    )


def _numbers(value: Any, path: str) -> np.ndarray[Any, Any]:
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, standard_array.array):
        return np.asarray(memoryview(value))
    if _is_number(value):
        return np.array(_plain(value))
    if isinstance(value, (list, tuple)):
        if not value:
            msg = f"{path!r} is an empty sequence: what it would hold cannot be told"
            raise FieldPathError(msg)
        if all(_is_number(item) for item in value):
            return np.array([_plain(item) for item in value])
        rows = [[_plain(leaf.value()) for leaf in _leaves(item, path)] for item in value]
        if len({len(row) for row in rows}) > 1:
            raise _ragged(path)
        return np.array(rows)
    return np.array([_plain(leaf.value()) for leaf in _leaves(value, path)])


def _plain(value: Any) -> Any:
    return np.uint8(value[0]) if isinstance(value, bytes) else value


def _leaves(value: Any, path: str, *, to_write: bool = False) -> list[_Place]:
    """Return the places of all numbers of a message, in the order of their definition.

    Arrays that cannot be written to, as in messages from a bag, are replaced first if need be.
    """
    leaves: list[_Place] = []
    names = _field_names(value)
    if not names:
        raise _no_numbers(path, value)
    for name in names:
        place = _Place(value, name)
        held = place.value()
        if to_write and isinstance(held, np.ndarray) and not held.flags.writeable:
            held = held.copy()
            place.set(held)
        if _is_number(held):
            leaves.append(place)
        elif isinstance(held, (np.ndarray, standard_array.array)) or (
            isinstance(held, list) and held and all(_is_number(item) for item in held)
        ):
            leaves.extend(_Place(held, index) for index in range(len(held)))
        else:
            leaves.extend(_leaves(held, f"{path}.{name}", to_write=to_write))
    return leaves


def _field_names(value: Any) -> tuple[str, ...]:
    """Return the fields of a message in order; empty for what is no message."""
    if isinstance(value, (str, bytes, list, tuple, dict)) or value is None:
        return ()
    if hasattr(value, "get_fields_and_field_types"):  # rclpy
        return tuple(value.get_fields_and_field_types())
    if dataclasses.is_dataclass(value):  # rosbags
        names = [field.name for field in dataclasses.fields(value)]
    else:
        names = list(getattr(value, "__dict__", ()))
    # Names of fields begin with a small letter; rosbags has constants in the message too.
    return tuple(name for name in names if name[0].islower())


def _no_numbers(path: str, value: Any) -> FieldPathError:
    has = ", ".join(_field_names(value))
    return FieldPathError(
        f"{path!r} leads to {type(value).__name__}, which is not made of numbers"
        + (f"; it has {has}" if has else "")
    )


def _exact(held: Any, number: Any, path: str) -> Any:
    """Return a number of an array as what the place holds.

    Raises
    ------
    ArrayLayoutError
        It has no such value: 0.5 for an integer, 2 for a truth value, 300 for a byte.
    """
    if isinstance(held, (float, np.floating)):
        return float(number)
    make: Any
    if isinstance(held, bytes):
        fits, make = number in range(256), _byte
    elif isinstance(held, (bool, np.bool_)):
        fits, make = number in (0, 1), bool
    else:
        fits, make = not isinstance(number, float) or number.is_integer(), int
    if not fits:
        msg = f"{path}: a {type(held).__name__} cannot be {number!r}"
        raise ArrayLayoutError(msg)
    return make(number)


def _byte(number: Any) -> bytes:
    return bytes([int(number)])


def _exact_leaves(leaves: list[_Place], array: np.ndarray[Any, Any], path: str) -> list[Any]:
    return [_exact(leaf.value(), number, path) for leaf, number in zip(leaves, array.tolist())]


def _write_sequence(place: _Place, held: Any, array: np.ndarray[Any, Any], path: str) -> None:
    dtype = held.dtype if isinstance(held, np.ndarray) else np.dtype(held.typecode)
    require_shape(array, (None,), path)
    require_dtype(array, dtype, path)
    assert isinstance(place.name, str)
    replace_numbers(
        place.owner, place.name, dtype, array.size, lambda into: np.copyto(into, array)
    )


def _write_list(place: _Place, held: Any, array: np.ndarray[Any, Any], path: str) -> None:
    if all(_is_number(item) for item in held):
        require_shape(array, (None,), path)
        # All are of one type in ROS; what an empty sequence holds cannot be told.
        kind = next(
            (item for item in held if isinstance(item, float)), held[0] if held else None
        )
        numbers = array.tolist()
        place.set(numbers if kind is None else [_exact(kind, one, path) for one in numbers])
        return
    rows = [_leaves(item, path, to_write=True) for item in held]
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise _ragged(path)
    require_shape(array, (len(rows), lengths.pop()), path)
    exact = [_exact_leaves(row, numbers, path) for row, numbers in zip(rows, array)]
    for row, converted in zip(rows, exact):
        for leaf, number in zip(row, converted):
            leaf.set(number)


def _ragged(path: str) -> FieldPathError:
    return FieldPathError(f"{path!r}: its items have different numbers of numbers")


@functools.lru_cache(maxsize=256)
def converter_at(path: str) -> Converter:
    """Return the conversion of the numbers at `path`."""
    return Converter(
        lambda message, _: (read(message, path), {}),
        lambda message, array, _: write(message, path, array),
    )
