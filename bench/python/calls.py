"""``get`` and ``put`` at several frame sizes."""

from __future__ import annotations

import contextlib
import ctypes
import os
from typing import Any, Callable

import numpy as np

from bench.python.turns import Figures, spread, time_in_turns
from tensor_ipc import TensorConsumer, TensorProducer

#: A state vector, a VGA, a 1080p and a 4K colour picture.
SHAPES = ((128, 8), (480, 640, 3), (1080, 1920, 3), (2160, 3840, 3))

_HISTORY_LEN = 5
_SPARE = 3
_SLOTS = _HISTORY_LEN + _SPARE


def measure_gets() -> list[dict[str, Any]]:
    """Measure ``get()`` and ``get(5)``, release of the view included."""
    return [_gets(np.ones(shape, np.uint8)) for shape in SHAPES]


def _gets(sample: np.ndarray[Any, Any]) -> dict[str, Any]:
    with TensorProducer.from_sample(
        _pool("get"), sample, history_len=_HISTORY_LEN, spare=_SPARE
    ) as producer:
        for _ in range(_SLOTS):
            producer.put(sample)
        with TensorConsumer.attach(producer.metadata.name) as consumer:
            get = consumer.get
            newest, history = time_in_turns((get, lambda: get(_HISTORY_LEN)))
            copied = consumer.stats.copied_frames
    figures: Figures = {**spread("get_ns", newest), **spread("get_5_ns", history)}
    return {"frame_bytes": sample.nbytes, "copied_frames": copied, **figures}


def measure_puts() -> list[dict[str, Any]]:
    """Measure ``put()`` beside ``np.copyto`` from the same array into the same memory."""
    return [_puts(np.ones(shape, np.uint8)) for shape in SHAPES]


def _puts(source: np.ndarray[Any, Any]) -> dict[str, Any]:
    with TensorProducer.from_sample(
        _pool("put"), source, history_len=_HISTORY_LEN, spare=_SPARE
    ) as producer:
        copy = _copy_to_slots(producer, source)
        put = producer.put
        puts, copies = time_in_turns((lambda: put(source), copy), whole_turns_of=_SLOTS)
    return {
        "frame_bytes": source.nbytes,
        **spread("put_ns", puts),
        **spread("copyto_ns", copies),
        **spread("overhead_ns", [one - other for one, other in zip(puts, copies)]),
        **spread("throughput_ratio", [other / one for one, other in zip(puts, copies)]),
    }


def _copy_to_slots(
    producer: TensorProducer, source: np.ndarray[Any, Any]
) -> Callable[[], object]:
    """Return a copy of `source` into the pool's slots in turn, past the protocol.

    No consumer is there to mind. The places are known from loans of all slots at once.
    """
    with contextlib.ExitStack() as loans:
        places = [loans.enter_context(producer.loan()).ctypes.data for _ in range(_SLOTS)]
    slots = [
        np.frombuffer(
            (ctypes.c_char * source.nbytes).from_address(place), source.dtype
        ).reshape(source.shape)
        for place in places
    ]
    copyto = np.copyto
    turn = 0

    def copy() -> None:
        nonlocal turn
        copyto(slots[turn], source)
        turn = turn + 1 if turn + 1 < _SLOTS else 0

    return copy


def _pool(purpose: str) -> str:
    return f"bench-{purpose}-{os.getpid()}"
