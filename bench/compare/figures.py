"""The figures of a comparison, and how they are written down."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import Any, Iterable, NamedTuple, Tuple

#: Kind, what is read of a frame, how many consumers.
Measure = Tuple[str, str, int]

_SIZES = ("1KB", "VGA", "1080p", "4K")


class Spread(NamedTuple):
    """A figure over the repeats."""

    median: float
    least: float
    greatest: float


class Comparison:
    """The runs of one file, by what they measured."""

    def __init__(self, figures: dict[str, Any]) -> None:
        self.machine: dict[str, Any] = figures["machine"]
        self.contenders: list[dict[str, Any]] = figures["contenders"]
        self.quick: bool = figures["quick"]
        self._runs: list[dict[str, Any]] = figures["runs"]
        self.busiest = max((run["load"] for run in self._runs), default=0.0)

    @property
    def repeats(self) -> str:
        """How often each measurement was made: ``2``, or ``2 to 4`` when some were made more often."""
        counted = Counter(
            (run["contender"], run["size"], *_measure_of(run)) for run in self._runs
        ).values()
        least, most = min(counted, default=0), max(counted, default=0)
        return f"{least}" if least == most else f"{least} to {most}"

    def measures(self) -> list[Measure]:
        """Return kind, check and consumers of what was measured, in order."""
        return list(
            dict.fromkeys((run["kind"], run["check"], run["consumers"]) for run in self._runs)
        )

    def sizes(self, measure: Measure) -> list[str]:
        """Return the sizes at which that was measured."""
        found = {run["size"] for run in self._runs if _measure_of(run) == measure}
        return [size for size in _SIZES if size in found]

    def of(self, contender: str, size: str, measure: Measure) -> list[dict[str, Any]]:
        """Return the repeats of one measurement."""
        return [
            run
            for run in self._runs
            if run["contender"] == contender
            and run["size"] == size
            and _measure_of(run) == measure
        ]

    def spread(self, contender: str, size: str, measure: Measure, figure: str) -> Spread | None:
        """Return a figure over the repeats that have it."""
        found = [
            run["figures"][figure]
            for run in self.of(contender, size, measure)
            if run.get("figures", {}).get(figure) is not None
        ]
        return Spread(statistics.median(found), min(found), max(found)) if found else None

    def total(self, contender: str, figure: str) -> int:
        """Return a count over all runs of a contender."""
        return sum(
            run["figures"][figure]
            for run in self._runs
            if run["contender"] == contender and "figures" in run
        )

    def failures(self, contender: str) -> list[dict[str, Any]]:
        """Return the runs that gave no figures."""
        return [run for run in self._runs if run["contender"] == contender and "failed" in run]


def _measure_of(run: dict[str, Any]) -> Measure:
    return run["kind"], run["check"], run["consumers"]


#: What decides the order of rows, and whether more is better.
_DECIDING = {
    "latency": "latency_p50_us",
    "throughput": "frames_per_s",
    "history": "history_p50_us",
    "attach": "attach_ms",
}
MORE_IS_BETTER = {"latency": False, "throughput": True, "history": False, "attach": False}


def deciding(measure: Measure) -> str:
    """Return the figure by which contenders are compared."""
    return _DECIDING[measure[0]]


def short(value: float) -> str:
    """Return a figure with three digits."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def markdown(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table."""
    heads = list(heads)
    lines = [" | ".join(heads), " | ".join("---" for _ in heads)]
    lines += [" | ".join(str(cell).replace("|", "/") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)
