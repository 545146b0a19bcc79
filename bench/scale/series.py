"""The measures. Each returns points: what was varied, and spreads of nanoseconds of processor time."""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import signal
import time
from functools import partial
from multiprocessing.sharedctypes import RawArray
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence

import numpy as np

from bench.python.turns import ROUNDS, spread, time_in_turns
from bench.scale.shapes import HELD_HISTORY
from tensor_ipc import TensorConsumer, TensorProducer, list_pools

Points = List[Dict[str, Any]]


class Extent(NamedTuple):
    """How far to go."""

    consumers: Sequence[int]
    history: Sequence[int]
    frame_bytes: Sequence[int]
    pools: Sequence[int]
    held: Sequence[int]
    sleeps: int
    """How often sleepers are woken for each number of them."""


FULL = Extent(
    consumers=(1, 2, 4, 8, 16, 32, 64),
    history=(1, 2, 4, 8, 16, 32, 64, 128, 256),
    frame_bytes=tuple(1024 * 4**power for power in range(10)),
    pools=(1, 10, 100, 300, 1000),
    held=(0, 1, 8, 16, 32, 48, 60, 63, 64),
    sleeps=300,
)

QUICK = Extent(
    consumers=(1, 2),
    history=(1, 4),
    frame_bytes=(1024, 4096),
    pools=(1, 3),
    held=(0, 2),
    sleeps=5,
)


def by_consumers(extent: Extent) -> Points:
    """Measure ``put`` beside attached consumers, none of which waits, and beside sleeping ones."""
    points = []
    frame = np.ones(1024, np.uint8)
    for count in extent.consumers:
        with _producer(frame, 5) as producer, contextlib.ExitStack() as attached:
            for _ in range(count):
                attached.enter_context(TensorConsumer.attach(producer.metadata.name))
            (idle,) = time_in_turns([partial(producer.put, frame)])
        with _producer(frame, 5) as producer:
            waking = _wake_sleepers(producer, frame, count, extent.sleeps)
        points.append({"x": count, **spread("idle_ns", idle), **spread("sleeping_ns", waking)})
    return points


def _wake_sleepers(
    producer: TensorProducer, frame: np.ndarray[Any, Any], count: int, times: int
) -> list[float]:
    """Return the processor time of ``put`` with `count` processes asleep."""
    turns = RawArray("L", count)
    children = [
        _forked(lambda n=n: _sleep(producer.metadata.name, turns, n)) for n in range(count)
    ]
    taken = []
    try:
        for turn in range(1, times + 1):
            while any(done < turn for done in turns):
                time.sleep(0.0002)
            time.sleep(0.0005)  # they have said so; now they fall asleep
            from_ns = time.thread_time_ns()
            producer.put(frame)
            taken.append(float(time.thread_time_ns() - from_ns))
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return taken


def _forked(run: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            run()
        finally:
            os._exit(1)
    return child


def _sleep(pool: str, turns: Any, number: int) -> None:
    consumer = TensorConsumer.attach(pool)
    while True:
        consumer.get()
        turns[number] += 1
        consumer.wait()


def by_history(extent: Extent) -> Points:
    """Measure ``put`` and a window of the whole history, by its length."""
    points = []
    frame = np.ones(1024, np.uint8)
    for count in extent.history:
        with _producer(frame, count) as producer:
            for _ in range(count + 3):
                producer.put(frame)
            with TensorConsumer.attach(producer.metadata.name) as consumer:
                puts, gets = time_in_turns(
                    [partial(producer.put, frame), partial(consumer.get, count)]
                )
                copied = consumer.stats.copied_frames
        points.append(
            {"x": count, **spread("put_ns", puts), **spread("get_ns", gets), "copied": copied}
        )
    return points


def by_frame_bytes(extent: Extent) -> Points:
    """Measure ``put``, ``loan``, ``get``, and attaching, by the size of a frame."""
    points = []
    for frame_bytes in extent.frame_bytes:
        frame = np.ones(frame_bytes, np.uint8)
        with _producer(frame, 1) as producer:
            for _ in range(4):
                producer.put(frame)
            name = producer.metadata.name
            with TensorConsumer.attach(name) as consumer:
                puts, loans, gets, attaches = time_in_turns(
                    [
                        partial(producer.put, frame),
                        partial(_loan, producer),
                        consumer.get,
                        partial(_attach, name),
                    ],
                    rounds=ROUNDS if frame_bytes < 2**24 else 11,
                )
        points.append(
            {
                "x": frame_bytes,
                **spread("put_ns", puts),
                **spread("loan_ns", loans),
                **spread("get_ns", gets),
                **spread("attach_ns", attaches),
            }
        )
    return points


def _loan(producer: TensorProducer) -> None:
    with producer.loan():
        pass


def _attach(pool: str) -> None:
    TensorConsumer.attach(pool).cleanup()


def by_pools(extent: Extent) -> Points:
    """Measure creating and listing pools, ``put`` and ``get``, by how many a process has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    points = []
    frame = np.ones(1024, np.uint8)
    try:
        for count in extent.pools:
            with contextlib.ExitStack() as opened:
                began_ns = time.thread_time_ns()
                before = _resident_bytes()
                producers = [opened.enter_context(_producer(frame, 5)) for _ in range(count)]
                create_ns = (time.thread_time_ns() - began_ns) / count
                for producer in producers:
                    producer.put(frame)
                consumers = [
                    opened.enter_context(TensorConsumer.attach(producer.metadata.name))
                    for producer in producers
                ]
                memory = (_resident_bytes() - before) / count
                last, reader = producers[-1], consumers[-1]
                puts, gets = time_in_turns([partial(last.put, frame), reader.get])
                from_ns = time.thread_time_ns()
                found = len(list_pools())
                list_ns = time.thread_time_ns() - from_ns
            points.append(
                {
                    "x": count,
                    **spread("put_ns", puts),
                    **spread("get_ns", gets),
                    "create_ns": create_ns,
                    "list_ns": list_ns,
                    "listed": found,
                    "bytes_per_pool": memory,
                }
            )
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return points


def by_held(extent: Extent) -> Points:
    """Measure ``put`` and ``get`` by how many frames of the history somebody holds."""
    points = []
    frame = np.ones(1024, np.uint8)
    for count in extent.held:
        with _producer(frame, HELD_HISTORY) as producer:
            name = producer.metadata.name
            with TensorConsumer.attach(name, max_pins=HELD_HISTORY) as holder:
                held = []
                for _ in range(count):
                    producer.put(frame)
                    held.append(holder.get())
                producer.put(frame)
                with TensorConsumer.attach(name) as consumer:
                    puts, gets = time_in_turns([partial(producer.put, frame), consumer.get])
                points.append(
                    {
                        "x": count,
                        **spread("put_ns", puts),
                        **spread("get_ns", gets),
                        "held_as_copies": holder.stats.copied_frames,
                    }
                )
                held.clear()
    return points


@contextlib.contextmanager
def _producer(frame: np.ndarray[Any, Any], history_len: int) -> Iterator[TensorProducer]:
    with TensorProducer.from_sample(_name(), frame, history_len=history_len) as producer:
        yield producer


_NUMBERS = itertools.count()


def _name() -> str:
    return f"scale-{os.getpid()}-{next(_NUMBERS)}"


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
