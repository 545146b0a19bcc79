"""Callbacks: one thread, in order, never twice, errors logged, over at cleanup."""

from __future__ import annotations

import logging
import queue
import threading
from typing import Any

import numpy as np
import pytest
from support import HANG_S, MakeConsumer, MakeProducer, StartChild, filled

from tensor_ipc import TensorConsumer


def test_callback_gets_every_frame_when_it_keeps_up(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    calls: queue.Queue[np.ndarray[Any, Any]] = queue.Queue()
    producer = new_producer()
    new_consumer(callback=calls.put)

    for value in range(100):
        producer.put(filled(value))
        data = calls.get(timeout=HANG_S)
        assert data.shape == (2, 3)
        assert not data.flags.writeable
        assert (data == value).all()


@pytest.mark.parametrize("keyword", ["callback", "on_new_data_callback"])
def test_both_names_of_the_callback_work_everywhere(
    new_producer: MakeProducer, pool: str, keyword: str
) -> None:
    producer = new_producer()
    calls: queue.Queue[np.ndarray[Any, Any]] = queue.Queue()
    keywords: dict[str, Any] = {keyword: calls.put}

    with TensorConsumer(producer.metadata, **keywords):
        producer.put(filled(1))
        calls.get(timeout=HANG_S)
    with TensorConsumer.from_sample(pool, filled(0), **keywords):
        calls.get(timeout=HANG_S)  # late comers get the newest frame


def test_callback_of_a_late_comer_gets_the_newest_frame(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    calls: queue.Queue[np.ndarray[Any, Any]] = queue.Queue()
    producer = new_producer(history_len=3)
    for value in range(3):
        producer.put(filled(value))

    new_consumer(history_len=3, callback=calls.put)

    assert (calls.get(timeout=HANG_S) == 2).all()


def test_callback_comes_for_a_pool_that_appears_later(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    calls: queue.Queue[np.ndarray[Any, Any]] = queue.Queue()
    new_consumer(callback=calls.put)

    new_producer().put(filled(4))

    assert (calls.get(timeout=HANG_S) == 4).all()


def test_slow_callback_skips_frames_and_counts_them(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    calls: queue.Queue[int] = queue.Queue()
    go_on = threading.Semaphore(0)

    def slow(data: np.ndarray[Any, Any]) -> None:
        calls.put(int(data[0, 0]))
        assert go_on.acquire(timeout=HANG_S)

    consumer = new_consumer(callback=slow)
    producer.put(filled(0))
    assert calls.get(timeout=HANG_S) == 0
    for value in range(1, 6):
        producer.put(filled(value))
    go_on.release()

    assert calls.get(timeout=HANG_S) == 5
    assert consumer.stats.missed == 4
    go_on.release()
    producer.put(filled(6))
    assert calls.get(timeout=HANG_S) == 6
    go_on.release()


def test_callback_never_comes_twice_or_out_of_order_and_on_one_thread(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    seen: list[int] = []
    threads = set()
    done = threading.Event()

    def record(data: np.ndarray[Any, Any]) -> None:
        threads.add(threading.get_ident())
        seen.append(int(data[0, 0]))
        if seen[-1] == 3000:
            done.set()

    consumer = new_consumer(callback=record)
    for value in range(3001):
        producer.put(filled(value))
        consumer.get()  # another reader of the same consumer does not disturb it

    assert done.wait(HANG_S)
    assert seen == sorted(set(seen))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_exception_in_a_callback_is_logged_and_delivery_goes_on(
    new_producer: MakeProducer, new_consumer: MakeConsumer, caplog: pytest.LogCaptureFixture
) -> None:
    producer = new_producer()
    calls: queue.Queue[int] = queue.Queue()

    def fails(data: np.ndarray[Any, Any]) -> None:
        calls.put(int(data[0, 0]))
        msg = "no such luck"
        raise RuntimeError(msg)

    with caplog.at_level(logging.ERROR, logger="tensor_ipc"):
        consumer = new_consumer(callback=fails)
        for value in range(3):
            producer.put(filled(value))
            assert calls.get(timeout=HANG_S) == value
        consumer.cleanup()

    texts = [record.getMessage() for record in caplog.records]
    assert len([text for text in texts if "callback" in text]) == 3
    assert "no such luck" in caplog.text


def test_callback_stops_at_cleanup(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    calls: queue.Queue[np.ndarray[Any, Any]] = queue.Queue()
    before = threading.active_count()
    consumer = new_consumer(callback=calls.put)
    producer.put(filled(0))
    calls.get(timeout=HANG_S)

    consumer.cleanup()

    assert threading.active_count() == before  # cleanup returns when the thread has ended
    producer.put(filled(1))
    assert calls.empty()


def test_cleanup_from_within_the_callback_ends_delivery(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    calls: queue.Queue[threading.Thread] = queue.Queue()
    consumers: list[TensorConsumer] = []
    made = threading.Event()

    def once(_: np.ndarray[Any, Any]) -> None:
        assert made.wait(HANG_S)
        consumers[0].cleanup()
        calls.put(threading.current_thread())

    consumers.append(new_consumer(callback=once))
    made.set()
    producer.put(filled(0))

    thread = calls.get(timeout=HANG_S)
    thread.join(HANG_S)
    assert not thread.is_alive()
    producer.put(filled(1))
    assert calls.empty()


def test_view_kept_from_a_callback_never_changes(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    calls: queue.Queue[np.ndarray[Any, Any]] = queue.Queue()
    new_consumer(callback=calls.put)
    kept = []

    for value in range(20):
        producer.put(filled(value))
        kept.append(calls.get(timeout=HANG_S))

    for value, data in enumerate(kept):
        assert (data == value).all()


def test_callback_follows_the_next_producer(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    calls: queue.Queue[np.ndarray[Any, Any]] = queue.Queue()
    first = new_producer()
    new_consumer(callback=calls.put)
    for value in range(3):
        first.put(filled(value))
        assert (calls.get(timeout=HANG_S) == value).all()
    first.cleanup()

    new_producer().put(filled(9))

    assert (calls.get(timeout=HANG_S) == 9).all()


def test_callback_survives_a_wrong_pool(
    new_producer: MakeProducer, new_consumer: MakeConsumer, caplog: pytest.LogCaptureFixture
) -> None:
    calls: queue.Queue[np.ndarray[Any, Any]] = queue.Queue()
    told = threading.Event()

    class Tell(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "shape" in record.getMessage():
                told.set()

    handler = Tell()
    logging.getLogger("tensor_ipc").addHandler(handler)
    try:
        new_consumer(callback=calls.put)
        wrong = new_producer(np.zeros(3))
        assert told.wait(HANG_S)
        wrong.cleanup()
        new_producer().put(filled(2))
        assert (calls.get(timeout=HANG_S) == 2).all()
    finally:
        logging.getLogger("tensor_ipc").removeHandler(handler)
    assert "cannot deliver frames" in caplog.text


def test_no_thread_runs_without_a_callback(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    before = threading.active_count()

    producer = new_producer()
    consumer = new_consumer()
    producer.put(filled(0))
    consumer.wait(HANG_S)
    consumer.get()

    assert threading.active_count() == before


def test_interpreter_ends_in_order_when_a_consumer_with_a_callback_was_dropped(
    new_producer: MakeProducer, start_child: StartChild, pool: str
) -> None:
    new_producer()
    child = start_child(
        """
        import sys
        from tensor_ipc import TensorConsumer

        TensorConsumer.attach(sys.argv[1], callback=print)
        """,
        pool,
    )

    code, output, errors = child.finish()

    assert (code, output, errors) == (0, "", "")
