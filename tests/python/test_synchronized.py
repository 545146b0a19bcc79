"""synchronized: frames of several pools that belong together in time."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from typing import Callable, Iterator
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import HANG_S, MakeConsumer, MakeProducer, StartChild
from timed_pools import FLOOD, SAMPLE, check_frame, check_window, put_at, set_reference

import tensor_ipc
from tensor_ipc import (
    ConsumerStats,
    Frame,
    FrameWindow,
    MetadataMismatchError,
    PoolNotFoundError,
    SynchronizedFrames,
    TensorConsumer,
    TensorProducer,
    synchronized,
)

HISTORY = 4
NS = 1e-9


class Pools:
    """A few pools, and a consumer of each."""

    def __init__(
        self, producers: list[TensorProducer], consumers: list[TensorConsumer]
    ) -> None:
        self.producers = producers
        self.consumers = consumers

    def put(self, *times: list[int]) -> None:
        """Publish, for each pool, frames captured at these times."""
        for producer, own in zip(self.producers, times):
            put_at(producer, *own)


MakePools = Callable[[int], Pools]


@pytest.fixture
def new_pools(
    new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str
) -> Iterator[MakePools]:
    def make(count: int) -> Pools:
        names = [f"{pool}-{i}" for i in range(count)]
        return Pools(
            [new_producer(SAMPLE, HISTORY, name=name, spare=8) for name in names],
            [new_consumer(SAMPLE, HISTORY, name=name) for name in names],
        )

    return make


def times_of(found: SynchronizedFrames | None) -> list[int] | None:
    return None if found is None else [each.timestamp_ns for each in found.frames]


def test_set_has_the_frames_that_belong_together_as_views(new_pools: MakePools) -> None:
    pools = new_pools(3)
    pools.put([100, 133, 166], [98, 131, 164], [102, 104, 106, 108])

    found = synchronized(pools.consumers, tolerance=10 * NS)

    assert times_of(found) == [100, 98, 102]
    assert (found.timestamp_ns, found.spread_ns) == (98, 4)
    assert found.spread_s == pytest.approx(4e-9)
    for frame in found:
        assert isinstance(frame, Frame)
        check_frame(frame)
        assert not frame.copied
        assert not frame.data.flags.owndata
    assert len(found) == 3
    assert found[1] is found.frames[1]
    assert "spread_ns=4" in repr(found)
    left, right, state = found
    assert (left.index, right.index, state.index) == (0, 0, 0)


def test_newest_set_wins_over_a_closer_one(new_pools: MakePools) -> None:
    pools = new_pools(2)
    pools.put([100, 200], [100, 209])

    assert times_of(synchronized(pools.consumers, tolerance=9 * NS)) == [200, 209]
    assert times_of(synchronized(pools.consumers, tolerance=8 * NS)) == [100, 100]


def test_each_frame_is_the_closest_to_the_oldest_of_the_set(new_pools: MakePools) -> None:
    pools = new_pools(2)
    pools.put([100], [99, 101, 103, 105])

    assert times_of(synchronized(pools.consumers, tolerance=50 * NS)) == [100, 101]


def test_frame_published_last_wins_among_equals(new_pools: MakePools) -> None:
    pools = new_pools(2)
    pools.put([100, 100, 100], [100])

    assert synchronized(pools.consumers, tolerance=0)[0].index == 2


def test_no_set_is_none_at_once(new_pools: MakePools) -> None:
    pools = new_pools(2)
    assert synchronized(pools.consumers, tolerance=1) is None

    pools.put([100], [])
    assert synchronized(pools.consumers, tolerance=1) is None

    pools.put([], [200])
    assert synchronized(pools.consumers, tolerance=99 * NS) is None
    assert synchronized(pools.consumers, tolerance=100 * NS) is not None


def test_histories_end_in_the_matched_frame(new_pools: MakePools) -> None:
    pools = new_pools(2)
    pools.put([100, 200, 300, 400, 500, 600], [501])

    window, frame = synchronized(pools.consumers, tolerance=5 * NS, history_len=[3, 1])

    assert isinstance(window, FrameWindow)
    assert isinstance(frame, Frame)
    check_window(window)
    assert window.timestamps_ns == (500, 400, 300)
    assert (window.timestamp_ns, frame.timestamp_ns) == (500, 501)
    assert not window.copied


def test_histories_may_be_shorter_than_asked_for(new_pools: MakePools) -> None:
    pools = new_pools(2)
    pools.put([100, 200, 300, 400, 500, 600], [501])

    windows = synchronized(pools.consumers, tolerance=5 * NS, history_len=4)

    assert windows[0].timestamps_ns == (500, 400, 300)  # 200 is no part of the history any more
    assert windows[1].timestamps_ns == (501,)
    assert windows[1].data.shape == (1, *SAMPLE.shape)


def test_histories_come_oldest_first_on_request(new_pools: MakePools) -> None:
    pools = new_pools(2)
    pools.put([100, 200, 300], [300])

    found = synchronized(pools.consumers, tolerance=0, history_len=(2, 1), latest_first=False)

    check_window(found[0])
    assert found[0].timestamps_ns == (200, 300)
    assert found[0].timestamp_ns == 300
    assert found.timestamp_ns == 300


def test_only_what_was_captured_later_counts(new_pools: MakePools) -> None:
    pools = new_pools(2)
    pools.put([100], [103])
    found = synchronized(pools.consumers, tolerance=5 * NS, after_ns=-1)

    assert synchronized(pools.consumers, tolerance=5 * NS, after_ns=99) is not None
    assert synchronized(pools.consumers, tolerance=5 * NS, after_ns=found.timestamp_ns) is None
    assert synchronized(pools.consumers, tolerance=5 * NS, after_ns=2**70) is None
    pools.put([108], [])
    again = synchronized(pools.consumers, tolerance=5 * NS, after_ns=found.timestamp_ns)
    assert times_of(again) == [108, 103]


def test_one_consumer_may_be_there_twice(new_pools: MakePools) -> None:
    pools = new_pools(1)
    pools.put([100, 200])

    found = synchronized(pools.consumers * 2, tolerance=0, history_len=[2, 1])

    assert found[0].timestamps_ns == (200, 100)
    assert found[1].timestamp_ns == 200


def test_sets_leave_the_place_in_the_stream_alone_and_can_be_kept(
    new_pools: MakePools,
) -> None:
    pools = new_pools(2)
    pools.put([100], [101])

    kept = [synchronized(pools.consumers, tolerance=5 * NS) for _ in range(50)]

    assert all(consumer.wait(0) for consumer in pools.consumers)
    assert [consumer.stats for consumer in pools.consumers] == [ConsumerStats(50, 0, 0, 0)] * 2
    for consumer in pools.consumers:
        consumer.cleanup()
    pools.put(list(range(200, 230)), list(range(200, 230)))
    for found in kept:
        assert times_of(found) == [100, 101]
        for frame in found:
            check_frame(frame)


def test_wrong_arguments_are_refused(new_pools: MakePools) -> None:
    consumers = new_pools(2).consumers
    refused: list[tuple[type[Exception], str, dict[str, object]]] = [
        (ValueError, "at least one consumer", {"consumers": []}),
        (TypeError, "expected TensorConsumer, got str", {"consumers": ["camera"]}),
        (ValueError, "tolerance must be", {"tolerance": -1e-9}),
        (ValueError, "tolerance must be", {"tolerance": math.nan}),
        (ValueError, "one for each of 2 consumers, got 3", {"history_len": [1, 1, 1]}),
        (ValueError, "history_len must be 1 to .*, got 0", {"history_len": 0}),
        (ValueError, "history_len must be 1 to .*, got -1", {"history_len": [1, -1]}),
        (ValueError, f"1 to {HISTORY} for pool .* got 5", {"history_len": 5}),
        (TypeError, "integer", {"after_ns": 1.5}),
    ]
    for error, text, wrong in refused:
        arguments: dict[str, object] = {"consumers": consumers, "tolerance": 0.0, **wrong}
        with pytest.raises(error, match=text):
            synchronized(**arguments)  # type: ignore[arg-type]


def test_infinite_tolerance_takes_the_newest_of_each(new_pools: MakePools) -> None:
    pools = new_pools(2)
    pools.put([1], [10**18])

    assert synchronized(pools.consumers, tolerance=math.inf) is not None
    assert synchronized(pools.consumers, tolerance=1e300) is not None


def test_cleaned_up_consumer_is_refused(new_pools: MakePools) -> None:
    pools = new_pools(2)
    pools.consumers[1].cleanup()

    with pytest.raises(PoolNotFoundError, match="cleaned up"):
        synchronized(pools.consumers, tolerance=1)


def test_unexpected_pool_is_refused(
    new_producer: MakeProducer, new_consumer: MakeConsumer, new_pools: MakePools
) -> None:
    consumer = new_consumer(SAMPLE, HISTORY)
    new_producer(np.zeros(3))

    with pytest.raises(MetadataMismatchError):
        synchronized([*new_pools(1).consumers, consumer], tolerance=1, timeout=HANG_S)


def check_against_reference(
    published: list[list[int]],
    history_lens: list[int],
    wanted: list[int],
    tolerance_ns: int,
    after_ns: int | None,
) -> None:
    """Publish to pools of their own and compare the set with that of the plain rule."""
    with contextlib.ExitStack() as stack:
        names = [f"pool-{uuid4().hex[:12]}" for _ in published]
        consumers = []
        for name, times, history_len in zip(names, published, history_lens):
            producer = stack.enter_context(
                TensorProducer.from_sample(name, SAMPLE, history_len, spare=3)
            )
            put_at(producer, *times)
            consumers.append(stack.enter_context(TensorConsumer.attach(name)))
        histories = [times[::-1][:most] for times, most in zip(published, history_lens)]
        ages = set_reference(histories, tolerance_ns, after_ns)

        found = synchronized(
            consumers, tolerance=tolerance_ns * NS, after_ns=after_ns, history_len=wanted
        )

        assert (found is None) == (ages is None)
        if found is None or ages is None:
            return
        matched = [history[age] for history, age in zip(histories, ages)]
        assert found.timestamp_ns == min(matched)
        assert found.spread_ns == max(matched) - min(matched)
        for each, history, age, times, most in zip(found, histories, ages, published, wanted):
            assert each.index == len(times) - 1 - age
            assert not each.copied
            if most == 1:
                assert isinstance(each, Frame)
                check_frame(each)
            else:
                assert isinstance(each, FrameWindow)
                check_window(each)
                assert each.timestamps_ns == tuple(history[age : age + most])


@given(data=st.data(), tolerance_ns=st.integers(0, 8))
@settings(max_examples=300, deadline=None, database=None)
def test_set_is_that_of_the_rule_whatever_the_times(
    data: st.DataObject, tolerance_ns: int
) -> None:
    published = data.draw(
        st.lists(st.lists(st.integers(0, 30), max_size=9), min_size=1, max_size=4)
    )
    history_lens = [data.draw(st.integers(1, 5)) for _ in published]
    wanted = [data.draw(st.integers(1, most)) for most in history_lens]
    after_ns = data.draw(st.one_of(st.none(), st.integers(-1, 31)))

    check_against_reference(published, history_lens, wanted, tolerance_ns, after_ns)


@st.composite
def sensors(draw: st.DrawFn) -> list[list[int]]:
    """Times of sensors on one clock: a period each, a phase, jitter, and frames that were dropped."""
    published = []
    for _ in range(draw(st.integers(2, 5))):
        period = draw(st.sampled_from([2, 5, 33, 100]))
        jitter = draw(st.integers(0, period // 2))
        phase = draw(st.integers(0, period))
        count = draw(st.integers(0, 200 // period + 1))
        times = [phase + i * period + draw(st.integers(0, jitter)) for i in range(count)]
        published.append([time for time in times if draw(st.integers(0, 4))])
    return published


@given(published=sensors(), tolerance_ns=st.integers(0, 40), data=st.data())
@settings(max_examples=150, deadline=None, database=None)
def test_set_of_sensors_is_that_of_the_rule(
    published: list[list[int]], tolerance_ns: int, data: st.DataObject
) -> None:
    history_lens = [data.draw(st.integers(1, 6)) for _ in published]
    wanted = [data.draw(st.integers(1, most)) for most in history_lens]

    check_against_reference(published, history_lens, wanted, tolerance_ns, None)


@pytest.mark.parametrize("timeout", [0, -1, 0.02, math.nan])
@pytest.mark.parametrize("with_frames", [False, True])
def test_wait_without_a_set_takes_its_time_out(
    new_pools: MakePools, timeout: float, with_frames: bool
) -> None:
    pools = new_pools(2)
    if with_frames:
        pools.put([100], [200])

    before = time.monotonic()
    found = synchronized(pools.consumers, tolerance=0, timeout=timeout)

    assert found is None
    if timeout > 0:
        assert time.monotonic() - before >= timeout


# Answers each set with its time and those in its frames, until its input ends.
READER = """
    import os, sys, threading
    import numpy as np
    from tensor_ipc import TensorConsumer, synchronized

    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    sample = np.zeros(2000, dtype=np.int64)
    consumers = [TensorConsumer.from_sample(name, sample, history_len=4) for name in sys.argv[2:]]
    print("ready", flush=True)
    after_ns = None
    while True:
        found = synchronized(
            consumers, tolerance=5e-9, timeout=float(sys.argv[1]), after_ns=after_ns
        )
        after_ns = found.timestamp_ns
        print(after_ns, *(int(frame.data[0]) for frame in found), flush=True)
"""


def names_of(pools: Pools) -> list[str]:
    return [producer.metadata.name for producer in pools.producers]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_wait_ends_with_the_frame_that_completes_a_set(
    new_pools: MakePools, start_child: StartChild, order: tuple[int, ...]
) -> None:
    pools = new_pools(3)
    child = start_child(READER, HANG_S, *names_of(pools))
    assert child.read() == "ready"

    for turn in range(1, 30):
        times = [1000 * turn + offset for offset in (0, 3, 1)]
        for which in order:
            put_at(pools.producers[which], times[which])
        assert child.read() == " ".join(map(str, [min(times), *times]))


def test_wait_is_for_pools_that_come_later_too(
    new_pools: MakePools, new_producer: MakeProducer, start_child: StartChild, pool: str
) -> None:
    pools = new_pools(1)
    child = start_child(READER, math.inf, *names_of(pools), pool)
    assert child.read() == "ready"
    child.await_sleep()
    pools.put([100])

    put_at(new_producer(SAMPLE, HISTORY), 102)

    assert child.read() == "100 100 102"


def test_wait_goes_through_a_restart_of_a_producer(
    new_pools: MakePools, new_producer: MakeProducer, start_child: StartChild, pool: str
) -> None:
    pools = new_pools(1)
    first = new_producer(SAMPLE, HISTORY)
    child = start_child(READER, HANG_S, *names_of(pools), pool)
    assert child.read() == "ready"
    pools.put([100])
    put_at(first, 100)
    assert child.read() == "100 100 100"

    child.await_sleep()
    first.cleanup()
    second = new_producer(SAMPLE, HISTORY)
    pools.put([200])
    put_at(second, 200)

    assert child.read() == "200 200 200"


def test_killed_producer_holds_nobody_up_beyond_the_time_out(
    new_pools: MakePools, new_consumer: MakeConsumer, start_child: StartChild, pool: str
) -> None:
    pools = new_pools(1)
    child = start_child(FLOOD, pool, HISTORY, 1)
    assert child.read() == "ready"
    dead = new_consumer(SAMPLE, HISTORY)
    assert dead.wait(HANG_S)
    child.kill()
    last = dead.get_frame().timestamp_ns
    pools.put([last + 100])
    consumers = [*pools.consumers, dead]

    assert synchronized(consumers, tolerance=99 * NS, timeout=0.15) is None
    assert times_of(synchronized(consumers, tolerance=100 * NS)) == [last + 100, last]
    tensor_ipc.clean()


def test_wait_finds_a_set_that_is_completed_out_of_order(new_pools: MakePools) -> None:
    pools = new_pools(2)
    pools.put([100], [300, 200])  # the first pool is behind, and nothing more comes there
    found: list[SynchronizedFrames | None] = []
    thread = threading.Thread(
        target=lambda: found.append(synchronized(pools.consumers, tolerance=0, timeout=HANG_S))
    )
    thread.start()

    put_at(pools.producers[1], 100)
    thread.join(HANG_S)

    assert times_of(found[0]) == [100, 100]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("with_frames", [False, True])
def test_cleanup_in_another_thread_ends_the_wait(
    new_pools: MakePools, which: int, with_frames: bool
) -> None:
    pools = new_pools(2)
    if with_frames:
        pools.put([100], [200])
    outcomes: list[object] = []

    def read() -> None:
        try:
            outcomes.append(synchronized(pools.consumers, tolerance=0, timeout=None))
        except PoolNotFoundError:  # it was cleaned up before the wait began
            outcomes.append(None)

    thread = threading.Thread(target=read)
    thread.start()

    pools.consumers[which].cleanup()
    thread.join(HANG_S)

    assert outcomes == [None]


def test_other_threads_may_use_the_consumers_meanwhile(new_pools: MakePools) -> None:
    pools = new_pools(2)
    pools.put([100], [200])
    found: list[SynchronizedFrames | None] = []
    thread = threading.Thread(
        target=lambda: found.append(synchronized(pools.consumers, tolerance=0, timeout=HANG_S))
    )
    thread.start()

    for turn in range(300, 500):
        pools.put([turn], [])
        assert all(consumer.get() is not None for consumer in pools.consumers)
    pools.put([], [499])
    thread.join(HANG_S)

    assert times_of(found[0]) == [499, 499]


SLEEPER = """
    import signal, sys
    import numpy as np
    from tensor_ipc import TensorConsumer, synchronized

    signal.signal(signal.SIGUSR1, lambda *_: print("handled", flush=True))
    sample = np.zeros(2000, dtype=np.int64)
    consumers = [TensorConsumer.from_sample(name, sample, history_len=4) for name in sys.argv[1:]]
    print("waiting", flush=True)
    try:
        print(synchronized(consumers, tolerance=0, timeout=None).timestamp_ns, flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.parametrize("with_pools", [False, True])
def test_ctrl_c_interrupts_the_wait(
    new_pools: MakePools, start_child: StartChild, pool: str, with_pools: bool
) -> None:
    names = names_of(new_pools(2)) if with_pools else [pool, f"{pool}-other"]
    child = start_child(SLEEPER, *names)
    assert child.read() == "waiting"
    child.await_sleep()

    child.process.send_signal(signal.SIGINT)

    assert child.read() == "interrupted"
    assert child.finish()[0] == 0


def test_other_signals_are_handled_during_the_wait_which_goes_on(
    new_pools: MakePools, start_child: StartChild
) -> None:
    pools = new_pools(2)
    child = start_child(SLEEPER, *names_of(pools))
    assert child.read() == "waiting"
    child.await_sleep()

    child.process.send_signal(signal.SIGUSR1)

    assert child.read() == "handled"
    pools.put([100], [100])
    assert child.read() == "100"
    assert child.finish()[0] == 0


def test_payloads_belong_to_their_times_while_producers_go_on_at_full_speed(
    new_consumer: MakeConsumer, start_child: StartChild, pool: str
) -> None:
    names = [f"{pool}-{i}" for i in range(2)]
    children = [start_child(FLOOD, name, HISTORY, step) for step, name in enumerate(names, 2)]
    for child in children:
        assert child.read() == "ready"
    consumers = [new_consumer(SAMPLE, HISTORY, name=name) for name in names]
    for consumer in consumers:
        assert consumer.wait(HANG_S)

    for turn in range(1500):
        # Nothing keeps the two together, so as wide as it takes.
        found = synchronized(
            consumers, tolerance=math.inf, timeout=HANG_S, history_len=1 + turn % 3
        )
        times = times_of(found)
        assert found.timestamp_ns == min(times)
        assert found.spread_ns == max(times) - min(times)
        for each in found:
            (check_frame if turn % 3 == 0 else check_window)(each)


def test_is_the_function_not_the_module() -> None:
    assert callable(tensor_ipc.synchronized)
