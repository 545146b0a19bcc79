"""From messages to a pool, with plain objects in place of ROS messages."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tensor_ipc import MetadataCreator, TensorConsumer, TensorProducer
from tensor_ipc.rosext.bridge.config import TopicToPool
from tensor_ipc.rosext.bridge.links import metadata_for
from tensor_ipc.rosext.complaints import Complaints
from tensor_ipc.rosext.conversions import MessageFrame
from tensor_ipc.rosext.message_writer import MessageWriter
from tensor_ipc.rosext.rate_limit import RateLimit
from tensor_ipc.rosext.topic_reader import TopicReader

IMAGE = "sensor_msgs/msg/Image"
NOW_NS = 123


class Image(SimpleNamespace):
    """Has the name and the fields of the ROS message."""


def message(value: int = 0, height: int = 2, encoding: str = "mono8") -> Image:
    stamp = SimpleNamespace(sec=0, nanosec=0)
    return Image(
        header=SimpleNamespace(stamp=stamp, frame_id=""),
        height=height,
        width=3,
        encoding=encoding,
        is_bigendian=0,
        step=3,
        data=bytes([value]) * (3 * height),
    )


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def reader(new_producer, said) -> Any:
    producer = new_producer(np.zeros((2, 3), np.uint8), history_len=2)

    def make(**options: Any) -> TopicReader:
        return TopicReader(
            IMAGE,
            options.pop("open_pool", lambda _: producer),
            lambda: NOW_NS,
            Complaints("/t", said.append),
            **options,
        )

    return make


def test_message_becomes_a_frame_with_the_time_of_arrival(reader, pool) -> None:
    taken = reader()

    taken.take(message(7))

    with TensorConsumer.attach(pool) as consumer:
        frame = consumer.get_frame()
        assert frame.timestamp_ns == NOW_NS
        assert frame.user_metadata["encoding"] == "mono8"
        np.testing.assert_array_equal(frame.data, np.full((2, 3), 7))
    assert taken.stats == (1, 1, 0, 0, 0, 0)


def test_errors_are_counted_by_kind_and_never_raised(reader, said) -> None:
    taken = reader(encoding="mono8")

    for wrong in (
        message(encoding="none of them"),
        message(encoding="8SC1"),
        message(height=3),
        SimpleNamespace(),
    ):
        taken.take(wrong)
    taken.take(message())

    assert taken.stats.conversion_errors == 4
    assert taken.stats.frames == 1
    assert len(said) == 1  # the others came within the same second
    assert said[0].startswith("/t: ")
    assert taken.last_error


def test_pool_that_is_taken_is_tried_again_with_the_next_message(pool, said) -> None:
    sample = np.zeros((2, 3), np.uint8)
    owner = TensorProducer.from_sample(pool, sample)
    made = []

    def open_pool(_: MessageFrame) -> TensorProducer:
        made.append(TensorProducer.from_sample(pool, sample))
        return made[-1]

    reader = TopicReader(IMAGE, open_pool, lambda: NOW_NS, Complaints("/t", said.append))
    reader.take(message())
    owner.cleanup()
    reader.take(message())
    made[-1].cleanup()

    assert reader.stats.refused == 1
    assert reader.stats.frames == 1
    assert pool in said[0]


def test_pool_that_is_exhausted_refuses_and_reading_goes_on(reader, new_producer, pool) -> None:
    producer = new_producer(np.zeros((2, 3), np.uint8), name=f"{pool}-x", spare=2)
    taken = reader(open_pool=lambda _: producer)
    loans = [producer.loan() for _ in range(3)]
    for loan in loans:
        loan.__enter__()
    taken.take(message())
    for loan in loans:
        loan.__exit__(KeyError, KeyError(), None)
    taken.take(message())

    assert taken.stats.refused == 1
    assert taken.stats.frames == 1


def test_rate_limit_leaves_messages_out(reader) -> None:
    now_s = [0.0]
    taken = reader(rate_limit=RateLimit(10, lambda: now_s[0]))

    for now_s[0] in (0.0, 0.01, 0.1, 0.12):
        taken.take(message())

    assert taken.stats.limited == 2
    assert taken.stats.frames == 2


def test_rate_limit_takes_all_of_a_source_with_its_rate_and_jitter() -> None:
    now_s = [0.0]
    limit = RateLimit(10, lambda: now_s[0])
    jitter = np.random.default_rng(1).uniform(-0.02, 0.02, 200)

    admitted = 0
    for index in range(200):
        now_s[0] = index * 0.1 + jitter[index]
        admitted += limit.admits()

    assert admitted == 200


def test_rate_limit_holds_over_any_time_whatever_comes() -> None:
    now_s = [0.0]
    limit = RateLimit(20, lambda: now_s[0])
    times = np.cumsum(np.random.default_rng(2).exponential(0.01, 3000))

    passed = []
    for now_s[0] in times:
        if limit.admits():
            passed.append(now_s[0])

    for first in range(0, len(passed), 17):
        for last in range(first + 1, len(passed), 29):
            elapsed_s = passed[last] - passed[first]
            assert last - first <= elapsed_s * 20 + 1.5


def test_complaints_say_once_a_second_and_count_the_rest(said) -> None:
    now_s = [0.0]
    complaints = Complaints("/t", said.append, lambda: now_s[0])

    for now_s[0] in (0.0, 0.5, 0.9, 1.0, 1.5, 2.5):
        complaints.add(f"at {now_s[0]}")

    assert said == [
        "/t: at 0.0",
        "/t: at 1.0 (and 2 more errors before)",
        "/t: at 2.5 (and 1 more errors before)",
    ]
    assert complaints.last == "at 2.5"


def frame_of(array: np.ndarray[Any, Any]) -> MessageFrame:
    return MessageFrame(array, None, None, {})


def test_first_message_describes_the_pool() -> None:
    found = metadata_for(
        TopicToPool("/t", "p", history_len=3), frame_of(np.zeros((4, 5), np.uint16))
    )

    expected = np.zeros((4, 5), np.uint16)
    assert found == MetadataCreator.from_numpy_sample("p", expected, 3)


def test_capacity_takes_the_place_of_the_first_extent() -> None:
    found = metadata_for(TopicToPool("/t", "p", capacity=9), frame_of(np.zeros((0, 3))))

    assert found.shape == (9, 3)
    assert found.varying_extent


@pytest.mark.parametrize(("capacity", "shape"), [(None, (0, 3)), (5, ())])
def test_first_message_that_describes_no_pool_is_an_error(capacity, shape) -> None:
    with pytest.raises(ValueError, match="capacity"):
        metadata_for(TopicToPool("/t", "p", capacity=capacity), frame_of(np.zeros(shape)))


def test_writer_fills_one_message_again_and_again() -> None:
    blank = message(height=0)
    seen = []
    writer = MessageWriter(
        blank, lambda filled: seen.append((id(filled), id(filled.data), filled.data[0]))
    )

    for value in (1, 2):
        writer.write(np.full((2, 3), value, np.uint8), stamp_ns=5)

    assert seen[0][:2] == seen[1][:2]
    assert [value for *_, value in seen] == [1, 2]


def test_writer_publishes_nothing_when_the_step_before_it_raises() -> None:
    published: list[object] = []
    writer = MessageWriter(message(), published.append)

    def refuse(_: object) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        writer.write(np.zeros((2, 3), np.uint8), stamp_ns=5, before_publishing=refuse)
    assert published == []


@pytest.mark.parametrize(
    ("of_call", "of_writer", "of_frame", "expected"),
    [
        ("c", "w", "f", "c"),
        (None, "w", "f", "w"),
        (None, None, "f", "f"),
        (None, None, None, ""),
        ("", "w", "f", ""),
    ],
)
def test_frame_id_is_the_nearest_that_is_given(of_call, of_writer, of_frame, expected) -> None:
    blank = message()
    writer = MessageWriter(blank, lambda _: None, frame_id=of_writer)
    writer.write(np.zeros((2, 3), np.uint8), stamp_ns=1, frame_id="before")

    texts = {} if of_frame is None else {"frame_id": of_frame}
    array = np.zeros((2, 3), np.uint8)
    writer.write(array, stamp_ns=1, frame_id=of_call, user_metadata=texts)

    assert blank.header.frame_id == expected
