"""The library of this project. Options: ``spin_s``, ``in_place``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from bench.compare.contract import HISTORY_LEN

if TYPE_CHECKING:
    from bench.compare.contract import Job
    from tensor_ipc import TensorConsumer, TensorProducer


class Ours:
    """``put`` or ``loan``, ``wait`` and ``get``, as in the README."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def load(self) -> None:
        """Import the package."""
        import tensor_ipc  # noqa: PLC0415

        self._package = tensor_ipc

    def publisher(self) -> Any:
        """Create the pool."""
        make = _InPlace if self._job.options.get("in_place") else _Publisher
        return make(self._job, self._package.TensorProducer)

    def subscriber(self, number: int) -> Any:  # noqa: ARG002  all are alike
        """Follow the pool, which may not be there yet."""
        return _Subscriber(self._job, self._package.TensorConsumer)


def _history_len(job: Job) -> int:
    """Ask for no more than the others, of which none keeps a history unless it is told to."""
    return HISTORY_LEN if job.kind == "history" else 1


class _Publisher:
    def __init__(self, job: Job, producer: type[TensorProducer]) -> None:
        self._producer = producer.from_sample(
            job.name,
            np.zeros(job.shape, np.uint8),
            history_len=_history_len(job),
            spare=max(3, job.consumers + 2),  # so that each can hold a frame
        )
        self.put = self._producer.put

    def close(self) -> None:
        self._producer.cleanup()


class _InPlace(_Publisher):
    def fill(self, write: Callable[[Any], None]) -> None:
        with self._producer.loan() as slot:
            write(slot.reshape(-1))


class _Subscriber:
    def __init__(self, job: Job, consumer: type[TensorConsumer]) -> None:
        spin_s = job.options.get("spin_s", 0.0)
        if job.kind == "attach":  # there is a pool, which says what it holds
            self._consumer = consumer.attach(job.name, spin_s=spin_s)
        else:
            self._consumer = consumer.from_sample(
                job.name,
                np.zeros(job.shape, np.uint8),
                history_len=_history_len(job),
                spin_s=spin_s,
            )
        self._wait, self._get = self._consumer.wait, self._consumer.get

    def get(self, timeout_s: float) -> Any:
        return self._get() if self._wait(timeout_s) else None

    def last(self, count: int) -> Any:
        return self._get(count)

    def close(self) -> None:
        self._consumer.cleanup()
