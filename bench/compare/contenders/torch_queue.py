"""``torch.multiprocessing.Queue`` with tensors in shared memory, made once and used again."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.compare.contract import Job

_MOST_FRAMES = 4

#: Those queued, one in use, one being written, and some to spare.
_TENSORS = _MOST_FRAMES + 4


class TorchQueue:
    """A queue for each consumer, through which handles go. The producer waits for the slowest."""

    def __init__(self, job: Job) -> None:
        import torch.multiprocessing as tmp  # noqa: PLC0415

        spawn = tmp.get_context("spawn")
        self._shape = job.shape
        self._queues: list[Any] = [spawn.Queue(_MOST_FRAMES) for _ in range(job.consumers)]

    def load(self) -> None:
        """Import the package."""
        import torch  # noqa: F401, PLC0415

    def publisher(self) -> Any:
        """Write to all queues."""
        return _Publisher(self._queues, self._shape)

    def subscriber(self, number: int) -> Any:
        """Read one."""
        return _Subscriber(self._queues[number])


class _Publisher:
    def __init__(self, queues: list[Any], shape: tuple[int, ...]) -> None:
        import torch  # noqa: PLC0415

        self._torch, self._queues = torch, queues
        self._tensors = [
            torch.zeros(shape, dtype=torch.uint8).share_memory_() for _ in range(_TENSORS)
        ]
        self._next = 0

    def put(self, frame: Any) -> None:
        tensor = self._tensors[self._next]
        self._next = (self._next + 1) % _TENSORS
        tensor.copy_(self._torch.from_numpy(frame))
        for each in self._queues:
            each.put(tensor)

    def close(self) -> None:
        for each in self._queues:
            each.cancel_join_thread()


class _Subscriber:
    def __init__(self, tensors: Any) -> None:
        self._tensors = tensors

    def get(self, timeout_s: float) -> Any:
        try:
            return self._tensors.get(timeout=timeout_s).numpy()
        except queue.Empty:
            return None

    def close(self) -> None:
        self._tensors.close()
