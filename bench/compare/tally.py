"""What one consumer saw."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bench.compare.seal import Seal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Reading the processor's time takes as long as some contender's frame: not at each of many.
_CPU_EVERY = 16


class Tally:
    """Counts frames that are whole, torn, lost and repeated.

    Parameters
    ----------
    frame_bytes
        Of each frame.
    every_byte
        Whether to read all of each frame, or its stamps alone.
    """

    def __init__(self, frame_bytes: int, *, every_byte: bool) -> None:
        self._seal = Seal(frame_bytes)
        self._every_byte = every_byte
        self._first: int | None = None
        self._began_ns = self._ended_ns = 0
        self._began_cpu_ns = self._ended_cpu_ns = 0
        self._taken = self._cpu_frames = 0
        self.newest = -1
        """Number of the newest frame, of warm-up or not."""
        self.whole = self.torn = self.lost = self.repeated = 0
        self.latencies_ns: list[int] = []

    def begin(self, first: int) -> None:
        """Count frames from number `first` on. Those before are of the warm-up."""
        self._first = first
        self._expected = first
        self._began_ns, self._began_cpu_ns = time.monotonic_ns(), time.process_time_ns()
        self._ended_ns, self._ended_cpu_ns = self._began_ns, self._began_cpu_ns

    def take(self, frame: NDArray[np.uint8], received_ns: int) -> None:
        """Look at flat `frame`."""
        number = self._seal.number(frame)
        sent_ns = self._seal.sent_ns(frame)
        if (
            number is not None
            and self._every_byte
            and not self._seal.sum_is_right(frame, number)
        ):
            number = None
        # Once more: a frame that changed meanwhile was torn under the eyes of its reader.
        if number is not None and self._seal.number(frame) != number:
            number = None
        if number is not None:
            self.newest = max(self.newest, number)
        if self._first is None or (number is not None and number < self._first):
            return
        self._taken += 1
        self._ended_ns = received_ns
        if self._taken <= _CPU_EVERY or self._taken % _CPU_EVERY == 0:
            self._ended_cpu_ns, self._cpu_frames = time.process_time_ns(), self._taken
        if number is None:
            self.torn += 1
        elif number < self._expected:
            self.repeated += 1
        else:
            self.lost += number - self._expected
            self._expected = number + 1
            self.whole += 1
            self.latencies_ns.append(received_ns - sent_ns)

    def end(self, last: int) -> dict[str, Any]:
        """Return the counts, when `last` was the number of the last frame that was sent."""
        if self._first is not None:
            # What was read torn has no number, and is among those that did not come whole.
            self.lost = max(0, self.lost + last + 1 - self._expected - self.torn)
        cpu_ns = self._ended_cpu_ns - self._began_cpu_ns
        if self._cpu_frames:
            cpu_ns = cpu_ns * self._taken // self._cpu_frames
        seconds = (self._ended_ns - self._began_ns) / 1e9
        return {
            "whole": self.whole,
            "torn": self.torn,
            "lost": self.lost,
            "repeated": self.repeated,
            "frames_per_s": self.whole / seconds if seconds > 0 else 0.0,
            "cpu_ns": cpu_ns,
            "latencies_ns": self.latencies_ns,
        }
