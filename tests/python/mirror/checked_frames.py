"""Frames that say which they are, and whether they are whole."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np


def sealed_frame(shape: tuple[int, ...], number: int) -> np.ndarray[Any, Any]:
    """Make a frame of bytes: its number, its checksum, and a pattern that depends on the number."""
    size = int(np.prod(shape))
    frame = np.arange(number, number + size, dtype=np.uint32).astype(np.uint8)
    frame[:8] = np.frombuffer(number.to_bytes(8, "little"), np.uint8)
    frame[8:12] = np.frombuffer(zlib.crc32(frame[12:]).to_bytes(4, "little"), np.uint8)
    return frame.reshape(shape)


def number_in(data: np.ndarray[Any, Any]) -> int:
    """Return the number in a frame of `sealed_frame`, which has to be whole."""
    flat = data.reshape(-1)
    assert int.from_bytes(flat[8:12].tobytes(), "little") == zlib.crc32(flat[12:]), "torn"
    return int.from_bytes(flat[:8].tobytes(), "little")


def check(frame: Any) -> int:
    """Check number, bytes and time of a frame of the local pool; return its number."""
    number = number_in(np.asarray(frame))
    assert frame.index == number
    assert frame.timestamp_ns == 1_000_000 * number + 7
    return number
