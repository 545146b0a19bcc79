"""What a frame carries, so that a torn, lost or repeated one is seen.

A frame is a row of 64-bit words. 16 of them, spread from the first to the last, are stamps: the
frame's number. The second word is the time of sending. All others hold a constant, one of
``PATTERNS``, so that the sum of a frame's words is known and every byte takes part in it::

    word 0    1          2 ..                           last
    | number | sent_ns | pattern ... number ... pattern | number |

``native/seal.hpp`` is the same in C++.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: A frame of another number has another pattern, unless the difference is a multiple of this.
PATTERNS = 4

_STAMPS = 16
_MASK = 2**64 - 1
_ODD = 0x9E3779B97F4A7C15  # the golden ratio, as a word without structure


class Seal:
    """Writes and reads the stamps of frames of one size."""

    def __init__(self, frame_bytes: int) -> None:
        words = frame_bytes // 8
        if frame_bytes % 8 or words < 2 * _STAMPS:
            msg = f"a frame has a multiple of 8 bytes and {16 * _STAMPS} at least, got {frame_bytes}"
            raise ValueError(msg)
        self._frame_bytes = frame_bytes
        self._places = np.unique(np.linspace(0, words - 1, _STAMPS).astype(np.intp))
        self._stamps_of = operator.itemgetter(*self._places.tolist())
        self._fillers = words - len(self._places) - 1

    def frames(self) -> list[NDArray[np.uint8]]:
        """Return one flat frame for each pattern, unstamped, over a ``bytearray``."""
        made = []
        for pattern in range(PATTERNS):
            frame = np.frombuffer(bytearray(self._frame_bytes), np.uint8)
            frame.view(np.uint64)[:] = _filler(pattern)
            made.append(frame)
        return made

    def stamp(self, frame: NDArray[np.uint8], number: int) -> None:
        """Write the number into flat `frame`, which is that of ``number % PATTERNS``."""
        frame.view(np.uint64)[self._places] = number

    @staticmethod
    def stamp_time(frame: NDArray[np.uint8], sent_ns: int) -> None:
        """Write the time of sending."""
        frame.view(np.uint64)[1] = sent_ns

    @staticmethod
    def sent_ns(frame: NDArray[np.uint8]) -> int:
        """Return the time of sending."""
        return memoryview(frame).cast("Q")[1]

    def number(self, frame: NDArray[np.uint8]) -> int | None:
        """Return the number of flat `frame`; ``None`` when its stamps disagree: it is torn."""
        # Not with NumPy, which takes five times as long: the harness would hide what is measured.
        stamps = self._stamps_of(memoryview(frame).cast("Q"))
        number: int = stamps[0]
        return number if stamps.count(number) == len(stamps) else None

    def sum_is_right(self, frame: NDArray[np.uint8], number: int) -> bool:
        """Read every byte of flat `frame`, and tell whether they are those of `number`."""
        found = int(frame.view(np.uint64).sum(dtype=np.uint64))
        stamps = len(self._places) * number + self.sent_ns(frame)
        return found == (self._fillers * _filler(number % PATTERNS) + stamps) & _MASK


def _filler(pattern: int) -> int:
    return (pattern + 1) * _ODD & _MASK
