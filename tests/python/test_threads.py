"""One producer and one consumer used by several threads."""

from __future__ import annotations

import contextlib
import functools
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Callable

import numpy as np
from support import HANG_S, MakeConsumer, MakeProducer, filled

THREADS = 4
FRAMES = 200
LARGE = np.zeros(64 * 1024, dtype=np.int32)  # large enough to be copied without the GIL


def test_threads_that_put_number_their_frames_without_gaps(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(LARGE, history_len=4, spare=6)
    consumer = new_consumer(LARGE, history_len=4)
    start = threading.Barrier(THREADS + 1)

    def publish(thread: int) -> list[int]:
        start.wait()
        return [
            producer.put(np.full_like(LARGE, thread * FRAMES + value))
            for value in range(FRAMES)
        ]

    with ThreadPoolExecutor(THREADS) as threads:
        futures = [threads.submit(publish, thread) for thread in range(THREADS)]
        start.wait()
        while not all(future.done() for future in futures):
            history = consumer.get(4)
            if history is not None:
                for frame in history:
                    assert (frame == frame[0]).all()
        numbers = [future.result() for future in futures]

    assert sorted(itertools.chain.from_iterable(numbers)) == list(range(THREADS * FRAMES))
    for own in numbers:
        assert own == sorted(own)
    assert producer.stats.frames == THREADS * FRAMES


def test_frames_of_several_threads_are_the_ones_they_put(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(LARGE, history_len=THREADS, spare=6)
    consumer = new_consumer(LARGE, history_len=THREADS)

    for turn in range(50):
        with ThreadPoolExecutor(THREADS) as threads:
            values = [turn * THREADS + thread for thread in range(THREADS)]
            frames = [np.full_like(LARGE, value) for value in values]
            indices = list(threads.map(producer.put, frames))
        history = consumer.get(THREADS, latest_first=False)
        assert history is not None
        by_index = [value for _, value in sorted(zip(indices, values))]
        assert history[:, -1].tolist() == by_index
        del history


def test_threads_that_get_see_whole_frames(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(LARGE, history_len=3)
    consumer = new_consumer(LARGE, history_len=3)
    producer.put(LARGE)
    stop = threading.Event()

    def read(thread: int) -> int:
        newest = 0
        while not stop.is_set():
            history = consumer.get(1 + thread % 3)
            assert history is not None
            frames = history if thread % 3 else history[np.newaxis]
            stamps = frames[:, 0].tolist()
            assert all((frame == stamp).all() for frame, stamp in zip(frames, stamps))
            assert stamps == list(range(stamps[0], stamps[0] - len(stamps), -1))
            assert stamps[0] >= newest
            newest = stamps[0]
        return newest

    with ThreadPoolExecutor(THREADS) as threads:
        futures = [threads.submit(read, thread) for thread in range(THREADS)]
        try:
            for value in range(1, 500):
                producer.put(np.full_like(LARGE, value))
        finally:
            stop.set()
        for future in futures:
            assert future.result(HANG_S) >= 0

    frame = consumer.get()
    assert frame is not None
    assert frame[0] == 499


def test_threads_that_wait_are_all_woken(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()

    with ThreadPoolExecutor(THREADS) as threads:
        futures = [threads.submit(consumer.wait, HANG_S) for _ in range(THREADS)]
        producer.put(filled(1))
        assert [future.result(HANG_S) for future in futures] == [True] * THREADS


def test_threads_that_lend_publish_every_loan_once(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=8, spare=8)
    consumer = new_consumer(history_len=8)

    def publish(thread: int) -> None:
        for _ in range(FRAMES):
            with producer.loan() as array:
                array[...] = thread

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(publish, range(THREADS)))

    frame = consumer.get_frame()
    assert frame is not None
    assert frame.index == THREADS * FRAMES - 1


def call_until_cleaned_up(started: threading.Barrier, call: Callable[[], object]) -> None:
    started.wait()
    with contextlib.suppress(LookupError):
        while True:
            call()


def test_cleanup_while_other_threads_put_and_get_does_no_harm(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    for _ in range(20):
        producer = new_producer(LARGE)
        consumer = new_consumer(LARGE)
        started = threading.Barrier(3)
        calls = functools.partial(producer.put, LARGE), consumer.get
        threads = [
            threading.Thread(target=call_until_cleaned_up, args=(started, call))
            for call in calls
        ]
        for thread in threads:
            thread.start()

        started.wait()
        producer.cleanup()
        consumer.cleanup()

        for thread in threads:
            thread.join(HANG_S)
            assert not thread.is_alive()
