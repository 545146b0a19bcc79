"""The measurements, over a `Place`: torch's GPU, or the driver's (which the stand-in may be)."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Sequence

import numpy as np

from tensor_ipc import TensorConsumer, TensorProducer

if TYPE_CHECKING:
    from bench.gpu.places import Place

REPOSITORY = Path(__file__).resolve().parents[2]
_MICRO = 1e6


def spread(values: Sequence[float]) -> list[float]:
    """Return median, p10 and p90."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return [
        round(value, 3)
        for value in (
            statistics.median(ordered),
            ordered[round(last * 0.1)],
            ordered[round(last * 0.9)],
        )
    ]


def timed(call: Callable[[], object]) -> float:
    """Return how long a call takes, in seconds."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def throughput(
    place: Place, size: int, memory: str, frames: int, rounds: int
) -> dict[str, Any]:
    """Measure `put` of frames on the GPU beside copies on the GPU, by turns; in GB/s."""
    source, target = place.array(size), place.array(size)
    found: dict[str, list[float]] = {"put": [], "copy": []}
    with TensorProducer.from_sample("bench", source, 1, device_memory=memory) as producer:

        def put() -> None:
            for _ in range(frames):
                producer.put(source)
            producer.synchronize()

        def copy() -> None:
            for _ in range(frames):
                place.copy(target, source)
            place.synchronize()

        for call in (put, copy):
            call()
        for _ in range(rounds):
            found["put"].append(size * frames / timed(put) / 1e9)
            found["copy"].append(size * frames / timed(copy) / 1e9)
    return {
        "bytes": size,
        "memory": memory,
        "put_gb_s": spread(found["put"]),
        "copy_gb_s": spread(found["copy"]),
        "ratio": spread([p / c for p, c in zip(found["put"], found["copy"])]),
    }


def calls(place: Place, size: int, memory: str, frames: int) -> dict[str, Any]:
    """Measure what `put`, `get` and a drop cost the CPU, and the time from `put` to seen; in us."""
    source = place.array(size)
    found: dict[str, list[float]] = {"put": [], "seen": [], "get": [], "drop": []}
    with TensorProducer.from_sample("bench", source, 1, device_memory=memory) as producer:
        consumer = TensorConsumer.attach("bench", spin_s=1.0)
        for _ in range(frames):
            begin = time.perf_counter()
            producer.put(source)
            put = time.perf_counter()
            consumer.wait(timeout=60)
            seen = time.perf_counter()
            frame = consumer.get()
            got = time.perf_counter()
            _ = frame.__cuda_array_interface__  # else nobody can be reading it
            dropping = time.perf_counter()
            del frame
            dropped = time.perf_counter()
            found["put"].append((put - begin) * _MICRO)
            found["seen"].append((seen - begin) * _MICRO)
            found["get"].append((got - seen) * _MICRO)
            found["drop"].append((dropped - dropping) * _MICRO)
        consumer.cleanup()
    named = {f"{name}_us": spread(values[frames // 10 :]) for name, values in found.items()}
    return {"bytes": size, "memory": memory, **named}


def blocking(place: Place, size: int, memory: str, frames: int) -> dict[str, Any]:
    """Measure `put` with ``sync="block"``, in us."""
    source = place.array(size)
    with TensorProducer.from_sample(
        "bench", source, 1, device_memory=memory, sync="block"
    ) as producer:
        found = [timed(lambda: producer.put(source)) * _MICRO for _ in range(frames)]
    return {"bytes": size, "memory": memory, "put_us": spread(found[frames // 10 :])}


def from_host(place: Place, size: int, frames: int, rounds: int) -> dict[str, Any]:
    """Copy received frames to the GPU: pinned beside pageable, by turns; in GB/s."""
    found: dict[str, list[float]] = {"pinned": [], "pageable": []}
    with TensorProducer.from_sample("bench", np.zeros(size, np.uint8), 1) as producer:
        producer.put(np.ones(size, np.uint8))
        consumers = {
            "pinned": TensorConsumer.attach("bench", pinned=True, max_pins=2),
            "pageable": TensorConsumer.attach("bench", max_pins=2),
        }
        refusal = consumers["pinned"].stats.pinned_refusal
        into = place.array(size)
        for round_ in range(rounds + 1):
            for name, consumer in consumers.items():
                frame = consumer.get()

                def copy(frame: Any = frame) -> None:
                    for _ in range(frames):
                        place.copy_in(into, frame)
                    place.synchronize()

                took = timed(copy)
                if round_:  # the first is to warm up
                    found[name].append(size * frames / took / 1e9)
                del frame
        for consumer in consumers.values():
            consumer.cleanup()
    named = {f"{name}_gb_s": spread(values) for name, values in found.items()}
    return {"bytes": size, "refusal": refusal, **named}


_ATTACH = """
import sys, time
from tensor_ipc import TensorConsumer
begin = time.perf_counter()
consumer = TensorConsumer.attach("bench")
first = time.perf_counter()
other = TensorConsumer.attach("bench")
print((first - begin) * 1e3, (time.perf_counter() - first) * 1e3)
"""


def attaching(place: Place, size: int, memory: str, rounds: int) -> dict[str, Any]:
    """Measure the first attach of a fresh process, which starts CUDA there, and the second; in ms."""
    firsts, seconds = [], []
    with TensorProducer.from_sample(
        "bench", place.array(size), 1, device_memory=memory
    ) as producer:
        producer.put(place.array(size))
        for _ in range(rounds):
            done = subprocess.run(
                [sys.executable, "-c", _ATTACH], check=True, capture_output=True, text=True
            )
            first, second = map(float, done.stdout.split())
            firsts.append(first)
            seconds.append(second)
    return {
        "bytes": size,
        "memory": memory,
        "first_ms": spread(firsts),
        "second_ms": spread(seconds),
    }


_HAND_OFF = """
import sys, time
from tensor_ipc import TensorConsumer
consumer = TensorConsumer.attach("bench")
print("ready", flush=True)
while consumer.wait(timeout=60):
    frame = consumer.get_frame()
    now = time.monotonic_ns()
    number = frame.index
    begun = frame.timestamp_ns
    del frame
    print(number, (now - begun) / 1e3, flush=True)
"""


def hand_off(place: Place, size: int, memory: str, frames: int) -> dict[str, Any]:
    """Measure from before `put` to the frame in hand in another process that slept; in us."""
    ages = []
    source = place.array(size)
    with TensorProducer.from_sample("bench", source, 1, device_memory=memory) as producer:
        reader = subprocess.Popen(
            [sys.executable, "-c", _HAND_OFF], stdout=subprocess.PIPE, text=True, env=os.environ
        )
        try:
            assert reader.stdout is not None
            reader.stdout.readline()
            for _ in range(frames):
                producer.put(source, timestamp_ns=time.monotonic_ns())
                ages.append(float(reader.stdout.readline().split()[1]))
        finally:
            reader.kill()
            reader.communicate()
    return {"bytes": size, "memory": memory, "age_us": spread(ages[frames // 10 :])}
