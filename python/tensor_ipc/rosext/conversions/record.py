"""Messages of a fixed number of numbers: vectors, poses, twists, an Imu, with their covariances."""

from __future__ import annotations

import functools
from operator import attrgetter
from typing import Any, Callable, NamedTuple

import numpy as np

from tensor_ipc.errors import FieldPathError, MessageLayoutError
from tensor_ipc.rosext.conversions.buffers import numbers_of, replace_numbers
from tensor_ipc.rosext.conversions.numbers import require_dtype, require_shape
from tensor_ipc.rosext.conversions.options import Converter, ReadOptions, WriteOptions


class Part(NamedTuple):
    """Numbers of a record that are taken or left together.

    Attributes
    ----------
    name
        For ``fields=``.
    leaves
        Places of numbers, as ``"pose.position.x"``; a single place for an array.
    array_len
        Length of the array of ``float64``, 0 for single numbers.
    """

    name: str
    leaves: tuple[str, ...]
    array_len: int = 0

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return self.array_len or len(self.leaves)

    def read(self, message: Any, into: np.ndarray[Any, Any]) -> None:
        """Copy the numbers of the message."""
        if self.array_len:
            numbers = numbers_of(attrgetter(*self.leaves)(message), into.dtype, self.leaves[0])
            if numbers.size != self.array_len:
                msg = (
                    f"{self.leaves[0]}: expected {self.array_len} numbers, found {numbers.size}"
                )
                raise MessageLayoutError(msg)
            into[:] = numbers
        else:
            values = attrgetter(*self.leaves)(message)
            try:
                into[:] = values
            except (TypeError, ValueError):
                msg = f"{', '.join(self.leaves)}: expected numbers, found {values}"
                raise MessageLayoutError(msg) from None

    def write(self, message: Any, numbers: np.ndarray[Any, Any]) -> None:
        """Copy the numbers to the message."""
        if self.array_len:
            owner, name = owner_of(message, self.leaves[0])
            dtype = np.dtype(np.float64)
            replace_numbers(
                owner, name, dtype, self.array_len, lambda into: np.copyto(into, numbers)
            )
        else:
            for leaf, number in zip(self.leaves, numbers.tolist()):
                owner, name = owner_of(message, leaf)
                setattr(owner, name, float(number))


def owner_of(message: Any, place: str) -> tuple[Any, str]:
    """Return the message that has the last name of `place` as a field, and that name."""
    owner, _, name = place.rpartition(".")
    return (attrgetter(owner)(message) if owner else message), name


def record(
    *parts: Part, texts: tuple[str, ...] = (), dtype: type[np.floating[Any]] = np.float64
) -> Converter:
    """Return the conversion of messages that have these parts: an array of shape ``(k,)``.

    Parameters
    ----------
    texts
        Fields that go with the numbers as user metadata.
    dtype
        Of the array.
    """
    by_name = {part.name: part for part in parts}
    taken = functools.partial(_taken, by_name)

    def read(message: Any, options: ReadOptions) -> tuple[np.ndarray[Any, Any], dict[str, str]]:
        chosen = taken(options.fields)
        array = np.empty(sum(part.size for part in chosen), dtype)
        _each_slice(chosen, array, lambda part, numbers: part.read(message, numbers))
        metadata = {text: getattr(message, text) for text in texts}
        if options.fields is not None:
            metadata["fields"] = ",".join(options.fields)
        return array, metadata

    def write(message: Any, array: np.ndarray[Any, Any], options: WriteOptions) -> None:
        names = options.fields
        if names is None and len(parts) > 1 and "fields" in options.metadata:
            names = tuple(options.metadata["fields"].split(","))
        chosen = taken(names)
        what = type(message).__name__
        require_shape(array, (sum(part.size for part in chosen),), what)
        require_dtype(array, np.dtype(dtype), what)
        _each_slice(chosen, array, lambda part, numbers: part.write(message, numbers))
        for text in texts:
            if text in options.metadata:
                setattr(message, text, options.metadata[text])

    return Converter(read, write, frozenset({"fields"} if len(parts) > 1 else ()))


def _taken(by_name: dict[str, Part], names: tuple[str, ...] | None) -> list[Part]:
    if names is None:
        return list(by_name.values())
    unknown = [name for name in names if name not in by_name]
    if unknown or not names or len(set(names)) < len(names):
        msg = (
            f"fields: expected some of {', '.join(by_name)}, each once, got {', '.join(names)}"
        )
        raise FieldPathError(msg)
    return [by_name[name] for name in names]


def _each_slice(
    parts: list[Part],
    array: np.ndarray[Any, Any],
    act: Callable[[Part, np.ndarray[Any, Any]], None],
) -> None:
    begin = 0
    for part in parts:
        act(part, array[begin : begin + part.size])
        begin += part.size
