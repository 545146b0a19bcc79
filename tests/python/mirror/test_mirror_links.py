"""Frames over real and over bad links: whole, under their own numbers, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from checked_frames import check
from support import HANG_S

from tensor_ipc import TensorConsumer

if TYPE_CHECKING:
    from conftest import MakeLink, Produce, Start
    from links import Link
    from sides import Command

FULL_HD = (1080, 1920, 3)
SMALL = (120, 160, 3)


def serve(start: Start, link: Link, pool: str, space: str) -> Command:
    return start(link.source, "--serve", pool, *link.options(link.source), name_space=space)


def follow(start: Start, link: Link, pool: str, *words: object, **options: str) -> Command:
    return start(
        link.mirror, pool, "--from", "any", *link.options(link.mirror), *words, **options
    )


def check_frames(pool: str, count: int) -> list[int]:
    """Check `count` frames of the local pool as they come; return their numbers."""
    numbers: list[int] = []
    with TensorConsumer.attach(pool, dds_participant=False) as consumer:
        while len(numbers) < count:
            assert consumer.wait(timeout=HANG_S), numbers
            frame = consumer.get_frame()
            assert frame is not None
            numbers.append(check(frame))
            del frame
    assert numbers == sorted(set(numbers))
    return numbers


def test_full_hd_at_30_hz_comes_whole_and_under_its_own_numbers(
    make_link: MakeLink, start: Start, produce: Produce, source_space: str, pool: str
) -> None:
    link = make_link()
    produce(pool, FULL_HD, rate=30)
    serve(start, link, pool, source_space)
    mirror = follow(start, link, pool)
    mirror.wait_for(lambda facts: facts["received"] > 0)

    check_frames(pool, 15)

    facts = mirror.facts()
    assert facts["lost"] == facts["refused"] == 0
    assert facts["pools_made"] == 1
    # Nothing is unaccounted for, from the first frame that came to the newest.
    assert facts["received"] + facts["missed"] <= facts["latest_frame"] + 1


@pytest.mark.parametrize(
    "relay",
    [
        pytest.param({"loss": 0.02}, id="loss"),
        pytest.param({"delay_s": 0.04}, id="delay"),
        pytest.param({"bytes_per_s": 1e6, "queue_bytes": 65536}, id="bandwidth"),
        pytest.param(
            {"loss": 0.01, "delay_s": 0.01, "bytes_per_s": 2e6, "queue_bytes": 65536}, id="all"
        ),
    ],
)
def test_bad_link_loses_nothing_when_reliable(
    relay: dict[str, float],
    make_link: MakeLink,
    start: Start,
    produce: Produce,
    source_space: str,
    pool: str,
) -> None:
    link = make_link(relay)
    produce(pool, SMALL, rate=60)
    serve(start, link, pool, source_space)
    mirror = follow(start, link, pool, "--piece-bytes", 1300)
    mirror.wait_for(lambda facts: facts["received"] > 0)

    check_frames(pool, 12)

    facts = mirror.facts()
    assert facts["lost"] == facts["refused"] == facts["dropped"] == 0
    if "loss" in relay:
        assert link.dropped_packets() > 0


def test_best_effort_counts_the_frames_that_a_link_loses(
    make_link: MakeLink, start: Start, produce: Produce, source_space: str, pool: str
) -> None:
    link = make_link({"loss": 0.01})
    produce(pool, SMALL, rate=60)
    serve(start, link, pool, source_space)
    mirror = follow(start, link, pool, "--best-effort", "--piece-bytes", 1300)

    mirror.wait_for(lambda facts: facts["received"] > 5 and facts["lost"] > 0)
    check_frames(pool, 5)

    facts = mirror.facts()
    assert facts["refused"] == facts["dropped"] == 0
    assert facts["missed"] > 0


def test_slow_link_costs_the_producer_nothing(
    make_link: MakeLink, start: Start, produce: Produce, source_space: str, pool: str
) -> None:
    link = make_link({"bytes_per_s": 2e6, "queue_bytes": 65536})
    producer = produce(pool, (540, 960, 3))
    producer.put(1)
    server = serve(start, link, pool, source_space)
    mirror = follow(start, link, pool)
    mirror.wait_for(lambda facts: facts["open"])

    # One frame takes the link a second, and is pinned meanwhile.
    assert producer.put(60) == 61

    sent = server.facts()["mirrors"][0]
    assert sent["frames"] < 30
    assert sent["bytes"] > 0
    # What comes next is not the next in turn, and in the end it is the newest.
    facts = mirror.wait_for(lambda facts: facts["latest_frame"] == 60)
    assert facts["received"] < 31
    assert facts["missed"] > 0


def test_rate_is_what_the_mirror_asked_for(
    make_link: MakeLink, start: Start, produce: Produce, source_space: str, pool: str
) -> None:
    link = make_link()
    produce(pool, SMALL, rate=100)
    serve(start, link, pool, source_space)
    mirror = follow(start, link, pool, "--rate", 10)
    mirror.wait_for(lambda facts: facts["received"] > 0)

    numbers = check_frames(pool, 8)

    # A hundred a second are put; of those one in ten comes, whatever the machine is slow at.
    assert numbers[-1] - numbers[0] > 3 * len(numbers)


def test_nothing_is_sent_while_nobody_mirrors(
    make_link: MakeLink, start: Start, produce: Produce, source_space: str, pool: str
) -> None:
    link = make_link()
    producer = produce(pool, FULL_HD)
    server = serve(start, link, pool, source_space)
    server.wait_for(lambda facts: facts["pools"] == [pool])
    before = link.sent_bytes()

    producer.put(30)
    server.facts()
    server.facts()

    frame_bytes = 1080 * 1920 * 3
    assert link.sent_bytes() - before < frame_bytes / 10
    mirror = follow(start, link, pool)
    mirror.wait_for(lambda facts: facts["received"] > 0)
    assert link.sent_bytes() - before > frame_bytes


def test_two_mirrors_of_one_pool_each_get_whole_frames(
    make_link: MakeLink,
    start: Start,
    produce: Produce,
    source_space: str,
    pool: str,
) -> None:
    link = make_link()
    produce(pool, SMALL, rate=60)
    server = serve(start, link, pool, source_space)
    first = follow(start, link, pool)
    second = follow(start, link, pool, "--as", f"{pool}-too", "--rate", 20)
    first.wait_for(lambda facts: facts["received"] > 0)
    second.wait_for(lambda facts: facts["received"] > 0)

    check_frames(pool, 20)
    check_frames(f"{pool}-too", 5)

    facts = server.wait_for(lambda facts: len(facts["mirrors"]) == 2)
    served = facts["mirrors"]
    assert [each["pool_name"] for each in served] == [pool, pool]
    assert all(each["connected"] for each in served)
