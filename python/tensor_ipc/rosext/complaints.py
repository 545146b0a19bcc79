"""What goes wrong with one topic is said at most once a second."""

from __future__ import annotations

import threading
import time
from typing import Callable

_PERIOD_S = 1.0


class Complaints:
    """Passes on the first error of each second, and says how many it left out.

    Parameters
    ----------
    about
        What the errors are about; each line begins with it.
    say
        Takes a line.
    clock
        Seconds; never goes back.
    """

    def __init__(
        self,
        about: str,
        say: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._about = about
        self._say = say
        self._clock = clock
        self._lock = threading.Lock()
        self._next_s: float | None = None
        self._left_out = 0
        self._last = ""

    @property
    def last(self) -> str:
        """Text of the last error, said or not; empty while there was none."""
        return self._last

    def add(self, error: object) -> None:
        """Say it, unless something was said less than a second ago."""
        with self._lock:
            self._last = str(error)
            now_s = self._clock()
            if self._next_s is not None and now_s < self._next_s:
                self._left_out += 1
                return
            self._next_s = now_s + _PERIOD_S
            left_out, self._left_out = self._left_out, 0
        more = f" (and {left_out} more errors before)" if left_out else ""
        self._say(f"{self._about}: {error}{more}")
