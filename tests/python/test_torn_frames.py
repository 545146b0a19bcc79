"""One producer at full speed, consumers in other processes that check every byte they see."""

from __future__ import annotations

import collections
import multiprocessing
from typing import Any

import numpy as np
import pytest
from support import HANG_S

from tensor_ipc import TensorConsumer, TensorProducer

SPAWN = multiprocessing.get_context("spawn")
CONSUMERS = 3
FRAMES_EACH = 1500
HISTORY = 5
SAMPLE = np.zeros(5000, dtype=np.uint64)
PATTERN = np.arange(SAMPLE.size, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def frame(index: int) -> np.ndarray[Any, Any]:
    """A frame of which every byte depends on its number."""
    return PATTERN ^ np.uint64(index * 0x0101010101010101 & 0xFFFFFFFFFFFFFFFF)


def number_of(data: np.ndarray[Any, Any]) -> int:
    """Low 8 bits of the number of a frame; fails when any byte is another frame's."""
    stamp = data[0]
    assert np.array_equal(data, PATTERN ^ stamp), "torn"
    return int(stamp) & 0xFF


def publish(name: str, spare: int, stop: Any, copied: bool) -> None:
    with TensorProducer.from_sample(name, SAMPLE, HISTORY, spare=spare) as producer:
        index = 0
        while not stop.is_set():
            if copied:
                assert producer.put(frame(index)) == index
            else:
                with producer.loan() as array:
                    np.bitwise_xor(PATTERN, frame(index)[0], out=array)
            index += 1


def check(name: str, seed: int, starved: bool, reports: Any) -> None:
    held: collections.deque[tuple[int, np.ndarray[Any, Any]]] = collections.deque()
    with TensorConsumer.from_sample(name, SAMPLE, history_len=HISTORY) as consumer:
        last = -1
        for turn in range(FRAMES_EACH):
            assert consumer.wait(HANG_S)
            if (turn + seed) % 3 == 0:
                history = consumer.get(HISTORY)
                assert history is not None
                numbers = [number_of(each) for each in history]
                newest = numbers[0]
                assert numbers == [(newest - age) % 256 for age in range(len(numbers))]
                held.append((numbers[-1], history[-1]))
            else:
                found = consumer.get_frame()
                assert found is not None
                # A producer without another slot writes over the newest frame; until it is done, the
                # newest one to be had may be older than the one that was got before.
                assert starved or found.index > last, (found.index, last)
                last = found.index
                assert number_of(found.data) == found.index % 256
                held.append((found.index % 256, found.data))
            if len(held) > seed * 2:
                number, view = held.popleft()
                assert number_of(view) == number, "changed while it was held"
        for number, view in held:
            assert number_of(view) == number, "changed while it was held"
        reports.put(consumer.stats)


def run(pool: str, spare: int, copied: bool, starved: bool) -> None:
    stop = SPAWN.Event()
    reports = SPAWN.Queue()
    producer = SPAWN.Process(target=publish, args=(pool, spare, stop, copied))
    consumers = [
        SPAWN.Process(target=check, args=(pool, seed, starved, reports))
        for seed in range(CONSUMERS)
    ]
    producer.start()
    for consumer in consumers:
        consumer.start()

    try:
        for consumer in consumers:
            consumer.join(2 * HANG_S)
        codes = [consumer.exitcode for consumer in consumers]
    finally:
        stop.set()
        producer.join(HANG_S)
        for process in (producer, *consumers):
            if process.is_alive():
                process.kill()
                process.join()

    assert codes == [0] * CONSUMERS
    assert producer.exitcode == 0
    stats = [reports.get(timeout=HANG_S) for _ in consumers]
    assert [each.received for each in stats] == [FRAMES_EACH] * CONSUMERS


@pytest.mark.parametrize("copied", [True, False], ids=["put", "loan"])
def test_no_frame_is_torn_and_no_view_changes(pool: str, copied: bool) -> None:
    run(pool, spare=60, copied=copied, starved=False)


@pytest.mark.parametrize("turn", range(5))
def test_consumers_that_want_more_slots_than_there_are_stop_nobody(
    pool: str, turn: int
) -> None:
    assert turn >= 0

    run(pool, spare=8, copied=True, starved=True)
