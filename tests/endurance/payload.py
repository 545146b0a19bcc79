"""Frames that say where they come from and whether they are whole.

::

    | pool | life | count | fill ... | crc32 |
      4      4      8                  4 bytes

``life`` is the number of a producer process in this run, ``count`` counts its frames from 0, so
that no two frames of a run are alike. The checksum covers all bytes in front of it.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, NamedTuple

import numpy as np

HEAD = struct.Struct("=IIQ")
TAIL = struct.Struct("=I")


class Origin(NamedTuple):
    """What a whole frame says of itself."""

    pool: int
    life: int
    count: int


def _bytes_of(frame: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return frame.reshape(-1).view(np.uint8)


def seal(frame: np.ndarray[Any, Any], origin: Origin) -> None:
    """Fill `frame`, which is contiguous."""
    data = _bytes_of(frame)
    data[HEAD.size :] = (origin.count * 7 + origin.life) % 251
    HEAD.pack_into(data.data, 0, *origin)
    TAIL.pack_into(data.data, data.size - TAIL.size, zlib.crc32(data[: -TAIL.size].data))


def origin_of(frame: np.ndarray[Any, Any]) -> Origin | None:
    """Read every byte; ``None`` when the frame is torn."""
    data = _bytes_of(frame)
    (checksum,) = TAIL.unpack_from(data.data, data.size - TAIL.size)
    if zlib.crc32(data[: -TAIL.size].data) != checksum:
        return None
    return Origin(*HEAD.unpack_from(data.data, 0))
