"""The sequences of numbers inside messages: views of them, and new numbers in the old memory.

rclpy holds ``uint8[]`` and the like as ``array.array``, fixed-size arrays as ``numpy.ndarray``;
rosbags holds all as ``numpy.ndarray``; plain objects may have bytes or lists.
"""

from __future__ import annotations

import array
from typing import Any, Callable, cast

import numpy as np

from tensor_ipc.errors import MessageLayoutError

_TYPECODES = {
    np.dtype(code): code for code in ("b", "B", "h", "H", "i", "I", "q", "Q", "f", "d")
}


def numbers_of(data: Any, dtype: np.dtype[Any], what: str) -> np.ndarray[Any, Any]:
    """Return `data` as one-dimensional array: a view, unless it is a list or a tuple.

    Parameters
    ----------
    data
        Any buffer of items of `dtype`, or a sequence of numbers. A buffer of bytes may stand for
        ``uint8`` and ``int8``.
    dtype
        Of the result.
    what
        Names the data in errors.

    Raises
    ------
    MessageLayoutError
        It holds something else.
    """
    try:
        if isinstance(data, np.ndarray):
            numbers = data
        elif isinstance(data, (list, tuple)):
            numbers = _checked_copy(data, dtype)
        else:
            numbers = np.asarray(memoryview(data))
    except (TypeError, ValueError, OverflowError) as error:
        msg = f"{what}: expected numbers of type {dtype}, found {type(data).__name__}: {error}"
        raise MessageLayoutError(msg) from None
    if numbers.ndim == 1:
        if numbers.dtype == dtype:
            return numbers
        if numbers.dtype.kind in "iu" and numbers.dtype.itemsize == dtype.itemsize == 1:
            return numbers.view(dtype)
    msg = (
        f"{what}: expected a sequence of {dtype}, found {type(data).__name__} of {numbers.dtype} "
        f"with shape {numbers.shape}"
    )
    raise MessageLayoutError(msg)


def _checked_copy(
    data: list[Any] | tuple[Any, ...], dtype: np.dtype[Any]
) -> np.ndarray[Any, Any]:
    """Return the numbers as `dtype`; `OverflowError` for integers that it cannot hold."""
    numbers = np.array(data)
    if numbers.size == 0:
        return np.empty(0, dtype)
    if not np.can_cast(numbers.dtype, dtype, "same_kind") and numbers.dtype.kind != "i":
        return numbers  # of another kind: for the caller to refuse
    converted = numbers.astype(dtype)
    if dtype.kind in "iu" and not np.array_equal(converted, numbers):
        msg = "a number is out of range"
        raise OverflowError(msg)
    return converted


def as_bytes(data: Any, what: str) -> np.ndarray[Any, Any]:
    """Return `data` as contiguous ``uint8``; as `numbers_of` otherwise."""
    numbers = numbers_of(data, np.dtype(np.uint8), what)
    return numbers if numbers.flags.c_contiguous else np.ascontiguousarray(numbers)


def replace_numbers(
    message: Any,
    name: str,
    dtype: np.dtype[Any],
    count: int,
    copy_into: Callable[[np.ndarray[Any, Any]], None],
) -> None:
    """Fill the sequence ``message.<name>`` with `count` numbers, in the memory it has if it fits.

    That memory is the fastest that rclpy takes: its setters look at each element of anything but
    an ``array.array``, and a new one costs page faults. Where it does not fit, the message gets a
    new container of the kind it had: an ``ndarray`` for an ``ndarray``, else an ``array.array``.

    Parameters
    ----------
    copy_into
        Gets the one-dimensional destination, and fills all of it.
    """
    held = getattr(message, name)
    destination = _reusable(held, dtype, count)
    if destination is not None:
        copy_into(destination)
        return
    container: Any
    if isinstance(held, np.ndarray):
        container = destination = np.empty(count, dtype)
    else:
        container = array.array(_TYPECODES[dtype], bytes(count * dtype.itemsize))
        destination = _view(container, dtype)
    copy_into(destination)
    setattr(message, name, container)


def _reusable(held: Any, dtype: np.dtype[Any], count: int) -> np.ndarray[Any, Any] | None:
    if isinstance(held, np.ndarray):
        fits = held.dtype == dtype and held.shape == (count,)
        return held if fits and held.flags.writeable and held.flags.c_contiguous else None
    if isinstance(held, array.array) and len(held) == count:
        return _view(held, dtype) if np.dtype(held.typecode) == dtype else None
    return None


def _view(held: array.array[Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    # An empty buffer is refused by frombuffer.
    return np.frombuffer(cast("Any", held), dtype) if len(held) else np.empty(0, dtype)
