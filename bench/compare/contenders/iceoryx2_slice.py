"""iceoryx2: a slice of bytes in its shared memory. Option ``spin``; else an event wakes the reader."""

from __future__ import annotations

import ctypes
import time
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

if TYPE_CHECKING:
    from bench.compare.contract import Job


class Iceoryx2Slice:
    """Publish-subscribe with dynamic data, and its event service to wake who sleeps."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def load(self) -> None:
        """Import the package."""
        import iceoryx2  # noqa: PLC0415

        iceoryx2.set_log_level(iceoryx2.LogLevel.Error)

    def publisher(self) -> Any:
        """Open both services to send."""
        return (
            _InPlace(self._job) if self._job.options.get("in_place") else _Publisher(self._job)
        )

    def subscriber(self, number: int) -> Any:  # noqa: ARG002  all are alike
        """Open both services to receive."""
        return _Subscriber(self._job)


def _services(job: Job) -> tuple[Any, Any, Any, Any]:
    import iceoryx2 as iox2  # noqa: PLC0415

    node = iox2.NodeBuilder.new().create(iox2.ServiceType.Ipc)
    name = iox2.ServiceName.new(job.name)
    frames = (
        node.service_builder(name)
        .publish_subscribe(iox2.Slice[ctypes.c_uint8])
        .max_subscribers(job.consumers)
        .max_nodes(job.consumers + 2)
        .open_or_create()
    )
    events = (
        node.service_builder(name)
        .event()
        .max_listeners(job.consumers)
        .max_nodes(job.consumers + 2)
        .open_or_create()
    )
    return iox2, node, frames, events


class _Publisher:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._iox2, self._node, frames, events = _services(job)
        self._publisher = (
            frames.publisher_builder().initial_max_slice_len(job.frame_bytes).create()
        )
        self._notifier = None if job.options.get("spin") else events.notifier_builder().create()

    def put(self, frame: Any) -> None:
        self._send(lambda slot: np.copyto(slot, frame.reshape(-1)))

    def _send(self, write: Callable[[Any], None]) -> None:
        sample = self._publisher.loan_slice_uninit(self._job.frame_bytes)
        write(np.frombuffer(sample.payload().as_memory_view(), np.uint8))
        sample.assume_init().send()
        if self._notifier:
            self._notifier.notify()

    def close(self) -> None:
        self._publisher.delete()


class _InPlace(_Publisher):
    def fill(self, write: Callable[[Any], None]) -> None:
        self._send(write)


class _Subscriber:
    def __init__(self, job: Job) -> None:
        self._shape, self._spins = job.shape, job.options.get("spin", False)
        self._iox2, self._node, frames, events = _services(job)
        self._subscriber = frames.subscriber_builder().create()
        self._listener = None if self._spins else events.listener_builder().create()
        self._sample: Any = None

    def get(self, timeout_s: float) -> Any:
        if self._sample is not None:
            self._sample.delete()
            self._sample = None
        until = time.monotonic() + timeout_s
        while True:
            sample = self._subscriber.receive()
            if sample is not None:
                self._sample = sample
                view = sample.payload().as_memory_view()
                return np.frombuffer(view, np.uint8).reshape(self._shape)
            left = until - time.monotonic()
            if left <= 0:
                return None
            if self._listener:
                self._listener.timed_wait(self._iox2.Duration.from_secs_f64(left))

    def close(self) -> None:
        if self._sample is not None:
            self._sample.delete()
        self._subscriber.delete()
