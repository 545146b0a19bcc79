"""Timing by turns: what disturbs the machine for a while disturbs everything that is compared."""

from __future__ import annotations

import statistics
import time
from typing import Callable, Dict, Sequence

ROUNDS = 101
_ROUND_NS = 2_000_000

Figures = Dict[str, float]


def time_in_turns(
    actions: Sequence[Callable[[], object]], *, whole_turns_of: int = 1, rounds: int = ROUNDS
) -> list[list[float]]:
    """Return, for each action, the processor time of one call in ns, round by round.

    `whole_turns_of`: calls in a round are a multiple of it, so that each round walks round a ring
    as often as the others do.
    """
    counts = [_calls_in_a_round(action, whole_turns_of) for action in actions]
    times: list[list[float]] = [[] for _ in actions]
    for number in range(rounds):
        order = range(len(actions)) if number % 2 == 0 else reversed(range(len(actions)))
        for which in order:
            times[which].append(_one_call_ns(actions[which], counts[which]))
    return times


def _one_call_ns(action: Callable[[], object], count: int) -> float:
    calls = range(count)
    # Time that this thread had the processor: none of these calls waits for anything.
    from_ns = time.thread_time_ns()
    for _ in calls:
        action()
    return (time.thread_time_ns() - from_ns) / count


def _calls_in_a_round(action: Callable[[], object], whole_turns_of: int) -> int:
    one_ns = min(_one_call_ns(action, 5 * whole_turns_of) for _ in range(3))
    turns = max(1, int(_ROUND_NS / one_ns / whole_turns_of))
    return turns * whole_turns_of


def spread(name: str, values: Sequence[float]) -> Figures:
    """Return the median of `values` as `name`, and where the middle 80 % of them lie."""
    tenths = statistics.quantiles(values, n=10)
    return {
        f"{name}_p10": round(tenths[0], 3),
        name: round(statistics.median(values), 3),
        f"{name}_p90": round(tenths[-1], 3),
    }
