"""list_pools, inspect, clean, namespaces and names."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from support import (
    PRODUCER,
    MakeConsumer,
    MakeProducer,
    StartChild,
    filled,
    segment_path,
    segments_of,
)

from tensor_ipc import (
    InvalidPoolNameError,
    PoolNotFoundError,
    SegmentError,
    TensorConsumer,
    TensorProducer,
    clean,
    inspect,
    list_pools,
)


def test_inspect_tells_what_a_pool_is(new_producer: MakeProducer, pool: str) -> None:
    producer = new_producer(np.zeros((4, 6), np.uint16), history_len=5, spare=4)
    before = time.monotonic_ns()
    for _ in range(12):
        producer.put(np.zeros((4, 6), np.uint16))

    info = inspect(pool)

    assert info.name == pool
    assert info.shape == (4, 6)
    assert info.dtype_str == "uint16"
    assert info.backend_type == "numpy"
    assert info.device == "cpu"
    assert info.history_len == 5
    assert info.slot_count == 9
    assert info.frame_bytes == 48
    assert info.segment_bytes == segment_path(pool).stat().st_size
    assert info.generation == 1
    assert info.layout_version == 1
    assert info.latest_frame == 11
    assert before <= info.last_published_ns <= time.monotonic_ns()
    assert info.rate_hz > 0
    assert info.producer_alive
    assert info.producer_pid == os.getpid()
    assert not info.closed
    assert info.skipped_slots == 0
    assert info.consumers == ()
    assert info.error == ""


def test_inspect_before_the_first_frame(new_producer: MakeProducer, pool: str) -> None:
    new_producer()

    info = inspect(pool)

    assert info.latest_frame == -1
    assert info.last_published_ns == 0
    assert info.rate_hz == 0.0


def test_inspect_lists_consumers_and_their_pins(
    new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str
) -> None:
    producer = new_producer(history_len=3)
    one = new_consumer(history_len=3)
    other = new_consumer(history_len=3)
    for value in range(3):
        producer.put(filled(value))
    views = one.get(3), other.get()

    consumers = inspect(pool).consumers

    assert [consumer.pid for consumer in consumers] == [os.getpid()] * 2
    assert sorted(consumer.pinned_slots for consumer in consumers) == [1, 3]
    del views
    one.cleanup()
    assert [consumer.pinned_slots for consumer in inspect(pool).consumers] == [0]


def test_inspect_does_not_join(new_producer: MakeProducer, pool: str) -> None:
    new_producer().put(filled(0))

    for _ in range(300):
        inspect(pool)

    assert inspect(pool).consumers == ()


def test_inspect_of_nothing_is_an_error(pool: str) -> None:
    with pytest.raises(PoolNotFoundError, match=pool) as error:
        inspect(pool)

    assert isinstance(error.value, LookupError)


def test_rate_of_a_dead_pool_is_zero(
    start_child: StartChild, new_producer: MakeProducer, pool: str
) -> None:
    child = start_child(PRODUCER, pool, 2, 1)
    child.read()
    child.kill()

    info = inspect(pool)

    assert info.rate_hz == 0.0
    assert not info.producer_alive
    assert info.producer_pid == child.pid
    assert info.latest_frame == 0
    new_producer(history_len=2)


def test_list_pools_is_sorted_by_name(new_producer: MakeProducer, pool: str) -> None:
    names = [f"{pool}-{letter}" for letter in "bca"]
    for name in names:
        new_producer(name=name)

    assert [info.name for info in list_pools()] == sorted(names)


def test_list_pools_shows_broken_ones_with_the_reason(
    new_producer: MakeProducer, pool: str
) -> None:
    new_producer()
    broken = segment_path(f"{pool}-broken")
    broken.write_bytes(b"not a pool" * 1000)

    pools = {info.name: info for info in list_pools()}

    assert pools[pool].error == ""
    assert pools[f"{pool}-broken"].error != ""
    assert pools[f"{pool}-broken"].segment_bytes == 10_000
    with pytest.raises((SegmentError, PoolNotFoundError)):
        inspect(f"{pool}-broken")
    broken.unlink()


def test_clean_removes_only_what_dead_producers_left(
    start_child: StartChild, new_producer: MakeProducer, pool: str
) -> None:
    living = new_producer()
    child = start_child(PRODUCER, f"{pool}-dead", 2, 3)
    child.read()
    child.kill()

    planned = clean(dry_run=True)
    assert segment_path(f"{pool}-dead").exists()
    removed = clean()

    assert planned == removed
    assert [each.name for each in removed] == [f"{pool}-dead"]
    assert removed[0].bytes > 0
    assert str(child.pid) in removed[0].reason
    assert not segment_path(f"{pool}-dead").exists()
    assert clean() == []
    assert living.put(filled(1)) == 0


def test_clean_tells_consumers_and_leaves_them_their_views(
    start_child: StartChild, new_consumer: MakeConsumer, new_producer: MakeProducer, pool: str
) -> None:
    child = start_child(PRODUCER, pool, 1, 3)
    child.read()
    consumer = new_consumer()
    view = consumer.get()
    child.kill()

    clean()

    np.testing.assert_array_equal(view, filled(2))
    assert consumer.get() is None
    new_producer().put(filled(8))
    np.testing.assert_array_equal(consumer.get(), filled(8))


def test_clean_removes_garbage_and_touches_nothing_of_others(pool: str) -> None:
    garbage = segment_path(pool)
    garbage.write_bytes(b"x" * 5000)
    foreign = Path("/dev/shm") / f"somebody-{pool}"
    foreign.write_bytes(b"y")
    try:
        assert [each.name for each in clean()] == [pool]
        assert foreign.exists()
    finally:
        foreign.unlink()
    assert not garbage.exists()


def test_namespaces_do_not_see_each_other(
    new_producer: MakeProducer, pool: str, monkeypatch: pytest.MonkeyPatch, namespace: str
) -> None:
    producer = new_producer()
    producer.put(filled(1))

    monkeypatch.setenv("TENSOR_IPC_NAMESPACE", f"{namespace}-2")
    assert list_pools() == []
    assert clean() == []
    with pytest.raises(PoolNotFoundError):
        TensorConsumer.attach(pool)
    with TensorProducer.from_sample(pool, filled(0)) as other:
        assert other.put(filled(2)) == 0
        assert [path.name for path in segments_of(f"{namespace}-2")] == [
            f"tensoripc_{namespace}-2={pool}"
        ]
        assert [info.latest_frame for info in list_pools()] == [0]

    monkeypatch.setenv("TENSOR_IPC_NAMESPACE", namespace)
    assert [info.name for info in list_pools()] == [pool]
    assert producer.put(filled(3)) == 1


def test_pools_of_the_default_namespace_have_plain_names(
    pool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TENSOR_IPC_NAMESPACE")

    with TensorProducer.from_sample(pool, filled(0)):
        assert (Path("/dev/shm") / f"tensoripc_{pool}").exists()
        assert pool in [info.name for info in list_pools()]

    assert not (Path("/dev/shm") / f"tensoripc_{pool}").exists()


@pytest.mark.parametrize("bad", ["a/b", "a b", "a=b", "x" * 33, ";", "a+b"])
def test_bad_namespace_is_refused(pool: str, monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    monkeypatch.setenv("TENSOR_IPC_NAMESPACE", bad)

    with pytest.raises(InvalidPoolNameError, match="TENSOR_IPC_NAMESPACE"):
        TensorProducer.from_sample(pool, filled(0))
    with pytest.raises(InvalidPoolNameError, match="TENSOR_IPC_NAMESPACE"):
        list_pools()


@pytest.mark.parametrize(
    "name",
    ["robot/arm/camera", "../x", "a/../../b", "/leading", "..", ".", "-rf", "A.b_c-9", "/"],
)
def test_names_with_slashes_and_dots_stay_in_shared_memory(
    new_producer: MakeProducer, namespace: str, name: str
) -> None:
    producer = new_producer(name=name)
    producer.put(filled(1))

    expected = f"tensoripc_{namespace}={name.replace('/', '+')}"
    assert [path.name for path in segments_of(namespace)] == [expected]
    assert [info.name for info in list_pools()] == [name]
    with TensorConsumer.attach(name) as consumer:
        np.testing.assert_array_equal(consumer.get(), filled(1))


def test_longest_name_works(new_producer: MakeProducer) -> None:
    name = "n" * 200

    new_producer(name=name)

    assert inspect(name).name == name
