"""What a mirror does when the producer, the server or the mirror itself begins anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import numpy as np
import pytest
from checked_frames import check
from support import HANG_S

from tensor_ipc import TensorConsumer, TensorProducer, inspect

if TYPE_CHECKING:
    from conftest import Produce, Start
    from sides import Command

    Serve = Callable[[], Command]
    Follow = Callable[..., Command]


# On one host, in two namespaces of pools: what restarts is the same with a network in between.
@pytest.fixture
def serve(start: Start, source_space: str, pool: str) -> Serve:
    return lambda: start(None, "--serve", pool, name_space=source_space)


@pytest.fixture
def follow(start: Start, pool: str) -> Follow:
    return lambda *words: start(None, pool, "--from", "any", *words)


def newest(consumer: TensorConsumer) -> int | None:
    """Check and return the newest frame's number."""
    frame = consumer.get_frame()
    return None if frame is None else check(frame)


def test_goes_on_when_the_producer_was_killed_and_came_back(
    serve: Serve, follow: Follow, produce: Produce, pool: str
) -> None:
    producer = produce(pool)
    producer.put(5)
    serve()
    mirror = follow()
    mirror.wait_for(lambda facts: facts["latest_frame"] == 4)
    with TensorConsumer.attach(pool, dds_participant=False) as consumer:
        producer.kill()
        successor = produce(pool)
        assert successor.first == 5
        successor.put(1)
        facts = mirror.wait_for(lambda facts: facts["latest_frame"] == 5)

        assert facts["pools_made"] == 1
        assert newest(consumer) == 5


def test_begins_anew_when_the_producer_ended_and_another_began(
    serve: Serve, follow: Follow, produce: Produce, pool: str
) -> None:
    producer = produce(pool)
    producer.put(5)
    serve()
    mirror = follow()
    mirror.wait_for(lambda facts: facts["latest_frame"] == 4)
    with TensorConsumer.attach(pool, dds_participant=False) as consumer:
        producer.end()
        mirror.wait_for(lambda facts: not facts["open"])
        assert consumer.get() is None
        produce(pool, (10, 10)).put(2)
        mirror.wait_for(lambda facts: facts["latest_frame"] == 1)

        assert newest(consumer) == 1
        assert consumer.get().shape == (10, 10)


def test_goes_on_when_the_server_was_killed_and_came_back(
    serve: Serve, follow: Follow, produce: Produce, pool: str
) -> None:
    producer = produce(pool)
    producer.put(5)
    server = serve()
    mirror = follow()
    mirror.wait_for(lambda facts: facts["latest_frame"] == 4)
    with TensorConsumer.attach(pool, dds_participant=False) as consumer:
        held = consumer.get_frame()
        server.kill()
        producer.put(5)
        serve()
        facts = mirror.wait_for(lambda facts: facts["latest_frame"] == 9)

        assert facts["pools_made"] == 1
        assert facts["missed"] == 4
        assert newest(consumer) == 9
        assert check(held) == 4


def test_mirror_that_was_killed_leaves_its_name_to_the_next(
    serve: Serve, follow: Follow, produce: Produce, pool: str
) -> None:
    producer = produce(pool)
    producer.put(5)
    server = serve()
    mirror = follow()
    mirror.wait_for(lambda facts: facts["latest_frame"] == 4)
    with TensorConsumer.attach(pool, dds_participant=False) as consumer:
        held = consumer.get_frame()
        mirror.kill()
        assert not consumer.connected
        successor = follow()
        successor.wait_for(lambda facts: facts["latest_frame"] == 4)
        producer.put(1)
        successor.wait_for(lambda facts: facts["latest_frame"] == 5)

        assert consumer.wait(timeout=HANG_S)
        assert newest(consumer) == 5
        assert check(held) == 4
    # The server has noticed: it sends to one mirror, not to two.
    server.wait_for(lambda facts: len(facts["mirrors"]) == 1)


def test_mirror_that_ends_in_order_leaves_nothing(
    serve: Serve, follow: Follow, produce: Produce, pool: str
) -> None:
    produce(pool).put(1)
    server = serve()
    mirror = follow()
    mirror.wait_for(lambda facts: facts["open"])

    assert mirror.end() == 0

    server.wait_for(lambda facts: not facts["mirrors"])
    with pytest.raises(LookupError):
        inspect(pool)


def test_mirror_waits_for_its_source(
    serve: Serve, follow: Follow, produce: Produce, pool: str
) -> None:
    mirror = follow()
    assert mirror.facts()["source"] is None
    serve()
    facts = mirror.wait_for(lambda facts: facts["source"] is not None)
    assert not facts["open"]

    produce(pool).put(1)

    mirror.wait_for(lambda facts: facts["latest_frame"] == 0)


def test_name_of_a_living_local_pool_is_refused(
    serve: Serve, follow: Follow, produce: Produce, pool: str
) -> None:
    produce(pool).put(1)
    serve()
    with TensorProducer.from_sample(pool, np.zeros(3), dds_participant=False) as local:
        local.put(np.ones(3))
        with pytest.raises(
            AssertionError, match=r"ended with 1: PoolInUseError.*living producer"
        ):
            follow().facts()

        with TensorConsumer.attach(pool, dds_participant=False) as consumer:
            assert consumer.get().tolist() == [1, 1, 1]


def test_local_pool_that_came_first_is_left_alone_and_reported(
    serve: Serve, follow: Follow, produce: Produce, pool: str
) -> None:
    mirror = follow()
    mirror.facts()
    with TensorProducer.from_sample(pool, np.zeros(3), dds_participant=False) as local:
        local.put(np.ones(3))
        produce(pool).put(1)
        serve()
        facts = mirror.wait_for(lambda facts: facts["problem"])
        assert "living producer" in facts["problem"]
        assert local.put(np.ones(3)) == 1
    mirror.wait_for(lambda facts: facts["latest_frame"] == 0)


def test_host_that_was_not_asked_for_is_not_listened_to(
    serve: Serve, start: Start, produce: Produce, pool: str
) -> None:
    produce(pool).put(1)
    serve()
    other = start(None, pool, "--from", "no-such-host", "--as", f"{pool}-other")
    wanted = start(None, pool, "--from", "any")

    facts = wanted.wait_for(lambda facts: facts["open"])
    host = facts["source"]["host"]
    assert other.facts()["source"] is None
    by_name = start(None, pool, "--from", host, "--as", f"{pool}-named")
    by_name.wait_for(lambda facts: facts["open"])


def test_pool_that_is_larger_than_allowed_is_not_made(
    serve: Serve, follow: Follow, produce: Produce, pool: str
) -> None:
    produce(pool, (100, 100)).put(1)
    serve()
    mirror = follow("--max-bytes", 20_000)

    facts = mirror.wait_for(lambda facts: facts["problem"])

    assert "max_pool_bytes" in facts["problem"]
    assert not facts["open"]
    with pytest.raises(LookupError):
        inspect(pool)
