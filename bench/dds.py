"""``python -m bench.dds [--out FILE]``: what DDS costs and how fast it is, beside shared memory.

Two minutes. Uses the loopback interface and domain 39. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from bench.python.turns import Figures, spread, time_in_turns
from tensor_ipc import TensorConsumer, TensorProducer

_DOMAIN = 39
_RATE_HZ = 200
_FRAMES = 400
_ROUNDS = 3

# Prints the age of each frame when wait() returned, in us.
_READER = """
import sys
from tensor_ipc import TensorConsumer
name, notify, frames = sys.argv[1], sys.argv[2], int(sys.argv[3])
consumer = TensorConsumer.attach(name, notify=notify)
print("ready", flush=True)
ages = []
while len(ages) < frames and consumer.wait(5):
    ages.append(consumer.get_frame().age_s * 1e6)
print(ages)
"""
_FRESH_CREATE = """
import time
import numpy as np
from tensor_ipc import TensorProducer
from_ns = time.perf_counter_ns()
producer = TensorProducer.from_sample("bench/fresh", np.zeros(8))
print((time.perf_counter_ns() - from_ns) / 1e3)
"""
_PARTICIPANT = """
import os, time
import tensor_ipc
from tensor_ipc.core import network
def kilobytes():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024
def threads():
    return len(os.listdir("/proc/self/task"))
before = kilobytes(), threads()
from_ns = time.perf_counter_ns()
module = network.load()
loaded_ns = time.perf_counter_ns()
participant = module.join()
joined_ns = time.perf_counter_ns()
print([
    (loaded_ns - from_ns) / 1e6, (joined_ns - loaded_ns) / 1e6,
    (kilobytes() - before[0]) / 1024, threads() - before[1],
])
"""
_DISCOVERY = """
import sys, time
from tensor_ipc.core import network
module = network.load()
from_ns = time.perf_counter_ns()
directory = module.open_directory()
while len(directory.pools()) < int(sys.argv[1]):
    directory.wait(0.1)
print((time.perf_counter_ns() - from_ns) / 1e6)
"""


def _start(program: str, *args: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *(str(arg) for arg in args)],
        stdout=subprocess.PIPE,
        text=True,
    )


def _run(program: str, *args: object) -> str:
    return _start(program, *args).communicate()[0]


def _await_announced(producer: TensorProducer) -> None:
    while producer._announcement is None or not producer._announcement.is_announced:
        time.sleep(0.01)


def _await_readers(producer: TensorProducer, count: int) -> None:
    assert producer._announcement is not None
    while producer._announcement.readers != count:
        time.sleep(0.01)


def measure_put() -> Figures:
    """Processor time of a put of 1 KB: without DDS, announced, and read over DDS."""
    frame = np.zeros(1024, np.uint8)
    producers = [
        TensorProducer.from_sample(f"bench/put/{i}", frame, 4, False if i == 0 else _DOMAIN)
        for i in range(3)
    ]
    for producer in producers[1:]:
        _await_announced(producer)
    reader = TensorConsumer.attach("bench/put/2", notify="dds", dds_participant=_DOMAIN)
    _await_readers(producers[2], 1)
    # What waking a thread of ours by futex would cost: a consumer that sleeps between frames.
    woken = TensorProducer.from_sample("bench/put/3", frame, 4, False)
    sleeper = TensorConsumer.attach("bench/put/3", callback=lambda _: None)
    plain, told, read = time_in_turns([lambda p=p: p.put(frame) for p in producers])
    waking = [_paced_put_us(woken, frame) for _ in range(300)]
    not_waking = [_paced_put_us(producers[2], frame) for _ in range(300)]
    for each in (reader, sleeper, woken, *producers):
        each.cleanup()
    return {
        **spread("put_ns", plain),
        **spread("announced_beyond_ns", [b - a for a, b in zip(plain, told)]),
        **spread("read_beyond_ns", [b - a for a, b in zip(plain, read)]),
        **spread("paced_put_read_over_dds_us", not_waking),
        **spread("paced_put_that_wakes_us", waking),
    }


def _paced_put_us(
    producer: TensorProducer, frame: np.ndarray[tuple[int], np.dtype[np.uint8]]
) -> float:
    time.sleep(0.002)  # whoever waits for frames sleeps by now
    from_ns = time.thread_time_ns()
    producer.put(frame)
    return (time.thread_time_ns() - from_ns) / 1e3


def measure_latency() -> Figures:
    """From put to the return of wait() in another process, at 200 Hz, by turns."""
    frame = np.zeros(1024, np.uint8)
    ages: dict[str, list[float]] = {"shm": [], "dds": []}
    with TensorProducer.from_sample("bench/latency", frame, 8, _DOMAIN) as producer:
        _await_announced(producer)
        for _ in range(_ROUNDS):
            for notify, found in ages.items():
                child = _start(_READER, "bench/latency", notify, _FRAMES)
                assert child.stdout is not None
                child.stdout.readline()
                if notify == "dds":
                    _await_readers(producer, 1)
                next_s = time.monotonic()
                while child.poll() is None:
                    producer.put(frame)
                    next_s += 1 / _RATE_HZ
                    time.sleep(max(0.0, next_s - time.monotonic()))
                found.extend(json.loads(child.stdout.read()))
                if notify == "dds":
                    _await_readers(producer, 0)
    figures: Figures = {}
    for notify, found in ages.items():
        cuts = statistics.quantiles(found, n=100)
        figures[f"{notify}_p50_us"] = round(cuts[49], 1)
        figures[f"{notify}_p99_us"] = round(cuts[98], 1)
    return figures


def measure_processes() -> Figures:
    """Fresh processes: making a producer, joining a domain, finding 20 pools."""
    _run(_FRESH_CREATE)
    created: dict[str, list[float]] = {"off": [], "on": []}
    for _ in range(21):
        for mode, found in created.items():
            os.environ["TENSOR_IPC_DDS"] = mode
            found.append(float(_run(_FRESH_CREATE)))
    joins = [json.loads(_run(_PARTICIPANT)) for _ in range(11)]
    producers = [
        TensorProducer.from_sample(f"bench/found/{i}", np.zeros(8), 2, _DOMAIN)
        for i in range(20)
    ]
    for producer in producers:
        _await_announced(producer)
    found_ms = [float(_run(_DISCOVERY, len(producers))) for _ in range(11)]
    for producer in producers:
        producer.cleanup()
    return {
        **spread("create_off_us", created["off"]),
        **spread("create_on_us", created["on"]),
        **spread("load_ms", [each[0] for each in joins]),
        **spread("join_ms", [each[1] for each in joins]),
        **spread("participant_mb", [each[2] for each in joins]),
        "participant_threads": joins[0][3],
        **spread("find_20_pools_ms", found_ms),
    }


def main() -> None:
    """Measure everything, and print it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.dds")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    os.environ.update(
        TENSOR_IPC_NAMESPACE=f"bench.{os.getpid()}",
        TENSOR_IPC_DDS="on",
        TENSOR_IPC_DDS_DOMAIN=str(_DOMAIN),
    )
    figures = {
        "put": measure_put(),
        "latency": measure_latency(),
        "processes": measure_processes(),
    }
    text = json.dumps(figures, indent=2)
    print(text)
    if arguments.out is not None:
        arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
