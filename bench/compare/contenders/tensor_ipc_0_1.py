"""The package ``tensor-ipc`` 0.1.0 from PyPI: shared memory, semaphores, DDS messages for progress."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.compare.contenders._handover import Handover
from bench.compare.contract import HISTORY_LEN

if TYPE_CHECKING:
    from bench.compare.contract import Job


class TensorIpc01:
    """``put``, and the callback for new data, as in its README."""

    def __init__(self, job: Job) -> None:
        self._job = job
        # It makes its DDS participant when it is imported. Loopback only, as all others.
        os.environ["CYCLONEDDS_URI"] = (
            '<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo"/></Interfaces>'
            "<AllowMulticast>false</AllowMulticast></General><Discovery>"
            "<ParticipantIndex>auto</ParticipantIndex>"
            "<MaxAutoParticipantIndex>100</MaxAutoParticipantIndex>"
            '<Peers><Peer Address="127.0.0.1"/></Peers></Discovery></Domain></CycloneDDS>'
        )

    def load(self) -> None:
        """Import the package."""
        import tensor_ipc  # noqa: F401, PLC0415

    def publisher(self) -> Any:
        """Create the pool."""
        return _Publisher(self._job)

    def subscriber(self, number: int) -> Any:  # noqa: ARG002  all are alike
        """Follow it."""
        return _Subscriber(self._job)


class _Publisher:
    def __init__(self, job: Job) -> None:
        from tensor_ipc import TensorProducer  # noqa: PLC0415

        self._producer = TensorProducer.from_sample(
            job.name, np.zeros(job.shape, np.uint8), history_len=2 * HISTORY_LEN
        )
        self.put = self._producer.put

    def close(self) -> None:
        self._producer.cleanup()


class _Subscriber:
    def __init__(self, job: Job) -> None:
        from tensor_ipc import TensorConsumer  # noqa: PLC0415

        self._shape = job.shape
        self._arrived = Handover()
        self._consumer = TensorConsumer.from_sample(
            job.name,
            np.zeros(job.shape, np.uint8),
            history_len=2 * HISTORY_LEN,
            callback=self._received,
        )

    def _received(self, frame: Any) -> None:
        if frame is not None:
            self._arrived.put(frame)

    def get(self, timeout_s: float) -> Any:
        frame = self._arrived.take(timeout_s)
        return None if frame is None else frame.reshape(self._shape)

    def last(self, count: int) -> Any:
        return self._consumer.get(history_len=count)

    def close(self) -> None:
        self._consumer.cleanup()
