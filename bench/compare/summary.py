"""One line for each measurement: ours, the best of the others, and the floor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bench.compare.figures import MORE_IS_BETTER, Comparison, Measure, deciding, markdown, short

if TYPE_CHECKING:
    from typing import Iterator

#: Those of this library, by how the bytes get into the pool and how a consumer waits.
_OURS = {
    (False, "sleep"): "ours",
    (True, "sleep"): "ours-in-place",
    (False, "spin"): "ours-spin",
}
_MEASURES = {
    ("latency", "stamps"): "latency p50, us",
    ("throughput", "stamps"): "frames/s, 16 places read",
    ("throughput", "bytes"): "frames/s, every byte read",
    ("history", "stamps"): "last 5 as one array, us",
    ("attach", "stamps"): "attach, ms",
}


class Line(NamedTuple):
    """Ours beside the best of those that do the same thing in the same language."""

    measure: Measure
    size: str
    language: str
    waiting: str
    in_place: bool
    ours: float
    best: float
    who: str
    floor: float | None

    @property
    def ahead(self) -> float:
        """How many times better ours is than the best of the others."""
        return _times(self.measure, self.ours, self.best)

    @property
    def of_floor(self) -> float | None:
        """How many times worse ours is than the floor."""
        return None if self.floor is None else _times(self.measure, self.floor, self.ours)


def lines(comparison: Comparison) -> Iterator[Line]:
    """Yield every measurement that ours and some other contender have."""
    for measure in comparison.measures():
        for size in comparison.sizes(measure):
            for language in ("c++", "python"):
                for in_place, waiting in _OURS:
                    line = _line(comparison, measure, size, (language, waiting, in_place))
                    if line is not None:
                        yield line


def render(comparison: Comparison) -> str:
    """Return the table, and how often ours is first."""
    found = list(lines(comparison))
    first = sum(line.ahead >= 1 for line in found)
    level = sum(0.9 <= line.ahead < 1 for line in found)
    heads = ("", "", "ours", "best of the others", "", "ours is better by", "of the floor")
    rows = [
        (
            f"{_MEASURES[line.measure[:2]]}, {line.size}" + _many(line.measure[2]),
            f"{line.language}, {line.waiting}" + (", in place" if line.in_place else ""),
            short(line.ours),
            short(line.best),
            line.who,
            f"{line.ahead:.2f}x" if line.ahead >= 1 else f"**{line.ahead:.2f}x**",
            "" if line.of_floor is None else f"{line.of_floor:.2f}x",
        )
        for line in found
    ]
    return (
        f"Medians of {comparison.repeats} repeats on {comparison.machine['date']}. Ours is first in "
        f"{first} of {len(found)} lines and within a tenth of the first in {level} more. [The whole "
        f"comparison](performance/compare.md) has each contender, its spread, and the plots.\n\n"
        + markdown(heads, rows)
    )


def _line(
    comparison: Comparison, measure: Measure, size: str, group: tuple[str, str, bool]
) -> Line | None:
    language, waiting, in_place = group
    prefix = "c++ " if language == "c++" else ""
    ours = _median(comparison, prefix + _OURS[in_place, waiting], size, measure)
    others = [
        (value, one["title"])
        for one in comparison.contenders
        if (one["language"], one["waiting"], _in_place(one)) == group
        and one["name"].split()[-1] not in _OURS.values()
        and not _is_floor(one)
        and (value := _median(comparison, one["name"], size, measure)) is not None
    ]
    if ours is None or not others:
        return None
    best, who = (max if MORE_IS_BETTER[measure[0]] else min)(others)
    return Line(
        measure, size, *group, ours, best, who, _floor(comparison, measure, size, group)
    )


def _floor(
    comparison: Comparison, measure: Measure, size: str, group: tuple[str, str, bool]
) -> float | None:
    language, waiting, in_place = group
    if language != "c++" or measure[0] not in ("latency", "throughput"):
        return None
    name = {
        (False, "sleep"): "floor memcpy",
        (True, "sleep"): "floor futex",
        (False, "spin"): "floor memcpy-spin",
    }[in_place, waiting]
    return _median(comparison, name, size, measure)


def _median(comparison: Comparison, name: str, size: str, measure: Measure) -> float | None:
    found = comparison.spread(name, size, measure, deciding(measure))
    return found.median if found else None


def _times(measure: Measure, better: float, worse: float) -> float:
    return better / worse if MORE_IS_BETTER[measure[0]] else worse / better


def _is_floor(contender: dict[str, Any]) -> bool:
    return bool(contender["name"].startswith("floor"))


def _in_place(contender: dict[str, Any]) -> bool:
    return bool(contender["copies"][0] == 0)


def _many(consumers: int) -> str:
    return "" if consumers == 1 else f", {consumers} consumers"
