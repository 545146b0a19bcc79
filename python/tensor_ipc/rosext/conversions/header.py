"""Stamp and frame_id of the messages that have a header."""

from __future__ import annotations

from operator import index
from typing import Any

from tensor_ipc.errors import ConversionError

_NS_PER_S = 1_000_000_000
_LARGEST_S = 2**31 - 1  # builtin_interfaces/msg/Time.sec is an int32


def read_stamp(header: Any) -> int | None:
    """Return the header's stamp in nanoseconds, ``None`` for zero."""
    stamp = header.stamp
    return (index(stamp.sec) * _NS_PER_S + index(stamp.nanosec)) or None


def check_stamp(stamp_ns: int) -> None:
    """Refuse a stamp that no header can hold.

    Raises
    ------
    ConversionError
        It is before 1970 or after 2038.
    """
    if not 0 <= stamp_ns // _NS_PER_S <= _LARGEST_S:
        msg = f"stamp_ns: expected 0 to {_LARGEST_S} seconds in nanoseconds, got {stamp_ns}"
        raise ConversionError(msg)


def write_header(message: Any, stamp_ns: int | None, frame_id: str | None) -> None:
    """Set what is given, keep what is ``None``."""
    header = message.header
    if stamp_ns is not None:
        header.stamp.sec, header.stamp.nanosec = divmod(int(stamp_ns), _NS_PER_S)
    if frame_id is not None:
        header.frame_id = frame_id
