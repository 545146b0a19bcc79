"""The paths of a frame through the Python face, for Callgrind to count.

    valgrind --tool=callgrind --instr-atstart=no python python_paths.py MARKS CALLS

What is counted is a loop around each call; the same loop around a call of nothing is counted too,
and taken off by whoever reads the counts.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Callable

import numpy as np

from tensor_ipc import TensorConsumer, TensorProducer

_WARM_UP = 50  # Python specialises code that runs often
_HISTORY_LEN = 5


def main() -> None:
    """Run each path as often as the command line says."""
    marks, calls = ctypes.CDLL(sys.argv[1]), int(sys.argv[2])
    gc.disable()
    frame = np.ones(64, np.uint8)
    with TensorProducer.from_sample(
        "instructions", frame, history_len=_HISTORY_LEN
    ) as producer, TensorConsumer.attach("instructions") as consumer:
        paths = _paths(producer, consumer, frame)
        for action in paths.values():
            _repeat(action, _WARM_UP)
        marks.marks_begin()
        for name, action in paths.items():
            _repeat(action, _WARM_UP)
            marks.marks_zero()
            _repeat(action, calls)
            marks.marks_dump(name.encode())


def _paths(
    producer: TensorProducer, consumer: TensorConsumer, frame: np.ndarray
) -> dict[str, Callable[[], object]]:
    put, get, wait = producer.put, consumer.get, consumer.wait

    def nothing() -> None:
        pass

    def put_frame() -> None:
        put(frame)

    def get_5() -> None:
        get(_HISTORY_LEN)

    def loan() -> None:
        with producer.loan():
            pass

    def put_and_get() -> None:
        put(frame)
        get()

    # As in core_paths.cpp: a wait that is over at once leaves the producer somebody to wake.
    def fall_asleep() -> None:
        get()
        wait(0.0)

    def fall_asleep_and_put() -> None:
        get()
        wait(0.0)
        put(frame)

    return {
        "nothing": nothing,
        "put": put_frame,
        "loan": loan,
        "get of the same frame": get,
        "get(5)": get_5,
        "put and get": put_and_get,
        "falling asleep": fall_asleep,
        "falling asleep and put": fall_asleep_and_put,
    }


def _repeat(action: Callable[[], object], calls: int) -> None:
    for _ in range(calls):
        action()


if __name__ == "__main__":
    main()
