"""What `get` and `get_frame` return: shapes, order, padding, times."""

from __future__ import annotations

import time

import numpy as np
import pytest
from support import MakeConsumer, MakeProducer, filled

from tensor_ipc import Frame, PoolNotFoundError, TensorConsumer


def test_get_is_none_before_the_first_frame(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    new_producer()
    consumer = new_consumer()

    assert consumer.get() is None
    assert consumer.get_frame() is None
    assert consumer.connected


def test_one_frame_has_no_history_axis(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=3)
    consumer = new_consumer(history_len=3)
    producer.put(filled(7))

    frame = consumer.get()

    assert isinstance(frame, np.ndarray)
    assert frame.shape == (2, 3)
    assert frame.dtype == np.int32
    np.testing.assert_array_equal(frame, filled(7))


def test_history_is_newest_first_unless_asked(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=5)
    consumer = new_consumer(history_len=5)
    for value in range(23):
        producer.put(filled(value))

    newest_first = consumer.get(history_len=5)
    oldest_first = consumer.get(history_len=3, latest_first=False)

    assert newest_first is not None
    assert oldest_first is not None
    assert newest_first.shape == (5, 2, 3)
    assert newest_first[:, 0, 0].tolist() == [22, 21, 20, 19, 18]
    assert oldest_first[:, 1, 2].tolist() == [20, 21, 22]


@pytest.mark.parametrize("chronological", [False, True])
def test_history_is_right_at_every_turn_of_the_ring(
    new_producer: MakeProducer, new_consumer: MakeConsumer, chronological: bool
) -> None:
    producer = new_producer(history_len=4, chronological=chronological)
    consumer = new_consumer(history_len=4)

    for value in range(30):
        producer.put(filled(value))
        for count in range(2, 5):
            expected = list(range(value, max(value - count, -1), -1))
            newest_first = consumer.get(count)
            oldest_first = consumer.get(count, latest_first=False)
            assert newest_first is not None
            assert oldest_first is not None
            assert newest_first[:, 0, 0].tolist() == expected
            assert oldest_first[:, 0, 0].tolist() == expected[::-1]
            del newest_first, oldest_first
    assert consumer.stats.copied_frames == 0


def test_fewer_frames_than_asked_gives_those_there_are(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=5)
    consumer = new_consumer(history_len=5)
    producer.put(filled(1))
    producer.put(filled(2))

    two = consumer.get(5)

    assert two is not None
    assert two.shape == (2, 2, 3)
    assert two[:, 0, 0].tolist() == [2, 1]


def test_a_history_of_one_published_frame_keeps_its_axis(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=5)
    consumer = new_consumer(history_len=5)
    producer.put(filled(1))

    one = consumer.get(5)

    assert one is not None
    assert one.shape == (1, 2, 3)


@pytest.mark.parametrize(
    ("pad", "latest_first", "expected"),
    [
        ("repeat", True, [2, 1, 1, 1]),
        ("repeat", False, [1, 1, 1, 2]),
        ("zero", True, [2, 1, 0, 0]),
        ("zero", False, [0, 0, 1, 2]),
    ],
)
def test_padding_gives_the_asked_number_of_frames(
    new_producer: MakeProducer,
    new_consumer: MakeConsumer,
    pad: str,
    latest_first: bool,
    expected: list[int],
) -> None:
    producer = new_producer(history_len=4)
    consumer = new_consumer(history_len=4)
    producer.put(filled(1))
    producer.put(filled(2))

    padded = consumer.get(4, latest_first=latest_first, pad=pad)

    assert padded is not None
    assert padded.shape == (4, 2, 3)
    assert padded[:, 0, 0].tolist() == expected


@pytest.mark.parametrize("pad", ["repeat", "zero"])
def test_padding_of_a_full_history_is_still_a_view(
    new_producer: MakeProducer, new_consumer: MakeConsumer, pad: str
) -> None:
    producer = new_producer(history_len=2)
    consumer = new_consumer(history_len=2)
    producer.put(filled(1))
    producer.put(filled(2))

    frames = consumer.get(2, pad=pad)

    assert frames is not None
    assert not frames.flags.owndata
    assert frames[:, 0, 0].tolist() == [2, 1]


def test_padding_is_none_before_the_first_frame(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    new_producer(history_len=4)

    assert new_consumer(history_len=4).get(4, pad="zero") is None


def test_unknown_padding_is_a_value_error(new_consumer: MakeConsumer) -> None:
    consumer = new_consumer()

    with pytest.raises(ValueError, match="'repeat' or 'zero', got 'mirror'"):
        consumer.get(pad="mirror")


@pytest.mark.parametrize("history_len", [0, -1, 4, 2**31, 2**32, 2**40])
def test_history_out_of_range_is_a_value_error(
    new_producer: MakeProducer, new_consumer: MakeConsumer, history_len: int
) -> None:
    producer = new_producer(history_len=3)
    consumer = new_consumer(history_len=3)
    producer.put(filled(1))

    with pytest.raises(ValueError, match=f"got {history_len}"):
        consumer.get(history_len)


def test_copy_is_writable_and_is_not_counted(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=3)
    consumer = new_consumer(history_len=3)
    for value in range(3):
        producer.put(filled(value))

    copy = consumer.get(3, latest_first=False, copy=True)
    assert copy is not None
    copy += 100

    assert copy[:, 0, 0].tolist() == [100, 101, 102]
    again = consumer.get()
    assert again is not None
    np.testing.assert_array_equal(again, filled(2))
    assert consumer.stats.copied_frames == 0


def test_as_numpy_makes_no_difference_to_a_numpy_pool(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()
    producer.put(filled(3))

    frame = consumer.get(as_numpy=True)

    assert type(frame) is np.ndarray
    np.testing.assert_array_equal(frame, filled(3))


def test_frame_tells_its_number_and_times(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()
    before = time.monotonic_ns()
    for value in range(8):
        producer.put(filled(value))
    after = time.monotonic_ns()

    frame = consumer.get_frame()

    assert isinstance(frame, Frame)
    assert frame.index == 7
    np.testing.assert_array_equal(frame.data, filled(7))
    assert before <= frame.published_ns <= after
    assert frame.timestamp_ns == frame.published_ns
    assert frame.copied is False
    younger = frame.age_s
    older = frame.age_s
    assert 0 <= younger <= older
    assert older <= (time.monotonic_ns() - before) / 1e9


@pytest.mark.parametrize("timestamp_ns", [1, 1_700_000_000_000_000_000, 2**63 - 1, 2**64 - 1])
def test_frame_carries_the_time_that_put_was_given(
    new_producer: MakeProducer, new_consumer: MakeConsumer, timestamp_ns: int
) -> None:
    producer = new_producer()
    consumer = new_consumer()

    producer.put(filled(1), timestamp_ns=timestamp_ns)

    frame = consumer.get_frame()
    assert frame is not None
    assert frame.timestamp_ns == timestamp_ns
    assert frame.published_ns != timestamp_ns


def test_stats_count_received_and_missed(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=2)
    consumer = new_consumer(history_len=2)

    producer.put(filled(0))
    consumer.get()
    consumer.get()  # the same frame again misses nothing
    for value in range(1, 6):
        producer.put(filled(value))
    consumer.get(2)

    assert consumer.stats.received == 3
    assert consumer.stats.missed == 4
    assert producer.stats.frames == 6


def test_first_frame_of_a_late_comer_is_not_preceded_by_missed_ones(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    for value in range(10):
        producer.put(filled(value))
    consumer = new_consumer()

    consumer.get()

    assert consumer.stats.missed == 0


def test_attach_takes_the_metadata_from_the_pool(new_producer: MakeProducer, pool: str) -> None:
    producer = new_producer(np.zeros((4, 5), dtype=np.float32), history_len=3)

    with TensorConsumer.attach(pool) as consumer:
        assert consumer.metadata == producer.metadata
        producer.put(np.ones((4, 5), dtype=np.float32))
        frame = consumer.get()

    assert frame is not None
    assert frame.dtype == np.float32
    assert frame.sum() == 20


def test_consumer_is_a_context_manager(new_producer: MakeProducer, pool: str) -> None:
    new_producer().put(filled(1))

    with TensorConsumer.attach(pool) as consumer:
        assert consumer.get() is not None

    assert not consumer.connected
    assert consumer.wait(0) is False
    with pytest.raises(PoolNotFoundError, match="cleaned up"):
        consumer.get()


def test_keyword_and_positional_arguments_of_the_original_work(
    new_producer: MakeProducer, pool: str
) -> None:
    producer = new_producer(history_len=2)
    metadata = producer.metadata
    producer.put(filled(5))

    with TensorConsumer(metadata, 10, None, None) as first:
        assert first.get(1, True, True) is not None
    with TensorConsumer(pool_metadata=metadata, keep_last=5, dds_participant=None) as second:
        assert second.get(history_len=1, as_numpy=False, latest_first=False) is not None
    with TensorConsumer.from_sample(pool, filled(0), None, 2, 10, None) as third:
        assert third.get(2) is not None
