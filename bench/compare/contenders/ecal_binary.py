"""eCAL: binary publications through its shared memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.compare.contenders._handover import Handover

if TYPE_CHECKING:
    from bench.compare.contract import Job


class EcalBinary:
    """``Publisher.send`` and a receive callback."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def load(self) -> None:
        """Import the package and start it in this process, which registers with the others."""
        import ecal.nanobind_core as ecal  # noqa: PLC0415

        ecal.initialize(self._job.name)

    def publisher(self) -> Any:
        """Announce the topic."""
        return _Publisher(self._job)

    def subscriber(self, number: int) -> Any:  # noqa: ARG002  all are alike
        """Subscribe."""
        return _Subscriber(self._job)


class _Publisher:
    def __init__(self, job: Job) -> None:
        import ecal.nanobind_core as ecal  # noqa: PLC0415

        self._ecal = ecal
        self._publisher = ecal.Publisher(job.name)

    def put(self, frame: Any) -> None:
        self._publisher.send(frame.tobytes())  # takes bytes and nothing else

    def close(self) -> None:
        self._publisher = None
        self._ecal.finalize()


class _Subscriber:
    def __init__(self, job: Job) -> None:
        import ecal.nanobind_core as ecal  # noqa: PLC0415

        self._ecal, self._shape = ecal, job.shape
        self._arrived = Handover()
        self._subscriber = ecal.Subscriber(job.name)
        self._subscriber.set_receive_callback(self._received)

    def _received(self, _publisher: Any, _data_type: Any, data: Any) -> None:
        self._arrived.put(data.buffer)

    def get(self, timeout_s: float) -> Any:
        payload = self._arrived.take(timeout_s)
        return (
            None if payload is None else np.frombuffer(payload, np.uint8).reshape(self._shape)
        )

    def close(self) -> None:
        self._subscriber.remove_receive_callback()
        self._subscriber = None
        self._ecal.finalize()
