"""discover() and ``tensor-ipc list --network``: what is told, and what strangers tell."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("cyclonedds", reason="needs the package cyclonedds (extra test-dds)")

from independent import METADATA_WRITER_QOS, Peer, until
from wire_types import PoolMetadata

from tensor_ipc import NetworkPool, TensorConsumer, TensorProducer, discover

if TYPE_CHECKING:
    from support import MakeProducer, StartChild


def sample(namespace: str, **changes: Any) -> PoolMetadata:
    """A sound sample of a stranger's pool, but for the changes."""
    fields: dict[str, Any] = {
        "name_space": namespace,
        "pool": "strange",
        "host_id": "elsewhere:1",
        "host": "faraway",
        "owner_uid": 7,
        "producer_pid": 8,
        "generation": 3,
        "dtype_code": 1,
        "dtype_bits": 8,
        "dtype_lanes": 1,
        "shape": [2, 3],
        "varying_extent": 0,
        "history_len": 4,
        "backend": "numpy",
        "device": "cpu",
        "frame_bytes": 6,
        "latest_frame": 9,
        "rate_hz": 30.0,
    }
    return PoolMetadata(**{**fields, **changes})


def found(name: str, **options: Any) -> NetworkPool:
    """Look until that pool is there."""

    def look() -> Any:
        return next((each for each in discover(0.05, **options) if each.name == name), None)

    pool = until(look)
    assert isinstance(pool, NetworkPool)
    return pool


def test_pool_of_this_host_is_found_with_its_metadata(
    new_producer: MakeProducer, pool: str, namespace: str
) -> None:
    producer = new_producer(
        np.zeros((2, 3), np.int32), 5
    )  # by default, after its time of grace

    record = found(pool)

    assert record.metadata == producer.metadata
    assert (record.alive, record.is_local, record.generation) == (True, True, 1)
    assert record.namespace == namespace
    with TensorConsumer(record.metadata) as consumer:
        assert consumer.connected


def test_pool_of_varying_extent_is_found_as_one(pool: str, domain: int) -> None:
    producer = TensorProducer.from_sample(
        pool, np.zeros((9, 3)), dds_participant=domain, varying_extent=True
    )

    with producer:
        assert found(pool).metadata == producer.metadata


def test_ended_pool_is_gone(new_producer: MakeProducer, pool: str, domain: int) -> None:
    producer = new_producer(dds_participant=domain)
    found(pool)

    producer.cleanup()

    until(lambda: discover(0.05) == [])


def test_other_domains_and_namespaces_are_apart(
    new_producer: MakeProducer,
    pool: str,
    domain: int,
    other_domain: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new_producer(dds_participant=domain)
    found(pool)

    assert discover(0.2, dds_participant=other_domain) == []
    monkeypatch.setenv("TENSOR_IPC_NAMESPACE", "another")
    assert discover(0.2) == []
    assert found(pool, all_namespaces=True).name == pool


def test_participant_of_the_other_package_gives_its_domain(
    new_producer: MakeProducer,
    pool: str,
    domain: int,
    other_domain: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TENSOR_IPC_DDS_DOMAIN", str(other_domain))  # not this one
    peer = Peer(domain)

    new_producer(dds_participant=peer.participant)

    assert found(pool, dds_participant=peer.participant).alive


def test_pool_of_another_host_is_found_but_not_attached_to(domain: int, namespace: str) -> None:
    writer = Peer(domain).writer("tensoripc_pools", PoolMetadata, METADATA_WRITER_QOS)
    writer.write(sample(namespace))

    record = found("strange")

    assert (record.host, record.is_local, record.alive) == ("faraway", False, True)
    assert (record.rate_hz, record.latest_frame, record.generation) == (30.0, 9, 3)
    assert record.metadata.shape == (2, 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"pool": ""},
        {"pool": "../../etc/passwd\n"},
        {"pool": "a=b"},
        {"name_space": "has space"},
        {"host_id": ""},
        {"host_id": "\x1b[2J"},
        {"generation": 0},
        {"dtype_bits": 7},
        {"dtype_code": 200},
        {"dtype_lanes": 3},
        {"shape": [2, -3]},
        {"shape": [2**62, 2**62]},
        {"shape": [0]},
        {"frame_bytes": 7},
        {"varying_extent": 2},
        {"history_len": 0},
        {"history_len": 2**31},
        {"backend": "\x1b]0;evil\x07"},
        {"device": ""},
        {"latest_frame": -2},
        {"latest_frame": 2**60},
        {"rate_hz": math.nan},
        {"rate_hz": -1.0},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_sample_that_cannot_be_a_pools_is_left_out(
    changes: dict[str, Any], domain: int, namespace: str
) -> None:
    writer = Peer(domain).writer("tensoripc_pools", PoolMetadata, METADATA_WRITER_QOS)
    writer.write(sample(namespace, **changes))
    writer.write(sample(namespace, pool="sound"))

    def look() -> list[str]:
        pools = discover(0.05, all_namespaces=True)
        names = [each.name for each in pools if each.host == "faraway"]
        return names if "sound" in names else []  # which was written later

    assert until(look) == ["sound"]


def test_name_of_a_host_cannot_steer_a_terminal(domain: int, namespace: str) -> None:
    writer = Peer(domain).writer("tensoripc_pools", PoolMetadata, METADATA_WRITER_QOS)
    writer.write(sample(namespace, host="\x1b[2Jevil"))

    assert found("strange").host == "\\x1b[2Jevil"


def test_flood_of_pools_is_bounded(domain: int, namespace: str) -> None:
    writer = Peer(domain).writer("tensoripc_pools", PoolMetadata, METADATA_WRITER_QOS)
    for i in range(4300):
        writer.write(sample(namespace, pool=f"flood/{i}"))

    until(lambda: len(discover(0.5)) > 1000)
    assert len(discover(2.0)) <= 4096


OWNER = """
    import sys
    import numpy as np
    from tensor_ipc import TensorProducer

    producer = TensorProducer.from_sample(sys.argv[1], np.zeros((2, 3)), 4, int(sys.argv[2]))
    producer.put(np.zeros((2, 3)))
    print("made", flush=True)
    sys.stdin.read()
"""


def listed(*arguments: str) -> str:
    command = [sys.executable, "-m", "tensor_ipc.cli", "list", "--network", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode()


def in_answer(text: str, answer: str) -> str:
    """The answer if it has the text, else nothing."""
    return answer if text in answer else ""


def test_command_lists_the_network(
    start_child: StartChild, pool: str, domain: int, other_domain: int
) -> None:
    start_child(OWNER, pool, domain).read()
    found(pool)

    table = until(lambda: in_answer(pool, listed("--domain", str(domain), "--seconds", "0.5")))
    document = json.loads(until(lambda: in_answer(pool, listed("--json", "--seconds", "0.5"))))

    assert pool in table
    assert "alive" in table
    assert "here" in table
    assert [(each["name"], each["alive"], each["metadata"]["shape"]) for each in document] == [
        (pool, True, [2, 3])
    ]
    assert listed("--domain", str(other_domain), "--seconds", "0.1") == "no pools\n"
