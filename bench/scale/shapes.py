"""How a cost is expected to grow, as a curve to draw beside the points."""

from __future__ import annotations

import statistics
from typing import Callable, Sequence

#: Of the pool whose frames are held, and the slots it has with the default of 3 to spare.
HELD_HISTORY = 64
HELD_SLOTS = HELD_HISTORY + 3

Curve = Callable[[Sequence[float], Sequence[float]], "list[float]"]


def flat(x: Sequence[float], y: Sequence[float]) -> list[float]:
    """Return the median, everywhere."""
    return [statistics.median(y)] * len(x)


def linear(x: Sequence[float], y: Sequence[float]) -> list[float]:
    """Return the straight line through the first point and the last."""
    if x[-1] == x[0]:
        return list(y)
    slope = (y[-1] - y[0]) / (x[-1] - x[0])
    return [y[0] + slope * (place - x[0]) for place in x]


def copied(x: Sequence[float], y: Sequence[float]) -> list[float]:
    """Return the fixed cost of the smallest frame, and a copy as fast as that of the greatest."""
    per_byte = y[-1] / x[-1]
    fixed = max(0.0, y[0] - per_byte * x[0])
    return [fixed + per_byte * frame_bytes for frame_bytes in x]


def passed_over(x: Sequence[float], y: Sequence[float]) -> list[float]:
    """Return the cost of slots that are passed over once in a turn, `x` of HELD_SLOTS being held.

    The others of a turn share it. Through the first point and the last.
    """
    return linear([held / (HELD_SLOTS - held) for held in x], y)


#: By the name that stands in the figures.
SHAPES: dict[str, Curve] = {
    "flat": flat,
    "linear": linear,
    "copied": copied,
    "passed over": passed_over,
}
