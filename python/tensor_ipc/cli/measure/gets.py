"""``get()`` in a process other than the producer's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from tensor_ipc import TensorConsumer, TensorProducer
from tensor_ipc.cli.measure.fresh import fresh_process, until_parent_is_done
from tensor_ipc.cli.measure.turns import medians_ns

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_SHAPE = (1080, 1920, 3)
_HISTORY_LEN = 5


def measure_get() -> dict[str, Any]:
    """Return the medians of ``get()`` and ``get(5)`` for 1080p frames, release included."""
    pool = f"bench-{uuid4().hex[:6]}"
    with fresh_process(_produce, pool) as produced:
        produced()
        with fresh_process(_gets, pool) as receive:
            figures: dict[str, Any] = receive()
            return figures


def _produce(link: Connection, pool: str) -> None:
    frame = np.zeros(_SHAPE, np.uint8)
    with TensorProducer.from_sample(pool, frame, history_len=_HISTORY_LEN) as producer:
        for _ in range(_HISTORY_LEN):
            producer.put(frame)
        link.send("there")
        until_parent_is_done(link)


def _gets(link: Connection, pool: str) -> None:
    with TensorConsumer.attach(pool) as consumer:
        newest_ns, history_ns = medians_ns(consumer.get, lambda: consumer.get(_HISTORY_LEN))
        copied_bytes = consumer.stats.copied_bytes
    link.send(
        {
            "frame_bytes": int(np.prod(_SHAPE)),
            "get_us": round(newest_ns / 1e3, 3),
            "get_5_us": round(history_ns / 1e3, 3),
            "copied_bytes": copied_bytes,
        }
    )
