"""Ways to wait for a frame: wait, iteration, async iteration, select."""

from __future__ import annotations

import asyncio
import itertools
import math
import select
import signal
import struct
import threading
import time

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

from tensor_ipc import TensorConsumer


def test_wait_is_true_until_the_frame_is_got(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()
    assert consumer.wait(0) is False

    producer.put(filled(0))

    assert consumer.wait(0) is True
    assert consumer.wait() is True
    consumer.get()
    assert consumer.wait(0) is False
    producer.put(filled(1))
    assert consumer.wait(0) is True
    consumer.get_frame()
    assert consumer.wait(0) is False


def test_wait_of_a_late_comer_is_true_at_once(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    new_producer().put(filled(0))

    assert new_consumer().wait(0) is True


def test_each_consumer_has_its_own_place(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    one, other = new_consumer(), new_consumer()
    producer.put(filled(0))

    one.get()

    assert one.wait(0) is False
    assert other.wait(0) is True


@pytest.mark.parametrize("timeout", [0, -1, 0.02, math.nan])
@pytest.mark.parametrize("with_pool", [False, True])
def test_wait_without_a_frame_takes_its_time_out(
    new_producer: MakeProducer, new_consumer: MakeConsumer, timeout: float, with_pool: bool
) -> None:
    if with_pool:
        new_producer()
    consumer = new_consumer()

    before = time.monotonic()
    outcome = consumer.wait(timeout)

    assert outcome is False
    if timeout > 0:
        assert time.monotonic() - before >= timeout


@pytest.mark.parametrize("timeout", [math.inf, 1e300, HANG_S])
def test_wait_is_woken_by_another_process(
    new_consumer: MakeConsumer, start_child: StartChild, pool: str, timeout: float
) -> None:
    child = start_child(PRODUCER, pool, 1, 1)
    child.read()
    consumer = new_consumer()

    for value in range(1, 20):
        consumer.get()
        child.write(value)
        assert consumer.wait(timeout)

    np.testing.assert_array_equal(consumer.get(), filled(19))


def test_spinning_consumer_is_woken_too(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer(spin_s=0.001)

    thread = threading.Thread(target=lambda: producer.put(filled(1)))
    thread.start()

    assert consumer.wait(HANG_S)
    thread.join()


def test_wait_lets_other_threads_run(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()
    outcomes: list[bool] = []
    thread = threading.Thread(target=lambda: outcomes.append(consumer.wait(HANG_S)))
    thread.start()

    producer.put(filled(0))
    thread.join(HANG_S)

    assert outcomes == [True]


@pytest.mark.parametrize("with_pool", [False, True])
def test_cleanup_ends_wait_in_another_thread(
    new_producer: MakeProducer, new_consumer: MakeConsumer, with_pool: bool
) -> None:
    if with_pool:
        new_producer()
    consumer = new_consumer()
    outcomes: list[bool] = []
    thread = threading.Thread(target=lambda: outcomes.append(consumer.wait()))
    thread.start()

    consumer.cleanup()
    thread.join(HANG_S)

    assert outcomes == [False]


WAITER = """
    import signal, sys
    import numpy as np
    from tensor_ipc import TensorConsumer
    handled = []
    signal.signal(signal.SIGUSR1, lambda *_: (handled.append(1), print("handled", flush=True)))
    consumer = TensorConsumer.from_sample(sys.argv[1], np.zeros((2, 3), dtype=np.int32))
    print("waiting", flush=True)
    try:
        print(consumer.wait(), flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.parametrize("with_pool", [False, True])
def test_ctrl_c_interrupts_wait(
    new_producer: MakeProducer, start_child: StartChild, pool: str, with_pool: bool
) -> None:
    if with_pool:
        new_producer()
    child = start_child(WAITER, pool)
    assert child.read() == "waiting"
    child.await_sleep()

    child.process.send_signal(signal.SIGINT)

    assert child.read() == "interrupted"
    assert child.finish()[0] == 0


@pytest.mark.parametrize("with_pool", [False, True])
def test_other_signals_are_handled_during_wait_which_goes_on(
    new_producer: MakeProducer, start_child: StartChild, pool: str, with_pool: bool
) -> None:
    producer = new_producer() if with_pool else None
    child = start_child(WAITER, pool)
    assert child.read() == "waiting"
    child.await_sleep()

    child.process.send_signal(signal.SIGUSR1)

    assert child.read() == "handled"
    if producer is None:
        producer = new_producer()
    producer.put(filled(0))
    assert child.read() == "True"
    assert child.finish()[0] == 0


def test_iteration_yields_new_frames_until_cleanup(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()
    seen = []

    producer.put(filled(0))
    for frame in consumer:
        seen.append(int(frame[0, 0]))
        if seen[-1] == 5:
            consumer.cleanup()
        else:
            producer.put(filled(seen[-1] + 1))

    assert seen == [0, 1, 2, 3, 4, 5]


def test_iteration_ends_when_another_thread_cleans_up(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()
    started = threading.Event()
    seen: list[int] = []

    def read() -> None:
        for frame in consumer:
            seen.append(int(frame[0, 0]))
            started.set()

    thread = threading.Thread(target=read)
    thread.start()
    producer.put(filled(3))
    assert started.wait(HANG_S)

    consumer.cleanup()
    thread.join(HANG_S)

    assert not thread.is_alive()
    assert seen == [3]


def test_iteration_goes_on_with_the_next_producer(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    first = new_producer()
    consumer = new_consumer()
    frames = iter(consumer)
    first.put(filled(1))
    assert int(next(frames)[0, 0]) == 1
    first.cleanup()

    new_producer().put(filled(2))

    assert int(next(frames)[0, 0]) == 2


def test_async_for_yields_new_frames_until_cleanup(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()

    async def read() -> list[int]:
        seen = []
        async for frame in consumer:
            seen.append(int(frame[0, 0]))
            if seen[-1] == 5:
                consumer.cleanup()
            else:
                asyncio.get_running_loop().call_soon(producer.put, filled(seen[-1] + 1))
        return seen

    producer.put(filled(0))
    seen = asyncio.run(asyncio.wait_for(read(), HANG_S))

    assert seen == [0, 1, 2, 3, 4, 5]


def test_async_for_lets_others_run_while_the_announced_frame_cannot_be_had(
    pool: str,
    new_producer: MakeProducer,
    new_consumer: MakeConsumer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    producer = new_producer()
    consumer = new_consumer()
    producer.put(filled(0))
    with segment_path(pool).open("r+b") as segment:  # docs/protocol.md, Header and Slot headers
        segment.seek(704)
        segment.write(struct.pack("=Q", 100 << 16))
        for slot in range(4):
            segment.seek(1024 + 64 * slot)
            segment.write(struct.pack("=Q", 2**64 - 1))
    calls = itertools.count()
    get = consumer.get
    monkeypatch.setattr(consumer, "get", lambda: get() if next(calls) < 1000 else 1 / 0)

    async def main() -> None:
        async def read() -> None:
            async for _ in consumer:
                pass

        task = asyncio.ensure_future(read())
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert next(calls) > 0


def test_async_for_ends_when_another_task_cleans_up(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()

    async def main() -> list[int]:
        got = asyncio.Event()
        seen = []

        async def read() -> None:
            async for frame in consumer:
                seen.append(int(frame[0, 0]))
                got.set()

        task = asyncio.ensure_future(read())
        producer.put(filled(7))
        await got.wait()
        consumer.cleanup()
        await task
        return seen

    assert asyncio.run(asyncio.wait_for(main(), HANG_S)) == [7]


def test_async_for_does_not_block_the_loop(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    new_producer()
    consumer = new_consumer()

    async def main() -> None:
        async def read() -> None:
            async for _ in consumer:
                pass

        task = asyncio.ensure_future(read())
        for _ in range(100):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(main(), HANG_S))


def test_fileno_is_readable_until_the_frame_is_got(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    consumer = new_consumer()
    assert select.select([consumer], [], [], 0)[0] == []

    for value in range(20):
        producer.put(filled(value))
        assert select.select([consumer], [], [], HANG_S)[0] == [consumer]
        assert select.select([consumer], [], [], 0)[0] == [consumer]
        np.testing.assert_array_equal(consumer.get(), filled(value))
        assert select.select([consumer], [], [], 0)[0] == []


def test_fileno_is_readable_at_once_for_a_frame_that_was_there(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    new_producer().put(filled(0))
    consumer = new_consumer()

    assert select.select([consumer.fileno()], [], [], HANG_S)[0] == [consumer.fileno()]


def test_fileno_works_with_epoll_and_before_the_pool_is_there(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    consumer = new_consumer()
    with select.epoll() as poller:
        poller.register(consumer, select.EPOLLIN)

        new_producer().put(filled(1))

        assert poller.poll(HANG_S) == [(consumer.fileno(), select.EPOLLIN)]
    assert consumer.get() is not None


def test_fileno_works_beside_a_callback(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    called = threading.Event()
    producer = new_producer()
    consumer = new_consumer(callback=lambda _: called.set())
    descriptor = consumer.fileno()

    producer.put(filled(1))

    assert called.wait(HANG_S)
    assert select.select([descriptor], [], [], HANG_S)[0] == [descriptor]
    assert consumer.wait(0) is True  # the callback's frame is not the caller's
    assert consumer.get() is not None


def test_wait_on_an_unexpected_pool_raises(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    consumer = new_consumer()
    new_producer(np.zeros(3))

    with pytest.raises(ValueError, match="not what this consumer expects"):
        consumer.wait(HANG_S)


def test_attached_consumer_waits_like_any_other(new_producer: MakeProducer, pool: str) -> None:
    producer = new_producer()
    with TensorConsumer.attach(pool) as consumer:
        producer.put(filled(1))
        assert consumer.wait(HANG_S)
