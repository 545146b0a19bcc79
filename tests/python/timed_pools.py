"""What tests of reading by time share: frames that say when they were captured, and the rules of
docs/reading-by-time.md in plain Python."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Sequence

import numpy as np

if TYPE_CHECKING:
    from tensor_ipc import Frame, FrameWindow, TensorProducer

# Large enough for a torn frame to be seen, and for a copy of it to be overtaken.
SAMPLE = np.zeros(2000, dtype=np.int64)

# Publishes frames captured at STEP, 2 * STEP, ... as fast as it can, until its input ends.
FLOOD = """
    import sys, threading
    import numpy as np
    from tensor_ipc import TensorProducer

    name, history_len, step = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    done = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
    sample = np.zeros(2000, dtype=np.int64)
    with TensorProducer.from_sample(name, sample, history_len, spare=8) as producer:
        print("ready", flush=True)
        time = step
        while not done.is_set():
            with producer.loan(timestamp_ns=time) as array:
                array[:] = time
            time += step
"""


def put_at(producer: TensorProducer, *times: int) -> None:
    """Publish a frame for each time, every element of which says so."""
    for time in times:
        producer.put(np.full_like(SAMPLE, time), timestamp_ns=time)


def time_in(data: np.ndarray[Any, Any]) -> int:
    """Time of capture as the frame's bytes have it; fails when any byte is another frame's."""
    assert (data == data[0]).all(), "torn"
    return int(data[0])


def check_frame(frame: Frame) -> None:
    """The payload is the one that belongs to the time."""
    assert time_in(frame.data) == frame.timestamp_ns


def check_window(window: FrameWindow) -> None:
    """Each payload is the one that belongs to its time."""
    assert window.data.shape == (len(window), *SAMPLE.shape)
    assert len(window) == len(window.timestamps_ns) == len(window.published_times_ns)
    for data, timestamp_ns in zip(window.data, window.timestamps_ns):
        assert time_in(data) == timestamp_ns


def at_reference(history: Sequence[int], time: int, method: str) -> int | None:
    """Which frame of `history` (times, newest first) belongs to `time`: its age."""
    admitted = [
        age
        for age, captured in enumerate(history)
        if method == "nearest" or (captured <= time if method == "before" else captured >= time)
    ]
    return min(admitted, key=lambda age: (abs(history[age] - time), age), default=None)


def set_reference(
    histories: Sequence[Sequence[int]], tolerance_ns: int, after_ns: int | None
) -> tuple[int, ...] | None:
    """The set, as ages, by trying every one of them; as the documents have the rule."""
    best = None
    best_rank: tuple[int, ...] = ()
    for ages in itertools.product(*(range(len(history)) for history in histories)):
        times = [history[age] for history, age in zip(histories, ages)]
        oldest = min(times)
        if max(times) - oldest > tolerance_ns or (after_ns is not None and oldest <= after_ns):
            continue
        nearness = [(oldest - time, -age) for time, age in zip(times, ages)]
        rank = (oldest, *itertools.chain.from_iterable(nearness))
        if best is None or rank > best_rank:
            best, best_rank = ages, rank
    return best
