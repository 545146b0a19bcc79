"""An independent reader learns what pools there are, and what becomes of them."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("cyclonedds", reason="needs the package cyclonedds (extra test-dds)")

from independent import (
    ALIVE,
    DISPOSED,
    METADATA_QOS,
    WITHOUT_WRITER,
    Peer,
    states_of,
    until,
)
from wire_types import PoolMetadata

if TYPE_CHECKING:
    from support import MakeProducer, StartChild

# Tells of a pool and of how it stands, line by line.
PRODUCER = """
    import sys
    import numpy as np
    from tensor_ipc import TensorProducer

    name, domain = sys.argv[1], int(sys.argv[2])
    producer = TensorProducer.from_sample(name, np.zeros((2, 3), np.int32), 4, domain)
    print("made", flush=True)
    for line in sys.stdin:
        print(producer.put(np.full((2, 3), int(line), np.int32)), flush=True)
"""


def test_reader_gets_all_that_a_pool_is(
    new_producer: MakeProducer, pool: str, domain: int, namespace: str
) -> None:
    new_producer(np.zeros((4, 5), np.float32), 7, dds_participant=domain)
    peer = Peer(domain)

    for topic in ("tensoripc_pools", f"tensoripc_{pool.replace('-', '_')}_meta"):
        reader = peer.reader(topic, PoolMetadata, METADATA_QOS)
        found, state = until(lambda reader=reader: states_of(reader).get(pool))

        assert state == ALIVE
        assert (found.name_space, found.pool) == (namespace, pool)
        assert found.host == socket.gethostname().split(".")[0]
        assert (found.owner_uid, found.producer_pid) == (os.geteuid(), os.getpid())
        assert (found.dtype_code, found.dtype_bits, found.dtype_lanes) == (2, 32, 1)
        assert list(found.shape) == [4, 5]
        assert found.varying_extent == 0
        assert (found.history_len, found.backend, found.device) == (7, "numpy", "cpu")
        assert (found.frame_bytes, found.generation, found.latest_frame) == (80, 1, -1)


def test_reader_that_was_there_before_hears_of_a_new_pool(
    new_producer: MakeProducer, domain: int
) -> None:
    reader = Peer(domain).pools()

    new_producer(name="later/one", dds_participant=domain)

    _, state = until(lambda: states_of(reader).get("later/one"))
    assert state == ALIVE


def test_pool_is_disposed_when_its_producer_ends_it(
    new_producer: MakeProducer, pool: str, domain: int
) -> None:
    producer = new_producer(dds_participant=domain)
    reader = Peer(domain).pools()
    until(lambda: states_of(reader).get(pool))

    producer.cleanup()

    until(lambda: states_of(reader)[pool][1] == DISPOSED)


def test_killed_producer_is_seen_as_dead_within_the_lease_and_its_successor_as_alive(
    start_child: StartChild, pool: str, domain: int
) -> None:
    child = start_child(PRODUCER, pool, domain)
    child.read()
    reader = Peer(domain).pools()
    until(lambda: states_of(reader).get(pool))

    child.kill()

    # Cyclone DDS of this process takes 10 s for a participant without a lease of ours.
    until(lambda: states_of(reader)[pool][1] == WITHOUT_WRITER)

    successor = start_child(PRODUCER, pool, domain)
    successor.read()
    until(lambda: states_of(reader)[pool][1] == ALIVE)
    assert states_of(reader)[pool][0].generation == 2


def test_rate_and_newest_frame_are_told_while_frames_come(
    start_child: StartChild, pool: str, domain: int
) -> None:
    child = start_child(PRODUCER, pool, domain)
    child.read()
    reader = Peer(domain).pools()

    def moves() -> bool:
        child.write(1)
        child.read()
        found = states_of(reader).get(pool)
        return found is not None and found[0].rate_hz > 0.0 and found[0].latest_frame > 0

    until(moves)


def test_endpoints_carry_no_type_information(
    new_producer: MakeProducer, pool: str, domain: int
) -> None:
    """With it, an endpoint of Fast DDS on the same topic crashes Cyclone DDS 0.10."""
    from cyclonedds.builtin import (  # noqa: PLC0415
        BuiltinDataReader,
        BuiltinTopicDcpsPublication,
    )

    new_producer(dds_participant=domain)
    peer = Peer(domain)
    endpoints = BuiltinDataReader(peer.participant, BuiltinTopicDcpsPublication)
    topic = f"tensoripc_{pool.replace('-', '_')}"
    found: dict[str, object] = {}

    def has_come() -> bool:
        found.update({each.topic_name: each.type_id for each in endpoints.take(N=100)})
        return {f"{topic}_meta", f"{topic}_progress", "tensoripc_pools"} <= set(found)

    until(has_come)
    assert set(found.values()) == {None}
