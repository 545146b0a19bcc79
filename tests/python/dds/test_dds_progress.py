"""An independent reader learns how far pools are, at no cost to those who put."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("cyclonedds", reason="needs the package cyclonedds (extra test-dds)")

from independent import Peer, samples_of, until
from support import HANG_S, filled

if TYPE_CHECKING:
    from support import MakeProducer, StartChild
    from wire_types import PoolProgress

    from tensor_ipc import TensorProducer


def topic_of(pool: str) -> str:
    return f"tensoripc_{pool.replace('-', '_').replace('/', '_')}_progress"


def readers_of(producer: TensorProducer) -> int:
    announcement = producer._announcement
    assert announcement is not None
    return announcement.readers


def test_reader_gets_number_and_times_of_the_newest_frame(
    new_producer: MakeProducer, pool: str, domain: int, namespace: str
) -> None:
    producer = new_producer(dds_participant=domain)
    reader = Peer(domain).progress(topic_of(pool))
    until(lambda: readers_of(producer))
    producer.put(filled(1), timestamp_ns=111)
    before_ns = time.time_ns()
    producer.put(filled(2), timestamp_ns=222)
    after_ns = time.time_ns()

    seen: list[PoolProgress] = []

    def has_newest() -> bool:
        seen.extend(samples_of(reader, namespace))
        return bool(seen) and seen[-1].latest_frame == 1

    until(has_newest)
    newest = seen[-1]
    assert (newest.pool, newest.generation, newest.captured_ns) == (pool, 1, 222)
    assert 0 < newest.published_ns <= time.monotonic_ns()
    slack_ns = (
        50_000_000  # two clocks are read one after the other, and one may be set meanwhile
    )
    assert before_ns - slack_ns <= newest.published_unix_ns <= after_ns + slack_ns


def test_late_reader_hears_of_the_frame_that_is_there(
    new_producer: MakeProducer, pool: str, domain: int, namespace: str
) -> None:
    producer = new_producer(dds_participant=domain)
    producer.put(filled(1))
    producer.put(filled(2))

    reader = Peer(domain).progress(topic_of(pool))

    found = until(lambda: samples_of(reader, namespace))
    assert found[0].latest_frame == 1


def test_nothing_is_sent_while_nobody_reads(
    new_producer: MakeProducer, pool: str, domain: int
) -> None:
    producer = new_producer(dds_participant=domain)
    announcement = producer._announcement
    assert announcement is not None
    until(lambda: announcement.is_announced)
    peer = Peer(domain)
    reader = peer.progress(topic_of(pool))
    until(lambda: announcement.readers == 1)
    del reader
    until(lambda: announcement.readers == 0)

    for value in range(100):
        producer.put(filled(value))

    assert announcement.samples == 0


def test_progress_is_bounded_and_ends_with_the_newest_frame(
    new_producer: MakeProducer,
    pool: str,
    domain: int,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TENSOR_IPC_DDS_RATE_HZ", "20")
    producer = new_producer(dds_participant=domain)
    reader = Peer(domain).progress(topic_of(pool))
    until(lambda: readers_of(producer))
    begin_s = time.monotonic()
    newest = -1
    while time.monotonic() - begin_s < 1.0:
        newest = producer.put(filled(1))
    seen: list[int] = []

    def has_newest() -> bool:
        seen.extend(each.latest_frame for each in samples_of(reader, namespace))
        return newest in seen

    until(has_newest)
    took_s = time.monotonic() - begin_s
    assert newest > 100
    assert len(seen) <= 20 * took_s + 2
    assert seen == sorted(set(seen))


FLEET = """
    import sys, time
    import numpy as np
    from tensor_ipc import TensorProducer

    domain, pools, frames = (int(each) for each in sys.argv[1:])
    sample = np.zeros((2, 3), np.int32)
    producers = [
        TensorProducer.from_sample(f"fleet/{i}", sample, 4, domain) for i in range(pools)
    ]
    print("made", flush=True)
    sys.stdin.readline()
    begin_s = time.monotonic()
    for frame in range(frames):
        for producer in producers:
            producer.put(sample)
        time.sleep(max(0.0, begin_s + (frame + 1) / 200 - time.monotonic()))
    print(time.monotonic() - begin_s, flush=True)
    sys.stdin.readline()
"""


def test_twenty_pools_at_200_hz_all_arrive(
    start_child: StartChild, domain: int, namespace: str
) -> None:
    frames = 200
    child = start_child(FLEET, domain, 20, frames)
    child.read()
    peer = Peer(domain)
    names = [f"fleet/{i}" for i in range(20)]
    readers = {name: peer.progress(topic_of(name)) for name in names}
    newest: dict[str, int] = {}
    count = 0

    def look() -> None:
        nonlocal count
        for name, reader in readers.items():
            for each in samples_of(reader, namespace):
                count += 1
                assert each.latest_frame >= newest.get(name, 0)
                newest[name] = each.latest_frame

    def all_matched() -> bool:
        return all(each.get_matched_publications() for each in readers.values())

    until(all_matched)
    child.write()
    end_s = time.monotonic() + HANG_S
    while newest != dict.fromkeys(names, frames - 1):
        look()
        assert time.monotonic() < end_s, f"only came to {newest}"

    assert count > 20
    child.read()


def test_loans_are_told_of_too(
    new_producer: MakeProducer, pool: str, domain: int, namespace: str
) -> None:
    producer = new_producer(np.zeros(3), dds_participant=domain)
    reader = Peer(domain).progress(topic_of(pool))
    until(lambda: readers_of(producer))

    with producer.loan() as slot:
        slot[:] = 1.0

    found = until(lambda: samples_of(reader, namespace))
    assert found[0].latest_frame == 0
