"""Who comes when, who ends how, who is killed, and what the others see of it."""

from __future__ import annotations

import os
import re
import stat

import numpy as np
import pytest
from support import (
    HANG_S,
    PRODUCER,
    MakeConsumer,
    MakeProducer,
    StartChild,
    filled,
    segment_path,
)

from tensor_ipc import (
    MetadataCreator,
    MetadataMismatchError,
    PoolInUseError,
    PoolNotFoundError,
    SegmentError,
    SharedMemoryFullError,
    TensorConsumer,
    TensorIpcError,
    TensorProducer,
    inspect,
)


def test_consumer_comes_before_its_producer(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    consumer = new_consumer()
    assert consumer.get() is None
    assert consumer.get_frame() is None
    assert not consumer.connected
    assert consumer.wait(0) is False

    producer = new_producer()
    producer.put(filled(1))

    assert consumer.wait(HANG_S)
    np.testing.assert_array_equal(consumer.get(), filled(1))
    assert consumer.connected


def test_waiting_consumer_notices_the_pool_that_appears(
    new_consumer: MakeConsumer, start_child: StartChild, pool: str
) -> None:
    consumer = new_consumer()

    start_child(PRODUCER, pool, 1, 1)

    assert consumer.wait(HANG_S)
    np.testing.assert_array_equal(consumer.get(), filled(0))


def test_attach_to_nothing_is_an_error(pool: str) -> None:
    with pytest.raises(PoolNotFoundError, match=f"{pool}.*TENSOR_IPC_NAMESPACE"):
        TensorConsumer.attach(pool)


def test_second_producer_is_refused_while_the_first_lives(
    new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str
) -> None:
    first = new_producer(history_len=2)
    first.put(filled(1))

    with pytest.raises(PoolInUseError, match=f"{pool}.*process {os.getpid()}") as refusal:
        new_producer(history_len=2)

    assert isinstance(refusal.value, ValueError)
    assert isinstance(refusal.value, TensorIpcError)
    assert first.put(filled(2)) == 1
    history = new_consumer(history_len=2).get(2)
    assert history is not None
    assert history[:, 0, 0].tolist() == [2, 1]


def test_second_producer_with_other_metadata_is_refused_too(
    new_producer: MakeProducer,
) -> None:
    first = new_producer()
    first.put(filled(1))

    with pytest.raises(PoolInUseError):
        new_producer(np.zeros(100))

    assert first.put(filled(2)) == 1


def test_second_producer_in_another_process_is_refused(
    start_child: StartChild, new_producer: MakeProducer, pool: str
) -> None:
    child = start_child(PRODUCER, pool, 1, 1)
    child.read()

    with pytest.raises(PoolInUseError, match=f"process {child.pid}"):
        new_producer()

    assert child.finish()[0] == 0


def test_killed_producer_leaves_the_last_frames(
    start_child: StartChild, new_consumer: MakeConsumer, pool: str, new_producer: MakeProducer
) -> None:
    child = start_child(PRODUCER, pool, 3, 5)
    child.read()
    consumer = new_consumer(history_len=3)
    assert consumer.connected

    child.kill()

    assert not consumer.connected
    history = consumer.get(3)
    assert history is not None
    assert history[:, 0, 0].tolist() == [4, 3, 2]
    assert not inspect(pool).producer_alive
    new_producer(history_len=3)  # takes over, and cleans up after the test


def test_restarted_producer_goes_on_with_numbers_and_consumers(
    start_child: StartChild, new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str
) -> None:
    child = start_child(PRODUCER, pool, 3, 5)
    child.read()
    consumer = new_consumer(history_len=3)
    consumer.get()
    child.kill()
    assert not consumer.connected

    producer = new_producer(history_len=3)
    index = producer.put(filled(50))

    assert index == 5
    assert consumer.connected
    assert consumer.wait(HANG_S)
    history = consumer.get(3)
    assert history is not None
    assert history[:, 0, 0].tolist() == [50, 4, 3]
    assert consumer.stats.missed == 0
    assert inspect(pool).generation == 2


def test_waiting_consumer_is_woken_by_the_restarted_producer(
    start_child: StartChild, new_consumer: MakeConsumer, pool: str
) -> None:
    child = start_child(PRODUCER, pool, 3, 5)
    child.read()
    consumer = new_consumer(history_len=3)
    consumer.get()
    child.kill()

    start_child(PRODUCER, pool, 3, 1)

    assert consumer.wait(HANG_S)
    frame = consumer.get_frame()
    assert frame is not None
    assert frame.index == 5


def test_view_of_a_killed_producer_stays_as_its_successor_goes_round(
    start_child: StartChild, new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str
) -> None:
    child = start_child(PRODUCER, pool, 3, 5)
    child.read()
    history = new_consumer(history_len=3).get(3)
    child.kill()

    producer = new_producer(history_len=3)
    for value in range(100, 200):
        producer.put(filled(value))

    assert history is not None
    assert history[:, 0, 0].tolist() == [4, 3, 2]


def test_successor_with_other_metadata_makes_the_pool_anew(
    start_child: StartChild, new_producer: MakeProducer, pool: str
) -> None:
    child = start_child(PRODUCER, pool, 3, 5)
    child.read()
    child.kill()

    producer = new_producer(np.zeros(7, dtype=np.float64))

    assert producer.put(np.ones(7)) == 0
    info = inspect(pool)
    assert info.shape == (7,)
    assert info.dtype_str == "float64"


def test_consumer_is_told_of_another_successor_and_follows_the_right_one(
    start_child: StartChild, new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str
) -> None:
    child = start_child(PRODUCER, pool, 3, 5)
    child.read()
    consumer = new_consumer(history_len=3)
    view = consumer.get()
    child.kill()

    other = new_producer(np.zeros((4, 4), dtype=np.float32))
    with pytest.raises(MetadataMismatchError, match=r"shape.*dtype") as mismatch:
        consumer.get()
    assert isinstance(mismatch.value, ValueError)
    assert not consumer.connected

    other.cleanup()
    assert consumer.get() is None
    right = new_producer(history_len=3)
    right.put(filled(9))
    np.testing.assert_array_equal(consumer.get(), filled(9))
    assert consumer.connected
    np.testing.assert_array_equal(view, filled(4))


@pytest.mark.parametrize(
    ("sample", "history_len", "fields"),
    [
        (np.zeros((3, 2), np.int32), 2, ["shape: expected (3, 2), found (2, 3)"]),
        (np.zeros((2, 3), np.uint8), 2, ["dtype: expected uint8, found int32"]),
        (np.zeros((2, 3), np.int32), 5, ["history_len: expected 5, found 2"]),
        (np.zeros(4), 1, ["shape", "dtype", "history_len"]),
    ],
)
def test_mismatch_lists_the_fields_that_differ(
    new_producer: MakeProducer,
    new_consumer: MakeConsumer,
    sample: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
    history_len: int,
    fields: list[str],
) -> None:
    new_producer(history_len=2)

    with pytest.raises(MetadataMismatchError) as mismatch:
        new_consumer(sample, history_len=history_len)

    for field in fields:
        assert field in str(mismatch.value)


def test_wrong_pool_that_comes_later_is_told_by_get(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    consumer = new_consumer()
    new_producer(np.zeros(3))

    for _ in range(2):
        with pytest.raises(MetadataMismatchError):
            consumer.get()
    with pytest.raises(MetadataMismatchError):
        consumer.get_frame()


def test_cleanup_removes_the_name_and_tells_consumers(
    new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str
) -> None:
    producer = new_producer(history_len=2)
    consumer = new_consumer(history_len=2)
    producer.put(filled(1))
    view = consumer.get()

    producer.cleanup()

    assert not segment_path(pool).exists()
    assert consumer.get() is None
    assert not consumer.connected
    assert consumer.wait(0) is False
    np.testing.assert_array_equal(view, filled(1))


def test_consumer_follows_a_producer_that_returns_after_cleanup(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    first = new_producer()
    consumer = new_consumer()
    for value in range(5):
        first.put(filled(value))
    consumer.get()
    first.cleanup()
    assert consumer.get() is None

    second = new_producer()
    assert consumer.get() is None
    assert second.put(filled(50)) == 0

    assert consumer.wait(HANG_S)
    frame = consumer.get_frame()
    assert frame is not None
    assert frame.index == 0
    np.testing.assert_array_equal(frame.data, filled(50))
    assert consumer.connected


def test_producer_that_is_garbage_ends_its_pool(pool: str) -> None:
    producer = TensorProducer.from_sample(pool, filled(0))
    assert segment_path(pool).exists()

    del producer

    assert not segment_path(pool).exists()


def test_consumer_follows_after_its_segment_was_removed_by_hand(
    new_producer: MakeProducer, new_consumer: MakeConsumer, start_child: StartChild, pool: str
) -> None:
    child = start_child(PRODUCER, pool, 1, 5)
    child.read()
    consumer = new_consumer()
    consumer.get()
    child.kill()
    segment_path(pool).unlink()

    producer = new_producer()
    producer.put(filled(70))

    assert consumer.wait(HANG_S)
    np.testing.assert_array_equal(consumer.get(), filled(70))


def test_dead_consumers_do_not_take_slots_for_ever(
    new_producer: MakeProducer, start_child: StartChild, pool: str
) -> None:
    producer = new_producer(history_len=1)
    hog = """
        import sys
        from tensor_ipc import TensorConsumer
        consumer = TensorConsumer.attach(sys.argv[1])
        held = []
        for line in sys.stdin:
            held.append(consumer.get())
            print("got", flush=True)
    """
    for value in range(3):
        child = start_child(hog, pool)
        for _ in range(3):
            producer.put(filled(value))
            child.write()
            child.read()
        child.kill()

    with producer.loan(), producer.loan(), producer.loan(), producer.loan():
        pass  # all four slots are to be had again

    assert inspect(pool).consumers == ()


def test_pool_larger_than_shared_memory_is_refused_with_advice(pool: str) -> None:
    sample = np.broadcast_to(np.uint8(0), (2**45,))
    metadata = MetadataCreator.from_numpy_sample(pool, sample)

    with pytest.raises(SharedMemoryFullError) as refusal:
        TensorProducer(metadata)

    assert isinstance(refusal.value, MemoryError)
    text = str(refusal.value)
    assert re.search(r"needs \d+\.\d MiB of shared memory", text)
    assert re.search(r"/dev/shm has \d+\.\d MiB free of \d+\.\d MiB", text)
    assert "tensor-ipc clean" in text
    assert "--shm-size" in text
    assert not segment_path(pool).exists()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
@pytest.mark.parametrize("mode", [0o600, 0o660, 0o640])
def test_mode_of_the_segment_does_not_depend_on_the_umask(
    new_producer: MakeProducer, pool: str, mode: int, umask: int
) -> None:
    before = os.umask(umask)
    try:
        new_producer(mode=mode)
    finally:
        os.umask(before)

    assert stat.S_IMODE(segment_path(pool).stat().st_mode) == mode


@pytest.mark.parametrize("mode", [0o666, 0o777, 0o400, 0o060, 0o1600])
def test_mode_that_shares_with_everyone_or_not_with_the_owner_is_refused(
    new_producer: MakeProducer, mode: int
) -> None:
    with pytest.raises(ValueError, match="mode must let the owner read and write"):
        new_producer(mode=mode)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\0" * 8192, b"\xff" * 8192])
def test_garbage_under_the_name_is_replaced_by_a_producer(
    new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str, content: bytes
) -> None:
    segment_path(pool).write_bytes(content)

    new_producer().put(filled(1))

    np.testing.assert_array_equal(new_consumer().get(), filled(1))


def test_truncated_segment_is_told_and_does_not_crash(
    new_producer: MakeProducer, pool: str
) -> None:
    producer = new_producer()
    producer.put(filled(1))
    whole = segment_path(pool).read_bytes()
    producer.cleanup()
    for length in (100, 895, 896, 1024, 4096, len(whole) - 1):
        segment_path(pool).write_bytes(whole[:length])

        with pytest.raises((SegmentError, PoolNotFoundError)):
            TensorConsumer.attach(pool)
        with pytest.raises((SegmentError, PoolNotFoundError)):
            inspect(pool)
    segment_path(pool).unlink()


def test_segment_of_another_version_is_told(new_producer: MakeProducer, pool: str) -> None:
    producer = new_producer()
    content = bytearray(segment_path(pool).read_bytes())
    producer.cleanup()
    content[8] = 99
    segment_path(pool).write_bytes(content)

    with pytest.raises(SegmentError, match=r"layout version 99.*same release"):
        TensorConsumer.attach(pool)

    segment_path(pool).unlink()
