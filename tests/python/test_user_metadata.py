"""Texts that travel with a frame."""

from __future__ import annotations

import collections
import types
from typing import Any

import numpy as np
import pytest
from support import MakeConsumer, MakeProducer, filled, segment_path

from tensor_ipc import SegmentError, TensorConsumer, TensorProducer, synchronized

TEXTS = {"encoding": "rgb8", "frame_id": "caméra", "": ""}


@pytest.fixture
def producer(new_producer: MakeProducer) -> TensorProducer:
    return new_producer(history_len=3)


@pytest.fixture
def consumer(new_consumer: MakeConsumer) -> TensorConsumer:
    return new_consumer(history_len=3)


def texts_of(consumer: TensorConsumer) -> dict[str, str]:
    frame = consumer.get_frame()
    assert frame is not None
    return frame.user_metadata


def test_texts_come_with_their_frame(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    producer.put(filled(1), timestamp_ns=5, user_metadata=TEXTS)

    frame = consumer.get_frame()

    assert frame is not None
    assert frame.user_metadata == TEXTS
    assert list(frame.user_metadata) == list(TEXTS)
    assert frame.timestamp_ns == 5


def test_each_frame_has_its_own(producer: TensorProducer, consumer: TensorConsumer) -> None:
    for value in range(30):
        texts = {"value": str(value)} if value % 2 else None
        producer.put(filled(value), user_metadata=texts)
        assert texts_of(consumer) == (texts or {})

    newest_first = consumer.get_frames(3)
    oldest_first = consumer.get_frames(3, latest_first=False)

    assert newest_first is not None
    assert newest_first.user_metadata == ({"value": "29"}, {}, {"value": "27"})
    assert oldest_first is not None
    assert oldest_first.user_metadata == ({"value": "27"}, {}, {"value": "29"})


def test_dict_is_the_callers_own(producer: TensorProducer, consumer: TensorConsumer) -> None:
    texts = dict(TEXTS)
    producer.put(filled(1), user_metadata=texts)
    frame = consumer.get_frame()
    assert frame is not None

    texts.clear()
    frame.user_metadata.clear()

    assert frame.user_metadata == TEXTS


def test_held_frame_keeps_its_texts(producer: TensorProducer, consumer: TensorConsumer) -> None:
    producer.put(filled(0), user_metadata={"n": "0"})
    held = consumer.get_frame()
    for value in range(1, 50):
        producer.put(filled(value), user_metadata={"n": str(value)})
    producer.cleanup()

    assert held is not None
    assert held.user_metadata == {"n": "0"}


def test_gathered_frames_keep_their_texts(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    producer.put(filled(0))
    held = consumer.get()
    for value in range(1, 8):
        producer.put(filled(value), user_metadata={"n": str(value)})

    frames = consumer.get_frames(3)

    assert frames is not None
    assert frames.copied
    assert frames.user_metadata == ({"n": "7"}, {"n": "6"}, {"n": "5"})
    del held


def test_frames_that_are_read_by_time_have_texts(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    for value in range(3):
        producer.put(filled(value), timestamp_ns=value, user_metadata={"n": str(value)})

    one, some = consumer.get_at(1), consumer.between(0, 1)
    found = synchronized([consumer], tolerance=0)

    assert one is not None
    assert one.user_metadata == {"n": "1"}
    assert some is not None
    assert some.user_metadata == ({"n": "1"}, {"n": "0"})
    assert found is not None
    assert found[0].user_metadata == {"n": "2"}


def test_loan_takes_texts_before_and_in_its_block(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    with producer.loan(user_metadata={"a": "b"}) as array:
        array[...] = 1
    assert texts_of(consumer) == {"a": "b"}

    loan = producer.loan(user_metadata={"a": "b"})
    with loan as array:
        array[...] = 2
        loan.user_metadata = {"c": "d"}
        loan.timestamp_ns = 77

    frame = consumer.get_frame()
    assert frame is not None
    assert frame.user_metadata == {"c": "d"}
    assert frame.timestamp_ns == 77


@pytest.mark.parametrize(
    ("texts", "error", "said"),
    [
        ({"key": "x" * 250}, ValueError, "255 bytes, at most 254"),
        ({"é" * 127: ""}, ValueError, "256 bytes, at most 254"),
        ({"a\0b": "c"}, ValueError, "zero character"),
        ({"a": "\0"}, ValueError, "zero character"),
        ({"a": "\ud800"}, ValueError, "surrogates"),
        ({"a": 1}, TypeError, "values are str, got 1"),
        ({b"a": "b"}, TypeError, "keys are str, got b'a'"),
        ([("a", "b")], TypeError, "mapping"),
        ("text", TypeError, "mapping"),
    ],
)
def test_what_does_not_fit_is_refused_and_costs_nothing(
    producer: TensorProducer,
    consumer: TensorConsumer,
    texts: Any,
    error: type[Exception],
    said: str,
) -> None:
    with pytest.raises(error, match=said):
        producer.put(filled(1), user_metadata=texts)
    with pytest.raises(error, match=said), producer.loan(user_metadata=texts):
        pass

    assert consumer.get() is None
    assert producer.put(filled(2)) == 0
    assert texts_of(consumer) == {}


def test_any_mapping_will_do_up_to_the_last_byte(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    for texts in (
        types.MappingProxyType({"k": "v"}),
        collections.OrderedDict(k="v"),
        {"k": "x" * 251},
        {},
    ):
        producer.put(filled(1), user_metadata=texts)
        assert texts_of(consumer) == texts


@pytest.mark.parametrize("damage", [b"\xff" * 256, b"\x04\0key\0", b"\x04\0a\0\xff\0"])
def test_damaged_texts_are_an_error_and_the_frame_is_not(
    producer: TensorProducer, consumer: TensorConsumer, pool: str, damage: bytes
) -> None:
    producer.put(filled(1), user_metadata={"k": "v"})
    segment = segment_path(pool)
    data = segment.read_bytes()
    (at,) = [i for i in range(len(data)) if data.startswith(b"\x04\0k\0v\0", i)]
    with segment.open("r+b") as file:
        file.seek(at)
        file.write(damage)

    frame = consumer.get_frame()

    assert frame is not None
    np.testing.assert_array_equal(frame.data, filled(1))
    with pytest.raises(SegmentError, match="damaged"):
        frame.user_metadata  # noqa: B018 - the look is the test
