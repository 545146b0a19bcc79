"""Loans: publishing without a copy."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from support import MakeConsumer, MakeProducer, filled

from tensor_ipc import PoolNotFoundError


def test_loan_is_published_when_its_block_ends(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()

    with producer.loan() as array:
        assert array.shape == (2, 3)
        assert array.dtype == np.int32
        assert array.flags.c_contiguous
        array[...] = 5
        assert consumer.get() is None

    frame = consumer.get_frame()
    assert frame is not None
    assert frame.index == 0
    np.testing.assert_array_equal(frame.data, filled(5))
    assert producer.stats.frames == 1


def test_loan_is_dropped_when_its_block_raises(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()
    producer.put(filled(1))

    for _ in range(20):  # more often than there are slots
        with contextlib.suppress(ZeroDivisionError), producer.loan() as array:
            array[...] = 9
            raise ZeroDivisionError

    np.testing.assert_array_equal(consumer.get(), filled(1))
    assert producer.stats.frames == 1
    assert producer.put(filled(2)) == 1


@pytest.mark.parametrize("fails", [False, True])
def test_array_is_read_only_after_the_block(new_producer: MakeProducer, fails: bool) -> None:
    producer = new_producer()

    try:
        with producer.loan() as array:
            if fails:
                raise KeyError
    except KeyError:
        pass

    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1


def test_loan_carries_its_time(new_producer: MakeProducer, new_consumer: MakeConsumer) -> None:
    producer = new_producer()
    consumer = new_consumer()

    with producer.loan(timestamp_ns=123) as array:
        array[...] = 1

    frame = consumer.get_frame()
    assert frame is not None
    assert frame.timestamp_ns == 123


def test_loans_are_numbered_in_the_order_they_end(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=4)
    consumer = new_consumer(history_len=4)
    first, second, third = producer.loan(), producer.loan(), producer.loan()

    for value, loan in ((1, first), (2, second), (3, third)):
        loan.__enter__()[...] = value
    for loan in (second, third, first):
        loan.__exit__(None, None, None)
    producer.put(filled(4))

    history = consumer.get(4)
    assert history is not None
    assert history[:, 0, 0].tolist() == [4, 1, 3, 2]


def test_put_goes_on_while_a_loan_is_out(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=2)
    consumer = new_consumer(history_len=2)

    with producer.loan() as array:
        array[...] = 100
        assert [producer.put(filled(value)) for value in range(10)] == list(range(10))
        history = consumer.get(2)
        assert history is not None
        assert history[:, 0, 0].tolist() == [9, 8]
        assert (array == 100).all()

    frame = consumer.get_frame()
    assert frame is not None
    assert frame.index == 10
    assert (frame.data == 100).all()


def test_loan_of_a_producer_that_was_cleaned_up_says_so(new_producer: MakeProducer) -> None:
    producer = new_producer()

    loan = producer.loan()
    array = loan.__enter__()
    producer.cleanup()
    array[...] = 1  # still memory, though nobody reads it

    with pytest.raises(PoolNotFoundError, match="cleaned up during the loan"):
        loan.__exit__(None, None, None)


def test_array_outlives_the_producer(new_producer: MakeProducer) -> None:
    producer = new_producer()
    with producer.loan() as array:
        array[...] = 3

    producer.cleanup()
    del producer

    assert array.shape == (2, 3)
    assert int(array.sum()) >= 0


def test_loan_of_a_scalar_frame_is_writable(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(np.array(0.0))
    consumer = new_consumer(np.array(0.0))

    with producer.loan() as array:
        array[...] = 1.5

    frame = consumer.get()
    assert frame is not None
    assert float(frame) == 1.5


@pytest.mark.parametrize(
    ("attribute", "value", "error"),
    [
        ("timestamp_ns", "soon", TypeError),
        ("timestamp_ns", -1, TypeError),
        ("timestamp_ns", 2**64, TypeError),
        ("user_metadata", {"key": 1}, TypeError),
        ("stream", 1, ValueError),
    ],
)
def test_frame_is_dropped_when_the_loan_says_what_cannot_be(
    new_producer: MakeProducer, attribute: str, value: object, error: type[Exception]
) -> None:
    producer = new_producer()
    loan = producer.loan()

    array = loan.__enter__()
    setattr(loan, attribute, value)
    with pytest.raises(error, match=attribute if error is TypeError else "host memory"):
        loan.__exit__(None, None, None)

    assert not array.flags.writeable
    assert producer.stats.frames == 0
    with pytest.raises(ValueError, match="once"):
        loan.publish()
