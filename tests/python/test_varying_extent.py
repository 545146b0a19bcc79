"""Pools whose frames have a leading extent of their own."""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from support import HANG_S, MakeConsumer, MakeProducer, StartChild

import tensor_ipc
from tensor_ipc import (
    MetadataCreator,
    MetadataMismatchError,
    PoolMetadata,
    TensorConsumer,
    TensorProducer,
    synchronized,
)
from tensor_ipc.cli import main

CAPACITY = 50
SAMPLE = np.zeros((CAPACITY, 3), np.float32)


def cloud(points: int) -> np.ndarray[Any, Any]:
    """A frame of so many points, whose every element says how many."""
    return np.full((points, 3), points, np.float32)


def is_cloud(array: np.ndarray[Any, Any], points: int) -> bool:
    return array.dtype == np.float32 and np.array_equal(array, cloud(points))


def are_clouds(arrays: object, *points: int) -> bool:
    assert isinstance(arrays, list)
    assert len(arrays) == len(points)
    return all(map(is_cloud, arrays, points))


@pytest.fixture
def producer(new_producer: MakeProducer) -> TensorProducer:
    return new_producer(SAMPLE, history_len=4, varying_extent=True)


@pytest.fixture
def consumer(new_consumer: MakeConsumer) -> TensorConsumer:
    return new_consumer(SAMPLE, history_len=4, varying_extent=True)


def test_frame_comes_out_as_long_as_it_went_in(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    for points in (1, CAPACITY, 0, 7):
        producer.put(cloud(points))

        view = consumer.get()

        assert is_cloud(view, points)
        assert not view.flags.writeable
        assert is_cloud(consumer.get(copy=True), points)
        assert is_cloud(consumer.get(as_numpy=True), points)
    assert consumer.stats.copied_frames == 0
    assert producer.stats.copied_bytes == (1 + CAPACITY + 7) * 12


def test_view_is_the_producers_memory_and_never_changes(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    producer.put(cloud(3))
    view = consumer.get()
    assert np.shares_memory(view, consumer.get())

    for points in range(CAPACITY):
        producer.put(cloud(points))

    assert is_cloud(view, 3)


def test_any_strides_are_taken(producer: TensorProducer, consumer: TensorConsumer) -> None:
    wide = np.arange(8 * 6, dtype=np.float32).reshape(8, 6)

    for source in (wide[::2, ::2], wide[:3, :3], wide[0:0, ::2], wide[::-1, 3:]):
        producer.put(source)
        np.testing.assert_array_equal(consumer.get(), source)


@pytest.mark.parametrize(
    ("data", "error", "found"),
    [
        (np.zeros((CAPACITY + 1, 3), np.float32), ValueError, r"\(51, 3\)"),
        (np.zeros((2, 4), np.float32), ValueError, r"\(2, 4\)"),
        (np.zeros((3,), np.float32), ValueError, r"\(3,\)"),
        (np.zeros((2, 3, 1), np.float32), ValueError, r"\(2, 3, 1\)"),
        (np.float32(1), ValueError, r"\(\)"),
        (np.zeros((2, 3), np.float64), TypeError, "float64"),
    ],
)
def test_other_frames_are_refused_by_name(
    producer: TensorProducer, data: Any, error: type[Exception], found: str
) -> None:
    expected = r"\(<=50, 3\)" if error is ValueError else "float32"

    with pytest.raises(error, match=f"{expected}.*{found}"):
        producer.put(data)

    assert producer.put(cloud(1)) == 0


def test_history_is_a_list_in_either_order(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    for points in (5, 0, 9):
        producer.put(cloud(points))

    assert are_clouds(consumer.get(3), 9, 0, 5)
    assert are_clouds(consumer.get(3, latest_first=False), 5, 0, 9)
    assert are_clouds(consumer.get(4), 9, 0, 5)
    assert are_clouds(consumer.get(2, copy=True), 9, 0)
    assert are_clouds(consumer.get(2, as_numpy=True), 9, 0)
    assert all(array.flags.writeable for array in consumer.get(2, copy=True))
    assert not any(array.flags.writeable for array in consumer.get(2))
    assert consumer.stats.copied_frames == 0


def test_history_of_one_frame_so_far_is_a_list_too(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    assert consumer.get(2) is None
    producer.put(cloud(5))

    assert are_clouds(consumer.get(2), 5)
    assert is_cloud(consumer.get(1), 5)


def test_padding_repeats_the_oldest_or_is_empty(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    producer.put(cloud(5))
    producer.put(cloud(6))

    assert are_clouds(consumer.get(4, pad="repeat"), 6, 5, 5, 5)
    assert are_clouds(consumer.get(4, pad="repeat", latest_first=False), 5, 5, 5, 6)
    assert are_clouds(consumer.get(4, pad="zero"), 6, 5, 0, 0)
    assert are_clouds(consumer.get(4, pad="zero", latest_first=False), 0, 0, 5, 6)
    assert are_clouds(consumer.get(4, pad="repeat", copy=True), 6, 5, 5, 5)
    own = consumer.get(4, pad="repeat", copy=True)
    own[3][...] = 0
    assert is_cloud(own[2], 5)


def test_arrays_of_a_list_hold_the_frames_together(
    producer: TensorProducer, consumer: TensorConsumer, pool: str
) -> None:
    for points in (1, 2, 3):
        producer.put(cloud(points))

    arrays = consumer.get(3)
    last = arrays[2]
    del arrays
    (holder,) = tensor_ipc.inspect(pool).consumers
    assert holder.pinned_slots == 3

    del last
    (holder,) = tensor_ipc.inspect(pool).consumers
    assert holder.pinned_slots == 0


def test_frame_objects_have_the_extent(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    for points in (4, 5):
        producer.put(cloud(points), timestamp_ns=points)
    frame, frames = consumer.get_frame(), consumer.get_frames(2)
    assert frame is not None
    assert frames is not None

    assert is_cloud(frame.data, 5)
    assert is_cloud(np.asarray(frame), 5)
    if hasattr(np, "from_dlpack"):  # NumPy 1.22 and later
        assert is_cloud(np.from_dlpack(frame), 5)
    assert memoryview(frame).shape == (5, 3)
    assert repr(frame) == "Frame(index=1, shape=(5, 3), dtype=float32)"
    assert are_clouds(frames.data, 5, 4)
    assert frames.data is frames.data
    assert len(frames) == 2
    assert repr(frames) == "FrameWindow(indices=(1, 0), shape=(<=50, 3), dtype=float32)"


def test_window_is_no_array(producer: TensorProducer, consumer: TensorConsumer) -> None:
    producer.put(cloud(4))
    frames = consumer.get_frames(1)
    assert frames is not None

    assert are_clouds(frames.data, 4)
    ways = [memoryview, bytes]
    if hasattr(np, "from_dlpack"):  # NumPy 1.22; those before make an array of one object
        ways += [np.asarray, np.from_dlpack]
    for as_array in ways:
        with pytest.raises((BufferError, TypeError), match=r"use \.data"):
            as_array(frames)


def test_reading_by_time(
    producer: TensorProducer, consumer: TensorConsumer, new_producer: MakeProducer
) -> None:
    for points in (10, 20, 30):
        producer.put(cloud(points), timestamp_ns=points)
    state = new_producer(np.zeros(2), name="state")
    state.put(np.ones(2), timestamp_ns=21)

    frame, frames = consumer.get_at(25), consumer.between(5, 20)
    with TensorConsumer.attach("state") as states:
        found = synchronized([consumer, states], tolerance=5e-9, history_len=[2, 1])

    assert frame is not None
    assert is_cloud(frame.data, 20)
    assert frames is not None
    assert are_clouds(frames.data, 20, 10)
    assert found is not None
    assert are_clouds(found[0].data, 20, 10)


def test_gathered_history_keeps_each_extent(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    producer.put(cloud(1))
    held = consumer.get()
    for points in range(2, 11):  # round the slot that is held
        producer.put(cloud(points))

    frames = consumer.get_frames(4)

    assert frames is not None
    assert frames.copied
    assert are_clouds(frames.data, 10, 9, 8, 7)
    assert consumer.stats.copied_bytes == (10 + 9 + 8 + 7) * 12
    assert is_cloud(held, 1)


def test_callback_and_iteration_see_the_extent(
    producer: TensorProducer, new_consumer: MakeConsumer
) -> None:
    seen: list[Any] = []
    came = threading.Event()

    def on_frame(array: Any) -> None:
        seen.append(array)
        came.set()

    new_consumer(SAMPLE, history_len=4, varying_extent=True, callback=on_frame)
    reader = new_consumer(SAMPLE, history_len=4, varying_extent=True)
    producer.put(cloud(6))

    assert came.wait(HANG_S)
    assert is_cloud(seen[0], 6)
    assert is_cloud(next(iter(reader)), 6)
    producer.put(cloud(7))

    async def first() -> Any:
        async for array in reader:
            return array
        return None

    assert is_cloud(asyncio.run(first()), 7)


def test_loan_has_as_many_rows_as_asked_for(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    with producer.loan(4) as points:
        assert points.shape == (4, 3)
        points[...] = 4
    assert is_cloud(consumer.get(), 4)

    with producer.loan() as points:
        assert points.shape == SAMPLE.shape
        points[...] = CAPACITY
    assert is_cloud(consumer.get(), CAPACITY)

    with producer.loan(0) as points:
        assert points.shape == (0, 3)
    assert is_cloud(consumer.get(), 0)


def test_loan_may_publish_fewer_rows(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    loan = producer.loan()
    assert loan.extent is None

    with loan as points:
        assert loan.extent == CAPACITY
        points[:7] = 7
        loan.extent = 7

    assert is_cloud(consumer.get(), 7)


def test_loan_of_more_rows_than_there_are_is_refused(producer: TensorProducer) -> None:
    with pytest.raises(ValueError, match=r"\(<=50, 3\).*51"), producer.loan(CAPACITY + 1):
        pass
    with pytest.raises(ValueError, match="got -1"):
        producer.loan(-1)
    with pytest.raises(ValueError, match="in its block only"):
        producer.loan().extent = 3
    loan = producer.loan(5)
    with pytest.raises(ValueError, match="0 to 5 rows, got 6"), loan:
        loan.extent = 6
    assert producer.stats.frames == 0
    assert producer.put(cloud(1)) == 0


def test_loan_of_a_fixed_pool_cannot_be_shortened(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer, consumer = new_producer(), new_consumer()
    loan = producer.loan()

    with pytest.raises(ValueError, match=r"\(2, 3\), got an extent of 1"), loan:
        loan.extent = 1

    assert consumer.get() is None
    with producer.loan(2) as array:
        assert array.shape == (2, 3)


def test_both_kinds_of_pool_do_not_match(
    producer: TensorProducer, new_consumer: MakeConsumer
) -> None:
    assert producer.metadata.varying_extent

    with pytest.raises(MetadataMismatchError, match=r"\(50, 3\), found \(<=50, 3\)"):
        new_consumer(SAMPLE, history_len=4)


def test_metadata_says_that_the_extent_varies(producer: TensorProducer, pool: str) -> None:
    metadata = MetadataCreator.from_numpy_sample(pool, SAMPLE, 4, varying_extent=True)
    fixed = MetadataCreator.from_numpy_sample(pool, SAMPLE, 4)

    assert metadata == producer.metadata
    assert metadata != fixed
    assert hash(metadata) == hash(producer.metadata)
    assert metadata.total_size == fixed.total_size == SAMPLE.nbytes * 4
    assert PoolMetadata.from_json(metadata.to_json()) == metadata
    with TensorConsumer.attach(pool) as attached:
        assert attached.metadata == metadata
    with pytest.raises(ValueError, match="first dimension"):
        PoolMetadata(pool, (), "float32", varying_extent=True)
    with pytest.raises(ValueError, match="varying_extent: expected bool, found 1"):
        PoolMetadata.from_json(metadata.to_json().replace("true", "1"))


def test_pickled_ends_keep_it(producer: TensorProducer, consumer: TensorConsumer) -> None:
    again = pickle.loads(pickle.dumps(consumer))
    producer.put(cloud(3))
    assert is_cloud(again.get(), 3)
    again.cleanup()

    text = pickle.dumps(producer)
    producer.cleanup()
    successor = pickle.loads(text)
    successor.put(cloud(4))
    assert is_cloud(consumer.get(), 4)
    successor.cleanup()


def test_forked_child_reads_it(producer: TensorProducer, consumer: TensorConsumer) -> None:
    producer.put(cloud(3))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if is_cloud(consumer.get(), 3) else 2
        finally:
            os._exit(code)

    _, status = os.waitpid(child, 0)

    assert status == 0


def test_successor_of_a_killed_producer_goes_on(
    new_consumer: MakeConsumer, new_producer: MakeProducer, pool: str, start_child: StartChild
) -> None:
    child = start_child(
        """
        import sys
        import numpy as np
        from tensor_ipc import TensorProducer

        producer = TensorProducer.from_sample(
            sys.argv[1], np.zeros((50, 3), np.float32), 4, varying_extent=True
        )
        for points in (2, 3):
            producer.put(np.full((points, 3), points, np.float32))
        print("ready", flush=True)
        sys.stdin.read()
        """,
        pool,
    )
    assert child.read() == "ready"
    consumer = new_consumer(SAMPLE, history_len=4, varying_extent=True)
    assert are_clouds(consumer.get(2), 3, 2)
    child.kill()

    producer = new_producer(SAMPLE, history_len=4, varying_extent=True)
    assert producer.put(cloud(4)) == 2

    assert are_clouds(consumer.get(3), 4, 3, 2)


def test_command_line_shows_the_capacity(producer: TensorProducer, pool: str) -> None:
    producer.put(cloud(1))

    assert tensor_ipc.inspect(pool).varying_extent
    for arguments in (["list"], ["info", pool]):
        assert "<=50x3" in CliRunner().invoke(main, arguments).output


def test_others_arrays_are_taken_by_the_same_rule(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    producer.put(memoryview(cloud(5)))
    assert is_cloud(consumer.get(), 5)

    with pytest.raises(ValueError, match=r"\(<=50, 3\), got \(51, 3\)"):
        producer.put(memoryview(cloud(51)))


def test_extent_rows_and_texts_are_of_one_frame_at_full_speed(
    new_consumer: MakeConsumer, pool: str, start_child: StartChild
) -> None:
    child = start_child(
        """
        import sys
        import threading
        import numpy as np
        from tensor_ipc import TensorProducer

        over = threading.Event()
        threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
        sample = np.zeros((50, 3), np.float32)
        with TensorProducer.from_sample(sys.argv[1], sample, 4, varying_extent=True) as producer:
            print("ready", flush=True)
            frame = 0
            while not over.is_set():
                points = frame * 7 % 51
                texts = {"points": str(points)} if points % 3 else None
                producer.put(np.full((points, 3), points, np.float32), user_metadata=texts)
                frame += 1
        """,
        pool,
    )
    assert child.read() == "ready"
    consumer = new_consumer(SAMPLE, history_len=4, varying_extent=True)
    held = consumer.get_frames(4)
    assert consumer.wait(HANG_S)

    for turn in range(1500):
        frames = consumer.get_frames(1 + turn % 4)
        assert frames is not None
        expected = [index * 7 % 51 for index in frames.indices]
        assert are_clouds(frames.data, *expected)
        assert frames.user_metadata == tuple(
            {"points": str(points)} if points % 3 else {} for points in expected
        )
        if turn % 100 == 0:
            held = frames  # so that slots are gone round, and windows gathered

    assert held is not None
    assert consumer.stats.received >= 1500
    code, _, errors = child.finish()
    assert (code, errors) == (0, "")
