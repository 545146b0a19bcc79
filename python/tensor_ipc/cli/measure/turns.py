"""Timing calls that take well under a millisecond."""

from __future__ import annotations

import statistics
import time
from typing import Callable

_ROUNDS = 51
_ROUND_NS = 5_000_000
_FEWEST_CALLS = 10


def medians_ns(*actions: Callable[[], object]) -> list[float]:
    """Return the median time of each action in ns. They take turns, so that noise meets all."""
    repeats = [_repeats(action) for action in actions]
    times: list[list[float]] = [[] for _ in actions]
    for _ in range(_ROUNDS):
        for action, count, of_action in zip(actions, repeats, times):
            from_ns = time.perf_counter_ns()
            for _ in range(count):
                action()
            of_action.append((time.perf_counter_ns() - from_ns) / count)
    return [statistics.median(of_action) for of_action in times]


def _repeats(action: Callable[[], object]) -> int:
    """Return how often `action` fits into a round. Touches all memory first, too."""
    count = 0
    end_ns = time.perf_counter_ns() + _ROUND_NS
    while time.perf_counter_ns() < end_ns or count < _FEWEST_CALLS:
        action()
        count += 1
    return count
