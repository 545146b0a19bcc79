"""Which messages pass when there are more than wanted."""

from __future__ import annotations

import time
from typing import Callable


class RateLimit:
    """Lets so many messages a second through, over any length of time at most one more.

    A message may come half a period early: a source that has the rate of the limit, and some jitter,
    loses nothing.

    Parameters
    ----------
    hertz
        The limit.
    clock
        Seconds; never goes back.
    """

    def __init__(self, hertz: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._period_s = 1.0 / hertz
        self._clock = clock
        self._due_s: float | None = None

    def admits(self) -> bool:
        """Whether a message that comes now may pass; counts it if so."""
        now_s = self._clock()
        due_s = now_s if self._due_s is None else self._due_s
        if now_s < due_s - self._period_s / 2:
            return False
        # On the grid of the rate, so that jitter does not add up; after a pause a new grid begins.
        late = now_s - due_s > self._period_s
        self._due_s = (now_s if late else due_s) + self._period_s
        return True
