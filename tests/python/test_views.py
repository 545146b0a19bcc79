"""Views: read-only, never changing, counted when they have to be copies, outliving everyone."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest
from support import MakeConsumer, MakeProducer, filled

from tensor_ipc import PoolExhaustedError, TensorConsumer


def test_view_refuses_to_be_written(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=2)
    consumer = new_consumer(history_len=2)
    producer.put(filled(1))
    frame = consumer.get()
    history = consumer.get(2)
    assert frame is not None
    assert history is not None

    for view in (frame, history, frame[0], history[:, :1]):
        with pytest.raises(ValueError, match="read-only"):
            view[...] = 9
        with pytest.raises(ValueError, match=r"WRITEABLE|writ"):
            view.flags.writeable = True
    np.testing.assert_array_equal(frame, filled(1))


def test_view_is_not_a_copy(new_producer: MakeProducer, new_consumer: MakeConsumer) -> None:
    producer = new_producer()
    consumer = new_consumer()
    producer.put(filled(1))

    first = consumer.get()
    second = consumer.get()

    assert first is not None
    assert second is not None
    assert np.shares_memory(first, second)
    assert consumer.stats.copied_bytes == 0


def test_view_never_changes_while_the_producer_goes_round(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=3)
    consumer = new_consumer(history_len=3)
    for value in range(3):
        producer.put(filled(value))
    frame = consumer.get()
    history = consumer.get(3)
    assert frame is not None
    assert history is not None

    for value in range(3, 300):
        producer.put(filled(value))
        assert (frame == 2).all()
        assert history[:, 0, 0].tolist() == [2, 1, 0]

    assert producer.stats.frames == 300
    assert producer.stats.skipped_slots > 0


def test_slice_of_a_view_keeps_its_frame(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()
    producer.put(filled(1))
    frame = consumer.get()
    assert frame is not None
    corner = frame[1:, 2:]
    del frame
    gc.collect()

    for value in range(2, 100):
        producer.put(filled(value))

    assert corner.tolist() == [[1]]


def test_dropped_view_gives_its_slot_back(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()

    for value in range(200):
        producer.put(filled(value))
        view = consumer.get()
        assert view is not None
        assert view[0, 0] == value

    assert consumer.stats.copied_frames == 0


def test_hog_gets_copies_and_holds_up_nobody(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=4)
    hog = new_consumer(history_len=4)
    other = new_consumer(history_len=4)
    held: list[np.ndarray[Any, Any]] = []

    for value in range(60):
        assert producer.put(filled(value)) == value
        frame = hog.get()
        assert frame is not None
        held.append(frame)
        history = other.get(4)
        assert history is not None
        assert history[:, 0, 0].tolist() == list(range(value, max(value - 4, -1), -1))
        del history

    assert [int(frame[0, 0]) for frame in held] == list(range(60))
    assert hog.stats.copied_frames > 0
    assert hog.stats.copied_bytes == hog.stats.copied_frames * filled(0).nbytes
    assert hog.stats.received == 60
    assert hog.stats.missed == 0


def test_copies_of_a_hog_are_read_only_too(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()
    held = []
    while consumer.stats.copied_frames == 0:
        producer.put(filled(len(held)))
        held.append(consumer.get_frame())

    frame = held[-1]

    assert frame is not None
    assert frame.copied is True
    assert frame.index == len(held) - 1
    assert not frame.data.flags.writeable
    assert (frame.data == len(held) - 1).all()


def test_max_pins_is_the_number_of_slots_that_views_hold(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=2, spare=20)
    consumer = new_consumer(history_len=2, max_pins=5)
    held = []

    for value in range(12):
        producer.put(filled(value))
        held.append(consumer.get())

    assert consumer.stats.copied_frames == 7
    assert [int(view[0, 0]) for view in held if view is not None] == list(range(12))


def test_more_spare_slots_let_consumers_hold_more_views(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=1, spare=30)
    consumer = new_consumer(history_len=1)
    held = []

    for value in range(25):
        producer.put(filled(value))
        held.append(consumer.get())

    assert consumer.stats.copied_frames == 0
    assert len(held) == 25


@pytest.mark.parametrize("history_len", [2, 5, 16])
def test_held_history_leaves_others_theirs_when_there_are_as_many_spare_slots(
    new_producer: MakeProducer, new_consumer: MakeConsumer, history_len: int
) -> None:
    producer = new_producer(history_len=history_len, spare=history_len)
    holder = new_consumer(history_len=history_len)
    other = new_consumer(history_len=history_len)
    for value in range(history_len):
        producer.put(filled(value))
    held = holder.get(history_len)

    for value in range(history_len, 10 * history_len):
        producer.put(filled(value))
        history = other.get(history_len)
        assert history is not None
        assert history[:, 0, 0].tolist() == list(range(value, value - history_len, -1))

    assert held is not None
    assert held[:, 0, 0].tolist() == list(range(history_len - 1, -1, -1))


def test_several_hogs_cannot_stop_the_producer(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=3)
    hogs = [new_consumer(history_len=3) for _ in range(10)]
    held: list[tuple[int, np.ndarray[Any, Any]]] = []

    for value in range(50):
        assert producer.put(filled(value)) == value
        for hog in hogs:
            view = hog.get()
            assert view is not None
            held.append((value, view))

    for value, view in held:
        assert (view == value).all()


def test_views_outlive_consumer_and_producer(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=3)
    consumer = new_consumer(history_len=3)
    for value in range(3):
        producer.put(filled(value))
    frame = consumer.get()
    history = consumer.get(3, latest_first=False)

    consumer.cleanup()
    producer.cleanup()
    del consumer, producer
    gc.collect()

    assert frame is not None
    assert history is not None
    np.testing.assert_array_equal(frame, filled(2))
    assert history[:, 0, 0].tolist() == [0, 1, 2]


def test_views_outlive_a_consumer_that_is_garbage(
    new_producer: MakeProducer, pool: str
) -> None:
    producer = new_producer()
    producer.put(filled(1))
    consumer = TensorConsumer.attach(pool)
    view = consumer.get()
    del consumer
    gc.collect()

    for value in range(2, 50):
        producer.put(filled(value))

    np.testing.assert_array_equal(view, filled(1))


def test_put_while_every_slot_is_on_loan_fails_with_a_reason(
    new_producer: MakeProducer,
) -> None:
    producer = new_producer(history_len=1, spare=2)

    with producer.loan(), producer.loan(), producer.loan():
        with pytest.raises(PoolExhaustedError, match=r"3 slots .* pinned or on loan"):
            producer.put(filled(1))
        with pytest.raises(PoolExhaustedError, match=r"3 slots .* pinned or on loan"):
            producer.loan().__enter__()

    assert producer.put(filled(1)) == 3


@pytest.mark.parametrize("chronological", [False, True])
def test_memory_order_decides_which_history_has_positive_strides(
    new_producer: MakeProducer, new_consumer: MakeConsumer, chronological: bool
) -> None:
    producer = new_producer(history_len=3, chronological=chronological)
    consumer = new_consumer(history_len=3)

    producer.put(filled(0))
    for value in range(1, 20):
        producer.put(filled(value))
        newest_first = consumer.get(3)
        oldest_first = consumer.get(3, latest_first=False)
        assert newest_first is not None
        assert oldest_first is not None
        assert (oldest_first.strides[0] > 0) == chronological
        assert (newest_first.strides[0] > 0) == (not chronological)
        del newest_first, oldest_first


@pytest.mark.parametrize("spare", [0, 1, 5000])
def test_spare_out_of_range_is_a_value_error(new_producer: MakeProducer, spare: int) -> None:
    with pytest.raises(ValueError, match=f"spare must be 2 to 4096, got {spare}"):
        new_producer(spare=spare)
