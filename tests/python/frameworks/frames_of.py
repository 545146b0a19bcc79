"""Pools with frames that tell who they are, and what is pinned of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tensor_ipc import inspect

if TYPE_CHECKING:
    from tensor_ipc import TensorProducer

#: Of a frame that fills several pages and ends in the middle of one.
SHAPE = (3, 50, 41)


def numpy_frame(value: int, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    return np.full(SHAPE, value, dtype=dtype)


def put_numpy_frames(producer: TensorProducer, values: range) -> None:
    for value in values:
        producer.put(numpy_frame(value))


def pins(pool: str) -> int:
    """How many slots of the pool consumers hold."""
    return sum(consumer.pinned_slots for consumer in inspect(pool).consumers)
