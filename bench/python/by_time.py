"""Reading by time: ``get_at``, ``between``, and ``synchronized`` over several pools."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import numpy as np

from bench.python.turns import Figures, spread, time_in_turns
from tensor_ipc import TensorConsumer, TensorProducer, synchronized

POOLS = 8

# A policy's: ten frames of a VGA picture at 30 Hz, as many spare slots, matches 33 ms apart.
_SAMPLE = np.ones((480, 640, 3), np.uint8)
_HISTORY_LEN = 10
_SPARE = 10
_PERIOD_NS = 33_333_333
_PHASE_NS = 1_000_000
_FRAMES = 2 * (_HISTORY_LEN + _SPARE)


def measure_by_time() -> dict[str, Any]:
    """Measure one call each, the arrays and the release of the views included.

    Each pool's clock runs a millisecond behind that of the pool before, and the first pool is one
    frame ahead of all others, so that the newest frames are not the set.
    """
    with contextlib.ExitStack() as stack:
        consumers = []
        for number in range(POOLS):
            name = f"bench-time-{number}-{os.getpid()}"
            producer = stack.enter_context(
                TensorProducer.from_sample(name, _SAMPLE, _HISTORY_LEN, spare=_SPARE)
            )
            for frame in range(_FRAMES + (number == 0)):
                time_ns = frame * _PERIOD_NS + number * _PHASE_NS
                producer.put(_SAMPLE, timestamp_ns=time_ns)
            consumers.append(stack.enter_context(TensorConsumer.attach(name)))
        figures = _calls(consumers)
        copied = sum(consumer.stats.copied_frames for consumer in consumers)
    return {"pools": POOLS, "history_len": _HISTORY_LEN, "copied_frames": copied, **figures}


def _calls(consumers: list[TensorConsumer]) -> Figures:
    first = consumers[0]
    middle_ns = (_FRAMES - 4) * _PERIOD_NS
    apart_s = POOLS * _PHASE_NS / 1e9

    # A frame makes its array when it is asked for; the call is of no use without.
    def array_of(frame: Any) -> Any:
        return frame.data

    def arrays_of(frames: Any) -> list[Any]:
        return [frame.data for frame in frames]

    actions = {
        "get_at_ns": lambda: array_of(first.get_at(middle_ns)),
        "between_4_ns": lambda: array_of(first.between(middle_ns, middle_ns + 3 * _PERIOD_NS)),
        "synchronized_ns": lambda: arrays_of(synchronized(consumers, tolerance=apart_s)),
        "synchronized_4_ns": lambda: arrays_of(
            synchronized(consumers, tolerance=apart_s, history_len=4)
        ),
        "synchronized_none_ns": lambda: synchronized(consumers, tolerance=1e-9),
    }
    found = synchronized(consumers, tolerance=apart_s)
    assert found is not None
    assert found.spread_ns == (POOLS - 1) * _PHASE_NS
    assert synchronized(consumers, tolerance=1e-9) is None
    figures: Figures = {}
    for name, times in zip(actions, time_in_turns(list(actions.values()))):
        figures.update(spread(name, times))
    return figures
