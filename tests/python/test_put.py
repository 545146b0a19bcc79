"""What `put` takes, what it refuses, and that a refused frame leaves no trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support import MakeConsumer, MakeProducer, filled

from tensor_ipc import PoolNotFoundError, TensorProducer

BASE = np.arange(2 * 3 * 4, dtype=np.int32).reshape(2, 3, 4)

STRIDES = {
    "contiguous": BASE,
    "fortran": np.asfortranarray(BASE),
    "transposed": BASE.reshape(4, 3, 2).T,
    "negative strides": BASE[::-1, :, ::-1],
    "every other": np.arange(2 * 3 * 8, dtype=np.int32).reshape(2, 3, 8)[..., ::2],
    "broadcast": np.broadcast_to(np.arange(4, dtype=np.int32), (2, 3, 4)),
    "broadcast scalar": np.broadcast_to(np.int32(7), (2, 3, 4)),
    "sliced": np.arange(4 * 5 * 6, dtype=np.int32).reshape(4, 5, 6)[1:3, 1:4, 1:5],
    "overlapping windows": np.lib.stride_tricks.as_strided(
        np.arange(40, dtype=np.int32), (2, 3, 4), (4, 8, 4)
    ),
    "unaligned": np.frombuffer(b"\0" + BASE.tobytes(), dtype=np.uint8)[1:]
    .view(np.int32)
    .reshape(BASE.shape),
    "read-only": np.frombuffer(BASE.tobytes(), dtype=np.int32).reshape(BASE.shape),
    "subclass": BASE.view(np.recarray),
}


@pytest.mark.parametrize("layout", sorted(STRIDES))
def test_any_strides_arrive_in_order(
    new_producer: MakeProducer, new_consumer: MakeConsumer, layout: str
) -> None:
    data = STRIDES[layout]
    producer = new_producer(BASE)
    consumer = new_consumer(BASE)

    producer.put(data)

    frame = consumer.get()
    assert frame is not None
    assert frame.flags.c_contiguous
    np.testing.assert_array_equal(frame, data)


def test_large_frames_of_any_strides_arrive_in_order(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    data = np.arange(300 * 400, dtype=np.float64).reshape(300, 400)
    producer = new_producer(data)
    consumer = new_consumer(data)

    for variant in (data, np.asfortranarray(data), data[::-1, ::-1]):
        producer.put(variant)
        np.testing.assert_array_equal(consumer.get(), variant)


def test_sample_of_any_strides_makes_a_plain_pool(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    new_producer(np.asfortranarray(BASE)).put(BASE)

    np.testing.assert_array_equal(new_consumer(BASE[::-1]).get(), BASE)


@pytest.mark.parametrize("sample", [np.array(0.0), np.float64(0.0)])
@pytest.mark.parametrize("data", [np.array(2.5), np.float64(2.5)])
def test_scalars_are_frames(
    new_producer: MakeProducer, new_consumer: MakeConsumer, sample: Any, data: Any
) -> None:
    producer = new_producer(sample, history_len=3)
    consumer = new_consumer(sample, history_len=3)

    for _ in range(5):
        producer.put(data)

    frame = consumer.get()
    history = consumer.get(3)
    assert frame is not None
    assert history is not None
    assert isinstance(frame, np.ndarray)
    assert frame.shape == ()
    assert float(frame) == 2.5
    assert history.tolist() == [2.5, 2.5, 2.5]


def test_frames_have_up_to_31_dimensions(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    data = np.arange(4, dtype=np.uint8).reshape((2,) + (1,) * 29 + (2,))
    producer = new_producer(data, history_len=2)
    consumer = new_consumer(data, history_len=2)

    producer.put(data)
    producer.put(data)

    history = consumer.get(2)
    assert history is not None
    np.testing.assert_array_equal(history, np.stack([data, data]))


def test_put_does_not_keep_or_touch_the_array(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()
    data = filled(1)

    producer.put(data)
    data[:] = 2

    np.testing.assert_array_equal(consumer.get(), filled(1))
    assert data.flags.writeable


REFUSED = {
    "wrong shape": (np.zeros((3, 2), np.int32), ValueError, r"\(2, 3\).*\(3, 2\)"),
    "extra axis": (np.zeros((1, 2, 3), np.int32), ValueError, r"\(2, 3\).*\(1, 2, 3\)"),
    "scalar": (np.int32(1), ValueError, r"\(2, 3\).*\(\)"),
    "empty": (np.zeros((0, 3), np.int32), ValueError, r"\(2, 3\).*\(0, 3\)"),
    "float": (np.zeros((2, 3), np.float32), TypeError, "int32.*float32"),
    "unsigned": (np.zeros((2, 3), np.uint32), TypeError, "int32.*uint32"),
    "byte-swapped": (
        np.zeros((2, 3), np.dtype(np.int32).newbyteorder()),
        TypeError,
        "int32.*i4",
    ),
    "objects": (np.zeros((2, 3), object), TypeError, "int32.*object"),
    "None": (None, TypeError, "numpy.ndarray.*NoneType"),
    "list": ([[1, 2, 3], [4, 5, 6]], TypeError, "numpy.ndarray.*list"),
    "int": (1, TypeError, "numpy.ndarray.*int"),
    "bytes": (b"abc", TypeError, "int32.*uint8"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_refusal_names_what_was_expected_and_what_was_found(
    new_producer: MakeProducer, pool: str, case: str
) -> None:
    data, error, text = REFUSED[case]
    producer = new_producer()

    with pytest.raises(error, match=text) as refusal:
        producer.put(data)

    assert pool in str(refusal.value)


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_refused_frame_uses_no_slot_and_no_number(
    new_producer: MakeProducer, new_consumer: MakeConsumer, case: str
) -> None:
    data, error, _ = REFUSED[case]
    producer = new_producer(history_len=3)
    consumer = new_consumer(history_len=3)
    for value in range(3):
        producer.put(filled(value))

    for _ in range(20):  # more often than there are slots
        with pytest.raises(error):
            producer.put(data)

    assert producer.stats.frames == 3
    before = consumer.get(3)
    assert before is not None
    assert before[:, 0, 0].tolist() == [2, 1, 0]
    assert producer.put(filled(3)) == 3


def test_put_counts_frames_from_zero(new_producer: MakeProducer) -> None:
    producer = new_producer(history_len=2)

    assert [producer.put(filled(0)) for _ in range(40)] == list(range(40))


@pytest.mark.parametrize("timestamp_ns", [-1, 2**64, 1.5, "now"])
def test_impossible_time_is_refused(new_producer: MakeProducer, timestamp_ns: Any) -> None:
    producer = new_producer()

    with pytest.raises((TypeError, ValueError, OverflowError)):
        producer.put(filled(1), timestamp_ns=timestamp_ns)

    assert producer.put(filled(1)) == 0


def test_put_after_cleanup_says_so(new_producer: MakeProducer, pool: str) -> None:
    producer = new_producer()
    producer.cleanup()

    with pytest.raises(PoolNotFoundError, match=f"{pool}.*cleaned up"):
        producer.put(filled(1))

    assert producer.closed


def test_producer_is_a_context_manager(pool: str) -> None:
    with TensorProducer.from_sample(pool, filled(0)) as producer:
        assert not producer.closed
        producer.put(filled(1))

    assert producer.closed
    producer.cleanup()  # twice is once


def test_keyword_and_positional_arguments_of_the_original_work(pool: str) -> None:
    with TensorProducer.from_sample(pool, filled(0), 3, None, 10) as producer:
        metadata = producer.metadata
    with TensorProducer(metadata, None, 10) as producer:
        assert producer.metadata == metadata
    with TensorProducer(pool_metadata=metadata, dds_participant=None, keep_last=3) as producer:
        assert producer.put(data=filled(1)) == 0
        assert producer.backend == "numpy"
