"""get_at and between: frames of one pool by their time of capture."""

from __future__ import annotations

from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import HANG_S, MakeConsumer, MakeProducer, StartChild
from timed_pools import (
    FLOOD,
    SAMPLE,
    at_reference,
    check_frame,
    check_window,
    put_at,
    time_in,
)

from tensor_ipc import (
    ConsumerStats,
    FrameWindow,
    PoolNotFoundError,
    TensorConsumer,
    TensorProducer,
)

METHODS = ("before", "nearest", "after")


def test_nothing_is_found_without_pool_and_without_frames(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    consumer = new_consumer(SAMPLE, 4)
    for with_pool in (False, True):
        if with_pool:
            new_producer(SAMPLE, 4)
        for method in METHODS:
            assert consumer.get_at(0, method=method) is None
        assert consumer.between(0, 2**64 - 1) is None


def test_get_at_returns_the_frame_that_was_newest_at_that_time(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer, consumer = new_producer(SAMPLE, 4), new_consumer(SAMPLE, 4)
    put_at(producer, 100, 200, 300)

    frame = consumer.get_at(299)

    assert (frame.index, frame.timestamp_ns, time_in(frame.data)) == (1, 200, 200)
    assert not frame.copied
    assert not frame.data.flags.writeable
    assert consumer.get_at(300).timestamp_ns == 300
    assert consumer.get_at(99) is None


def test_get_at_takes_the_other_side_or_the_nearest_on_request(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer, consumer = new_producer(SAMPLE, 4), new_consumer(SAMPLE, 4)
    put_at(producer, 100, 200)

    assert consumer.get_at(101, method="after").timestamp_ns == 200
    assert consumer.get_at(201, method="after") is None
    assert consumer.get_at(149, method="nearest").timestamp_ns == 100
    assert consumer.get_at(150, method="nearest").timestamp_ns == 200


def test_only_the_history_is_read_not_what_spare_slots_still_hold(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer, consumer = new_producer(SAMPLE, 2, spare=8), new_consumer(SAMPLE, 2)
    put_at(producer, 100, 200, 300)

    assert consumer.get_at(150) is None
    assert consumer.between(0, 1000).timestamps_ns == (300, 200)


def test_between_is_one_view_of_successive_frames(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer, consumer = new_producer(SAMPLE, 5), new_consumer(SAMPLE, 5)
    put_at(producer, 100, 200, 300, 400, 500)

    window = consumer.between(200, 400)

    check_window(window)
    assert isinstance(window, FrameWindow)
    assert window.timestamps_ns == (400, 300, 200)
    assert window.indices == (3, 2, 1)
    assert (window.index, window.timestamp_ns) == (3, 400)
    assert window.published_ns == max(window.published_times_ns)
    assert not window.copied
    assert not window.data.flags.owndata
    assert not window.data.flags.writeable
    assert "indices=(3, 2, 1)" in repr(window)


def test_between_gives_the_oldest_first_on_request(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer, consumer = new_producer(SAMPLE, 5), new_consumer(SAMPLE, 5)
    put_at(producer, 100, 200, 300, 400)

    window = consumer.between(200, 400, latest_first=False)

    check_window(window)
    assert window.timestamps_ns == (200, 300, 400)
    assert (window.index, window.timestamp_ns) == (3, 400)
    assert window.published_ns == max(window.published_times_ns)


def test_between_has_a_frame_axis_also_with_one_frame(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer, consumer = new_producer(SAMPLE, 1), new_consumer(SAMPLE, 1)
    put_at(producer, 100)

    assert consumer.between(100, 100).data.shape == (1, *SAMPLE.shape)


def test_between_copies_frames_that_are_not_successive_and_says_so(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer, consumer = new_producer(SAMPLE, 5), new_consumer(SAMPLE, 5)
    put_at(producer, 300, 900, 200, 250)  # the clock went back

    for latest_first in (True, False):
        window = consumer.between(200, 300, latest_first=latest_first)
        expected = [(3, 250), (2, 200), (0, 300)]
        check_window(window)
        assert list(zip(window.indices, window.timestamps_ns)) == (
            expected if latest_first else expected[::-1]
        )
        assert window.copied
        assert not window.data.flags.writeable
    assert consumer.stats.copied_frames == 6


def test_empty_interval_has_no_frames(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer, consumer = new_producer(SAMPLE, 4), new_consumer(SAMPLE, 4)
    put_at(producer, 100, 200)

    assert consumer.between(101, 199) is None
    assert consumer.between(200, 100) is None


def test_times_that_no_frame_can_have_are_fine(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer, consumer = new_producer(SAMPLE, 4), new_consumer(SAMPLE, 4)
    put_at(producer, 0)
    producer.put(SAMPLE, timestamp_ns=2**64 - 1)

    assert consumer.get_at(-1) is None
    assert consumer.get_at(-1, method="after").timestamp_ns == 0
    assert consumer.get_at(-(10**30), method="nearest").timestamp_ns == 0
    assert consumer.get_at(2**64).timestamp_ns == 2**64 - 1
    assert consumer.get_at(2**64, method="after") is None
    assert consumer.get_at(10**30, method="nearest").timestamp_ns == 2**64 - 1
    assert len(consumer.between(-1, 2**64)) == 2
    assert consumer.between(-2, -1) is None
    assert consumer.between(2**64, 2**65) is None


def test_time_may_be_any_integer_and_nothing_else(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer, consumer = new_producer(SAMPLE, 4), new_consumer(SAMPLE, 4)
    put_at(producer, 100)

    assert consumer.get_at(np.int64(100)).timestamp_ns == 100
    assert consumer.between(np.uint64(100), np.int32(100)) is not None
    for wrong in (100.0, "100", None):
        with pytest.raises(TypeError):
            consumer.get_at(wrong)
        with pytest.raises(TypeError):
            consumer.between(0, wrong)


def test_unknown_method_is_refused_with_the_known_ones(new_consumer: MakeConsumer) -> None:
    with pytest.raises(ValueError, match="'before', 'nearest' or 'after', got 'closest'"):
        new_consumer().get_at(0, method="closest")


def test_time_of_publication_counts_where_no_other_was_given(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer, consumer = new_producer(SAMPLE, 4), new_consumer(SAMPLE, 4)
    producer.put(SAMPLE)
    newest = consumer.get_frame()

    assert consumer.get_at(newest.published_ns).index == 0
    assert consumer.get_at(newest.published_ns - 1) is None


def test_reading_by_time_leaves_the_place_in_the_stream_alone(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer, consumer = new_producer(SAMPLE, 4), new_consumer(SAMPLE, 4)
    put_at(producer, 100, 200)

    assert consumer.get_at(200) is not None
    assert consumer.between(0, 200) is not None

    assert consumer.wait(0)
    assert consumer.stats == ConsumerStats(2, 0, 0, 0)


def test_frames_outlive_their_consumer(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer, consumer = new_producer(SAMPLE, 4), new_consumer(SAMPLE, 4)
    put_at(producer, 100, 200)
    frame, window = consumer.get_at(150), consumer.between(0, 200)

    consumer.cleanup()
    put_at(producer, *range(300, 350))

    check_frame(frame)
    check_window(window)
    with pytest.raises(PoolNotFoundError):
        consumer.get_at(100)
    with pytest.raises(PoolNotFoundError):
        consumer.between(0, 100)


def test_what_may_not_be_held_is_copied_and_counted(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(SAMPLE, 4)
    consumer = new_consumer(SAMPLE, 4, max_pins=1)
    put_at(producer, 100, 200, 300)
    held = consumer.get()

    frame, window = consumer.get_at(100), consumer.between(100, 200)

    assert frame.copied
    assert window.copied
    check_frame(frame)
    check_window(window)
    assert consumer.stats.copied_frames == 3
    assert time_in(held) == 300


@given(
    times=st.lists(st.integers(0, 40), max_size=25),
    history_len=st.integers(1, 6),
    spare=st.integers(2, 4),
    chronological=st.booleans(),
    interval=st.tuples(st.integers(-2, 42), st.integers(-2, 42)),
    latest_first=st.booleans(),
)
@settings(max_examples=300, deadline=None, database=None)
def test_frames_are_those_of_the_rule_whatever_their_times(
    times: list[int],
    history_len: int,
    spare: int,
    chronological: bool,
    interval: tuple[int, int],
    latest_first: bool,
) -> None:
    name = f"pool-{uuid4().hex[:12]}"
    with TensorProducer.from_sample(
        name, SAMPLE, history_len, spare=spare, chronological=chronological
    ) as producer, TensorConsumer.attach(name) as consumer:
        put_at(producer, *times)
        history = times[::-1][:history_len]

        for method in METHODS:
            for time in range(-1, 42):
                frame = consumer.get_at(time, method=method)
                age = at_reference(history, time, method)
                assert (frame is None) == (age is None)
                if frame is not None:
                    check_frame(frame)
                    assert frame.index == len(times) - 1 - age
        window = consumer.between(*interval, latest_first=latest_first)
        expected = [
            (len(times) - 1 - age, time)
            for age, time in enumerate(history)
            if interval[0] <= time <= interval[1]
        ]
        if window is None:
            assert not expected
        else:
            check_window(window)
            found = list(zip(window.indices, window.timestamps_ns))
            assert found == (expected if latest_first else expected[::-1])
            first, last = expected[0][0], expected[-1][0]
            assert window.copied == (first - last + 1 != len(expected))


def test_payloads_belong_to_their_times_while_a_producer_goes_on_at_full_speed(
    new_consumer: MakeConsumer, start_child: StartChild, pool: str
) -> None:
    child = start_child(FLOOD, pool, 5, 1)
    assert child.read() == "ready"
    consumer = new_consumer(SAMPLE, 5)
    assert consumer.wait(HANG_S)
    windows = 0

    for turn in range(3000):
        newest = consumer.get_frame().timestamp_ns
        frame = consumer.get_at(newest + turn % 3, method=METHODS[turn % 3])
        if frame is not None:
            check_frame(frame)
            if METHODS[turn % 3] == "before":
                assert frame.timestamp_ns <= newest
        window = consumer.between(newest - 1, newest + 1)
        if window is not None:
            windows += 1
            check_window(window)
            assert set(window.timestamps_ns) <= {newest - 1, newest, newest + 1}

    assert windows > 0


def test_restarted_producer_goes_on_in_the_same_history(
    new_producer: MakeProducer, new_consumer: MakeConsumer, start_child: StartChild, pool: str
) -> None:
    child = start_child(
        """
        import sys
        import numpy as np
        from tensor_ipc import TensorProducer
        producer = TensorProducer.from_sample(sys.argv[1], np.zeros(2000, np.int64), 5)
        for time in (100, 200):
            producer.put(np.full(2000, time), timestamp_ns=time)
        print("published", flush=True)
        sys.stdin.read()
        """,
        pool,
    )
    assert child.read() == "published"
    consumer = new_consumer(SAMPLE, 5)
    assert consumer.get_at(150).timestamp_ns == 100
    child.kill()
    assert consumer.get_at(150).timestamp_ns == 100

    put_at(new_producer(SAMPLE, 5), 300)

    assert consumer.between(0, 1000).timestamps_ns == (300, 200, 100)
