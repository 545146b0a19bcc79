"""What was done, counted: per pool, over all lives."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from endurance.seats import Seat

#: What a worker reports of its whole life so far, so that only the last report of a life counts.
OF_A_LIFE = ("frames", "refused", "checked", "windows", "copied", "missed", "mismatches")


class Tally:
    """Counters by pool."""

    def __init__(self) -> None:
        self.by_pool: dict[str, collections.Counter[str]] = collections.defaultdict(
            collections.Counter
        )
        self._last: dict[str, dict[str, int]] = {}

    def happened(self, seat: Seat, what: str) -> None:
        """Count a fault survived: kills, stops, leaves, starts."""
        self.by_pool[seat.pool.name][what] += 1

    def report(self, seat: Seat, message: dict[str, Any]) -> None:
        """Count what a worker reported beyond its last report."""
        before = self._last.setdefault(seat.who, {})
        for name in OF_A_LIFE:
            if name in message:
                self.by_pool[seat.pool.name][name] += message[name] - before.get(name, 0)
                before[name] = message[name]

    def forget(self, seat: Seat) -> None:
        """Its process is gone and reports no more."""
        self._last.pop(seat.who, None)

    def total(self, what: str) -> int:
        """Sum over all pools."""
        return sum(counters[what] for counters in self.by_pool.values())
