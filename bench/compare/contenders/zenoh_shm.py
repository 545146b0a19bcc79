"""Zenoh: publications from its shared memory, peers on the loopback interface."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.compare.contenders._handover import Handover

if TYPE_CHECKING:
    from bench.compare.contract import Job

#: Frames in the provider's memory.
_FRAMES = 8


class ZenohShm:
    """A publisher with a ``ShmProvider``; a subscriber with a callback."""

    def __init__(self, job: Job) -> None:
        self._job = job
        # Of those that are not given out to others.
        self._endpoint = f"tcp/127.0.0.1:{20000 + zlib.crc32(job.name.encode()) % 10000}"

    def load(self) -> None:
        """Import the package."""
        import zenoh  # noqa: PLC0415
        import zenoh.shm  # noqa: F401, PLC0415

    def publisher(self) -> Any:
        """Listen."""
        return _Publisher(self._job, self._session("listen"))

    def subscriber(self, number: int) -> Any:  # noqa: ARG002  all are alike
        """Connect, now or later."""
        return _Subscriber(self._job, self._session("connect"))

    def _session(self, side: str) -> Any:
        import zenoh  # noqa: PLC0415

        config = zenoh.Config()
        config.insert_json5("mode", '"peer"')
        config.insert_json5("scouting/multicast/enabled", "false")
        config.insert_json5("listen/endpoints", "[]")
        config.insert_json5(f"{side}/endpoints", f'["{self._endpoint}"]')
        config.insert_json5("transport/shared_memory/enabled", "true")
        return zenoh.open(config)


class _Publisher:
    def __init__(self, job: Job, session: Any) -> None:
        from zenoh import shm  # noqa: PLC0415

        self._session = session
        self._frame_bytes = job.frame_bytes
        self._provider = shm.ShmProvider.default_backend(_FRAMES * job.frame_bytes + 65536)
        self._policy = shm.BlockOn(shm.GarbageCollect())
        self._publisher = session.declare_publisher(job.name)

    def put(self, frame: Any) -> None:
        buffer = self._provider.alloc(self._frame_bytes, self._policy)
        buffer[:] = _bytearray_of(frame)
        self._publisher.put(buffer)

    def close(self) -> None:
        self._session.close()


def _bytearray_of(frame: Any) -> bytearray:
    """Return what `frame` is a view of: the assignment takes a bytearray, and no array."""
    base = frame
    while not isinstance(base, bytearray):
        base = base.obj if isinstance(base, memoryview) else base.base
    return base


class _Subscriber:
    def __init__(self, job: Job, session: Any) -> None:
        self._session, self._shape = session, job.shape
        self._arrived = Handover()
        self._subscriber = session.declare_subscriber(
            job.name, lambda sample: self._arrived.put(sample.payload)
        )

    def get(self, timeout_s: float) -> Any:
        payload = self._arrived.take(timeout_s)
        if payload is None:
            return None
        return np.frombuffer(payload.to_bytes(), np.uint8).reshape(self._shape)

    def close(self) -> None:
        self._session.close()
