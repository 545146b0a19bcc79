"""``multiprocessing.shared_memory`` as a bounded buffer, with two semaphores for each consumer."""

from __future__ import annotations

import multiprocessing
from multiprocessing import shared_memory
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from bench.compare.contract import Job

_SLOTS = 4


class ShmSemaphore:
    """What one writes by hand. A consumer's slot is free again at its next ``get``.

    The producer waits for the slowest consumer; one that dies stops everybody.
    """

    def __init__(self, job: Job) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._shape, self._frame_bytes, self._name = job.shape, job.frame_bytes, job.name
        self._free: list[Any] = [spawn.Semaphore(_SLOTS) for _ in range(job.consumers)]
        self._full: list[Any] = [spawn.Semaphore(0) for _ in range(job.consumers)]
        self._made = shared_memory.SharedMemory(
            job.name, create=True, size=_SLOTS * job.frame_bytes
        )

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the memory itself: each process opens it by name."""
        return {name: value for name, value in self.__dict__.items() if name != "_made"}

    def __del__(self) -> None:
        """Remove it, where it was made."""
        if hasattr(self, "_made"):
            self._made.close()
            self._made.unlink()

    def load(self) -> None:
        """Nothing is imported."""

    def publisher(self) -> Any:
        """Write round the slots."""
        return _Publisher(self._slots(), self._free, self._full)

    def subscriber(self, number: int) -> Any:
        """Read round the slots."""
        return _Subscriber(self._slots(), self._free[number], self._full[number])

    def _slots(self) -> _Slots:
        return _Slots(self._name, self._shape)


class _Slots:
    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self._memory = shared_memory.SharedMemory(name)
        self.arrays: Any = np.ndarray((_SLOTS, *shape), np.uint8, self._memory.buf)
        self._next = 0

    def next(self) -> Any:
        slot = self.arrays[self._next]
        self._next = (self._next + 1) % _SLOTS
        return slot

    def close(self) -> None:
        self.arrays = None
        self._memory.close()


class _Publisher:
    def __init__(self, slots: _Slots, free: list[Any], full: list[Any]) -> None:
        self._slots, self._free, self._full = slots, free, full

    def put(self, frame: Any) -> None:
        for free in self._free:
            free.acquire()
        np.copyto(self._slots.next(), frame)
        for full in self._full:
            full.release()

    def close(self) -> None:
        self._slots.close()


class _Subscriber:
    def __init__(self, slots: _Slots, free: Any, full: Any) -> None:
        self._slots, self._free, self._full = slots, free, full
        self._holds = False

    def get(self, timeout_s: float) -> Any:
        if self._holds:
            self._free.release()
            self._holds = False
        if not self._full.acquire(timeout=timeout_s):
            return None
        self._holds = True
        return self._slots.next()

    def close(self) -> None:
        self._slots.close()
