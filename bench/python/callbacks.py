"""From ``put`` to the first line of a callback in another process, beside the bare futex ping."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import subprocess
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.python.turns import spread
from tensor_ipc import TensorConsumer, TensorProducer

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_ROUNDS = 9
_PINGS = 400
_WARM_UP = 50
_PAUSE_S = 0.001


def measure_callbacks(ping_program: str) -> dict[str, Any]:
    """Run rounds of callbacks and of pings by turns; both sleep a millisecond between two."""
    callbacks: list[float] = []
    pings: list[float] = []
    ratios: list[float] = []
    for _ in range(_ROUNDS):
        of_callbacks = _round_of_callbacks()
        of_pings = _round_of_pings(ping_program)
        ratios.append(statistics.median(of_callbacks) / statistics.median(of_pings))
        callbacks += of_callbacks
        pings += of_pings
    return {
        "samples": len(callbacks),
        **spread("callback_ns", callbacks),
        **spread("bare_ns", pings),
        **spread("ratio", ratios),
    }


def _round_of_pings(ping_program: str) -> list[float]:
    command = [ping_program, str(_PINGS + _WARM_UP), str(int(_PAUSE_S * 1e6))]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.split()
    return [float(line) for line in lines[_WARM_UP:]]


def _round_of_callbacks() -> list[float]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    frame = np.zeros(16, np.uint64)
    pool = f"bench-callback-{os.getpid()}"
    with TensorProducer.from_sample(pool, frame) as producer:
        process = context.Process(target=_consume, args=(theirs, pool), daemon=True)
        process.start()
        ours.recv()
        for _ in range(_PINGS + _WARM_UP):
            time.sleep(_PAUSE_S)
            frame[0] = time.monotonic_ns()
            producer.put(frame)
        time.sleep(0.05)
        ours.send("done")
        latencies: list[float] = ours.recv()
        process.join()
    return latencies[_WARM_UP:]


def _consume(link: Connection, pool: str) -> None:
    latencies: list[float] = []

    def on_frame(frame: np.ndarray[Any, Any]) -> None:
        now_ns = time.monotonic_ns()
        latencies.append(float(now_ns - int(frame[0])))

    with TensorConsumer.attach(pool, callback=on_frame):
        link.send("ready")
        link.recv()
    link.send(latencies)
