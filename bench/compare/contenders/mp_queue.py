"""``multiprocessing.Queue``, one for each consumer. Pickles arrays through a pipe."""

from __future__ import annotations

import multiprocessing
import queue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.compare.contract import Job

#: A queue without a bound would grow with a consumer that is slower than the producer.
_MOST_FRAMES = 4


class MpQueue:
    """``put`` and ``get``, as in the documentation. The producer waits for the slowest."""

    def __init__(self, job: Job) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._queues: list[Any] = [spawn.Queue(_MOST_FRAMES) for _ in range(job.consumers)]

    def load(self) -> None:
        """Nothing is imported."""

    def publisher(self) -> Any:
        """Write to all queues."""
        return _Publisher(self._queues)

    def subscriber(self, number: int) -> Any:
        """Read one."""
        return _Subscriber(self._queues[number])


class _Publisher:
    def __init__(self, queues: list[Any]) -> None:
        self._queues = queues

    def put(self, frame: Any) -> None:
        # A queue pickles in a thread of its own, when the array may have been written to again.
        kept = frame.copy()
        for each in self._queues:
            each.put(kept)

    def close(self) -> None:
        for each in self._queues:
            each.cancel_join_thread()


class _Subscriber:
    def __init__(self, frames: Any) -> None:
        self._frames = frames

    def get(self, timeout_s: float) -> Any:
        try:
            return self._frames.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        self._frames.close()
