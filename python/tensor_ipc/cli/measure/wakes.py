"""From ``put()`` in one process to a consumer that sleeps in ``wait()`` in another."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from tensor_ipc import TensorConsumer, TensorProducer
from tensor_ipc.cli.measure.fresh import fresh_process
from tensor_ipc.demo.latencies import Latencies

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_FRAMES = 2000
_WARM_UP = 100

#: Long enough for the consumer to fall asleep, as it does between frames of a camera.
_PERIOD_S = 0.001


def measure_wake() -> dict[str, Any]:
    """Return the latency from publication until the consumer holds the frame."""
    pool = f"bench-{uuid4().hex[:6]}"
    with fresh_process(_produce, pool) as produced:
        produced()
        with fresh_process(_consume, pool) as receive:
            figures: dict[str, Any] = receive()
            return figures


def _produce(link: Connection, pool: str) -> None:
    frame = np.zeros(16, np.float64)
    with TensorProducer.from_sample(pool, frame) as producer:
        link.send("there")
        while not link.poll(_PERIOD_S):
            producer.put(frame)


def _consume(link: Connection, pool: str) -> None:
    latencies = Latencies()
    with TensorConsumer.attach(pool) as consumer:
        for number in range(_WARM_UP + _FRAMES):
            consumer.wait()
            frame = consumer.get_frame()
            received_ns = time.monotonic_ns()
            if frame is not None and number >= _WARM_UP:
                latencies.add(received_ns - frame.published_ns)
    link.send(
        {
            "frames": _FRAMES,
            "p50_us": latencies.percentile_us(50),
            "p99_us": latencies.percentile_us(99),
        }
    )
