"""What each link did since the last look: a line for the log, and a status for /diagnostics."""

from __future__ import annotations

import time
from typing import Callable, Iterable, NamedTuple, Protocol

_TROUBLE = ("conversion_errors", "refused", "publish_errors", "incompatible_qos")


class Link(Protocol):
    """What a report asks of a link."""

    @property
    def name(self) -> str:
        """Where from and where to."""

    @property
    def stats(self) -> tuple[int, ...]:
        """Counters, a named tuple."""

    @property
    def last_error(self) -> str:
        """Text of the last error; empty while there was none."""


class LinkReport(NamedTuple):
    """One link since the last report."""

    name: str
    rate_hz: float
    """Messages or frames that got through, a second."""
    counters: list[tuple[str, int]]
    """Since the beginning."""
    new_trouble: int
    """Errors and refusals since the last report."""
    last_error: str

    def line(self) -> str:
        """Return it for a log."""
        counts = ", ".join(f"{key} {value}" for key, value in self.counters if value)
        trouble = f"; last error: {self.last_error}" if self.new_trouble else ""
        return f"{self.name}: {self.rate_hz:.1f} Hz; {counts or 'nothing yet'}{trouble}"


class Reporter:
    """Remembers the counters of the last report, for rates."""

    def __init__(
        self, links: Iterable[Link], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._links = list(links)
        self._clock = clock
        self._before_s = clock()
        self._before = [_counters(link) for link in self._links]

    def report(self) -> list[LinkReport]:
        """Return what happened since the last call."""
        now_s = self._clock()
        elapsed_s = max(now_s - self._before_s, 1e-9)
        now = [_counters(link) for link in self._links]
        reports = [
            LinkReport(
                name=link.name,
                rate_hz=(_through(new) - _through(old)) / elapsed_s,
                counters=list(new.items()),
                new_trouble=sum(new.get(key, 0) - old.get(key, 0) for key in _TROUBLE),
                last_error=link.last_error,
            )
            for link, old, new in zip(self._links, self._before, now)
        ]
        self._before_s, self._before = now_s, now
        return reports


def _counters(link: Link) -> dict[str, int]:
    return link.stats._asdict()  # type: ignore[attr-defined, no-any-return]  # a named tuple


def _through(counters: dict[str, int]) -> int:
    """Return what got through: the lesser of what came in and went out."""
    return min(counters["frames"], counters["messages"])
