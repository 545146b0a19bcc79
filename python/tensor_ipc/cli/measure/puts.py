"""``put()`` beside ``memcpy``: the same bytes into shared memory laid out the same way."""

from __future__ import annotations

import itertools
import mmap
from typing import TYPE_CHECKING, Any, Callable
from uuid import uuid4

import numpy as np

from tensor_ipc import TensorProducer
from tensor_ipc.cli.measure.fresh import fresh_process
from tensor_ipc.cli.measure.turns import medians_ns

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

#: A state vector, a VGA picture, a 1080p picture.
SIZES = (1_000, 640 * 480 * 3, 1920 * 1080 * 3)

_HISTORY_LEN = 5
_SPARE = 3


def measure_put(frame_bytes: int) -> dict[str, Any]:
    """Return the figures for frames of `frame_bytes`."""
    with fresh_process(_puts, frame_bytes) as receive:
        figures: dict[str, Any] = receive()
        return figures


def _puts(link: Connection, frame_bytes: int) -> None:
    source = np.random.default_rng(0).integers(0, 256, frame_bytes, np.uint8)
    with TensorProducer.from_sample(
        f"bench-{uuid4().hex[:6]}", source, history_len=_HISTORY_LEN, spare=_SPARE
    ) as producer:
        copy = _ring_copy(source, _HISTORY_LEN + _SPARE)
        put_ns, memcpy_ns = medians_ns(lambda: producer.put(source), copy)
    link.send(
        {
            "frame_bytes": frame_bytes,
            "put_us": round(put_ns / 1e3, 3),
            "memcpy_us": round(memcpy_ns / 1e3, 3),
            "put_gb_s": round(frame_bytes / put_ns, 3),
            "memcpy_gb_s": round(frame_bytes / memcpy_ns, 3),
            "overhead_us": round((put_ns - memcpy_ns) / 1e3, 3),
        }
    )


def _ring_copy(source: np.ndarray[Any, Any], slots: int) -> Callable[[], object]:
    """Return a copy of `source` to the next of as many places as the pool has slots.

    One destination that stays in the cache would make memcpy look better than it is for frames.
    Assigning to a memoryview is the thinnest way from Python to memcpy.
    """
    ring = memoryview(mmap.mmap(-1, source.nbytes * slots))
    starts = range(0, ring.nbytes, source.nbytes)
    places = itertools.cycle([ring[start : start + source.nbytes] for start in starts])
    content, whole = source.data, slice(None)

    def copy() -> None:
        next(places)[whole] = content

    return copy
