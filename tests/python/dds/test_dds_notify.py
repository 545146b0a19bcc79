"""Consumers that DDS wakes: the same frames, the same results as by shared memory."""

from __future__ import annotations

import asyncio
import os
import pickle
import select
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support import HANG_S, filled

from tensor_ipc import DdsUnavailableError, TensorConsumer

if TYPE_CHECKING:
    from support import MakeConsumer, MakeProducer, StartChild

    from tensor_ipc import TensorProducer

# Waits by DDS for each frame of a pool and says which it got.
READER = """
    import sys
    from tensor_ipc import TensorConsumer

    name, domain = sys.argv[1], int(sys.argv[2])
    consumer = TensorConsumer.attach(name, notify="dds", dds_participant=domain)
    print("attached", flush=True)
    while consumer.wait(60):
        frame = consumer.get_frame()
        print(frame.index, flush=True)
"""


def await_reader(producer: TensorProducer) -> None:
    """Return when somebody hears of the pool's progress."""
    announcement = producer._announcement
    assert announcement is not None
    stop = threading.Event()
    while announcement.readers == 0:
        stop.wait(0.002)


def samples_of(consumer: TensorConsumer) -> int:
    assert consumer._progress is not None
    return consumer._progress.samples


def test_wait_returns_when_a_frame_is_told_of(
    new_producer: MakeProducer, new_consumer: MakeConsumer, domain: int
) -> None:
    producer = new_producer(dds_participant=domain)
    consumer = new_consumer(notify="dds", dds_participant=domain)
    await_reader(producer)

    for value in range(5):
        assert not consumer.wait(0)
        producer.put(filled(value))
        assert consumer.wait(HANG_S)
        np.testing.assert_array_equal(consumer.get(), filled(value))

    latest = consumer._progress.latest  # type: ignore[union-attr]
    while latest is None or latest[1] != 4:  # wait() may have been faster than DDS
        latest = consumer._progress.latest  # type: ignore[union-attr]
    assert samples_of(consumer) >= 1


def test_producer_wakes_no_futex_for_a_consumer_that_waits_by_dds(
    new_producer: MakeProducer, start_child: StartChild, pool: str, domain: int
) -> None:
    producer = new_producer(dds_participant=domain)
    child = start_child(READER, pool, domain)
    child.read()
    await_reader(producer)
    child.await_sleep()

    producer.put(filled(1))

    assert child.read() == "0"
    header = np.memmap(f"/dev/shm/{producer.metadata.shm_name}", np.uint32, "r", 768, 2)
    assert header[1] == 0  # `waiting` was never raised
    child.kill()


def test_timeout_and_cleanup_end_a_wait(new_consumer: MakeConsumer, domain: int) -> None:
    consumer = new_consumer(notify="dds", dds_participant=domain)
    assert not consumer.wait(0.05)
    ended = threading.Event()

    def wait() -> None:
        if not consumer.wait():
            ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    consumer.cleanup()

    assert ended.wait(HANG_S)
    thread.join()


def test_consumer_may_come_before_its_producer(
    new_producer: MakeProducer, new_consumer: MakeConsumer, domain: int
) -> None:
    consumer = new_consumer(notify="dds", dds_participant=domain)
    got: list[Any] = []
    thread = threading.Thread(
        target=lambda: consumer.wait(HANG_S) and got.append(consumer.get())
    )
    thread.start()

    producer = new_producer(dds_participant=domain)
    producer.put(filled(3))

    thread.join(HANG_S)
    np.testing.assert_array_equal(got[0], filled(3))


def test_frames_of_a_pool_that_nobody_tells_of_are_seen_all_the_same(
    new_producer: MakeProducer, new_consumer: MakeConsumer, domain: int
) -> None:
    """Samples are lost at times, and a producer may be without DDS."""
    producer = new_producer(dds_participant=False)
    consumer = new_consumer(notify="dds", dds_participant=domain)

    producer.put(filled(7))

    assert consumer.wait(HANG_S)
    assert samples_of(consumer) == 0


def test_callback_iteration_and_descriptor(
    new_producer: MakeProducer, new_consumer: MakeConsumer, domain: int
) -> None:
    producer = new_producer(dds_participant=domain)
    called = threading.Event()
    new_consumer(notify="dds", dds_participant=domain, callback=lambda _: called.set())
    iterating = new_consumer(notify="dds", dds_participant=domain)
    polled = new_consumer(notify="dds", dds_participant=domain)
    descriptor = polled.fileno()
    await_reader(producer)

    producer.put(filled(1))

    assert called.wait(HANG_S)
    np.testing.assert_array_equal(next(iter(iterating)), filled(1))
    assert select.select([descriptor], [], [], HANG_S)[0]

    async def first() -> Any:
        async for frame in iterating:
            return frame
        return None

    producer.put(filled(2))
    np.testing.assert_array_equal(asyncio.run(first()), filled(2))


def test_restarted_producer_is_followed(
    new_producer: MakeProducer, new_consumer: MakeConsumer, domain: int
) -> None:
    first = new_producer(dds_participant=domain)
    consumer = new_consumer(notify="dds", dds_participant=domain)
    first.put(filled(1))
    assert consumer.wait(HANG_S)
    consumer.get()
    first.cleanup()

    second = new_producer(dds_participant=domain)
    second.put(filled(2))

    assert consumer.wait(HANG_S)
    np.testing.assert_array_equal(consumer.get(), filled(2))


def test_pickled_consumer_and_producer_keep_their_domain(
    new_producer: MakeProducer, new_consumer: MakeConsumer, domain: int
) -> None:
    producer = new_producer(dds_participant=domain, keep_last=3)
    consumer = new_consumer(notify="dds", dds_participant=domain, keep_last=3)

    with pickle.loads(pickle.dumps(consumer)) as copy:
        assert copy._dds == consumer._dds == (domain, 3)
        assert copy._options.notify == "dds"
        producer.put(filled(1))
        assert copy.wait(HANG_S)
    assert pickle.loads(pickle.dumps(producer))._dds == producer._dds


def test_forked_child_listens_by_itself(
    new_producer: MakeProducer, new_consumer: MakeConsumer, domain: int
) -> None:
    producer = new_producer(dds_participant=domain)
    consumer = new_consumer(notify="dds", dds_participant=domain)
    producer.put(filled(1))
    assert consumer.wait(HANG_S)
    consumer.get()
    await_reader(producer)

    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            consumer.get()
            assert consumer._progress is None
            os.write(writing, b"a")
            assert consumer.wait(HANG_S)
            while samples_of(consumer) == 0:
                assert consumer.wait(HANG_S)
            os.write(writing, b"b")
            code = 0
        finally:
            os._exit(code)
    os.read(reading, 1)
    stop = threading.Event()
    value = 2
    while not select.select([reading], [], [], 0)[0]:
        producer.put(filled(value))
        value += 1
        stop.wait(0.01)
    assert os.waitpid(child, 0)[1] == 0
    os.close(reading)
    os.close(writing)


def test_notify_has_two_values(new_consumer: MakeConsumer) -> None:
    with pytest.raises(ValueError, match="'shm' or 'dds', got 'mail'"):
        new_consumer(notify="mail")


def test_notify_by_dds_fails_where_dds_is_switched_off(
    new_consumer: MakeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENSOR_IPC_DDS", "off")
    with pytest.raises(DdsUnavailableError, match="TENSOR_IPC_DDS=off"):
        new_consumer(notify="dds")


@pytest.mark.parametrize("wrong", ["0", 1.5, True, object()])
def test_participant_of_another_kind_is_a_type_error(
    new_producer: MakeProducer, new_consumer: MakeConsumer, wrong: object
) -> None:
    for make in (new_producer, new_consumer):
        with pytest.raises(TypeError, match="dds_participant: expected"):
            make(dds_participant=wrong)


@pytest.mark.parametrize("wrong", [-1, 231])
def test_domain_outside_its_range_is_a_value_error(
    new_producer: MakeProducer, new_consumer: MakeConsumer, wrong: int
) -> None:
    for make in (new_producer, new_consumer):
        with pytest.raises(ValueError, match="0 to 230"):
            make(dds_participant=wrong)
