"""The judge of the endurance run is not blind: each kind of fault, done to it, is reported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from endurance.crashes import read
from endurance.judge import MOST_GROWTH_BYTES, Judge
from endurance.link import Inbox
from endurance.memory import Sample, early_and_late, segments
from endurance.payload import Origin, origin_of, seal
from endurance.plan import Action, Plan
from endurance.pools import Pool
from endurance.producer import expect_every_slot_is_free
from endurance.reader import Reader
from support import REPOSITORY, MakeConsumer, MakeProducer, segments_of

HANG_S = 60.0
PLACE = 3
SAMPLE = np.zeros((6, 5), dtype=np.float32)


class Heard:
    """A link whose other end is this test."""

    def __init__(self) -> None:
        self.faults: list[tuple[str, int]] = []

    def fault(self, what: str, frame: int, text: str) -> None:
        assert text
        self.faults.append((what, frame))

    def send(self, kind: str, **facts: Any) -> None:
        raise AssertionError((kind, facts))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def reader(heard: Heard) -> Reader:
    return Reader(PLACE, heard)  # type: ignore[arg-type]


@pytest.fixture
def judge() -> Judge:
    made = Judge(HANG_S)
    made.producer_began("producer 1", "cam", life=1, variant=0, now=0)
    made.began("consumer 1", "cam", now=0)
    return made


def frame(count: int, life: int = 1, pool: int = PLACE) -> np.ndarray[Any, Any]:
    made = SAMPLE.copy()
    seal(made, Origin(pool, life, count))
    return made


def kinds(judge: Judge) -> list[str]:
    return [fault.what for fault in judge.faults]


# Frames.


def test_whole_frame_says_where_it_comes_from() -> None:
    assert origin_of(frame(7)) == Origin(PLACE, 1, 7)


@pytest.mark.parametrize("place", range(SAMPLE.nbytes))
def test_frame_with_one_wrong_bit_is_torn(reader: Reader, heard: Heard, place: int) -> None:
    damaged = frame(7)
    damaged.view(np.uint8).reshape(-1)[place] ^= 1

    reader.take(damaged, 7)

    assert heard.faults == [("torn", 7)]


def test_whole_frame_of_another_pool_is_torn(reader: Reader, heard: Heard) -> None:
    reader.take(frame(7, pool=PLACE + 1), 7)

    assert heard.faults == [("torn", 7)]


def test_view_that_changes_while_it_is_held_is_torn(
    reader: Reader, heard: Heard, new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer, consumer = new_producer(SAMPLE), new_consumer(SAMPLE)
    with producer.loan() as array:
        seal(array, Origin(PLACE, 1, 0))
        slice_that_stays_writable = array[2:]
    got = consumer.get_frame()
    assert got is not None
    reader.hold(got.data, reader.take(got.data, got.index), 1)
    assert heard.faults == []

    slice_that_stays_writable[:] = 9
    reader.let_go()

    assert heard.faults == [("torn", -1)]


def test_number_that_was_left_out_is_lost(reader: Reader, heard: Heard) -> None:
    reader.take(frame(0), 10)
    reader.take(frame(1), 11)
    reader.take(frame(3), 12)

    assert heard.faults == [("lost", 12)]


def test_frames_of_successive_lives_are_no_fault(reader: Reader, heard: Heard) -> None:
    reader.take(frame(5), 5)
    reader.take(frame(0, life=2), 7)
    reader.take_window(np.stack([frame(1, life=2), frame(0, life=2), frame(6), frame(5)]))

    assert heard.faults == []


@pytest.mark.parametrize("counts", [(5, 3), (5, 5), (4, 5)])
def test_history_that_is_no_history_has_lost_frames(
    reader: Reader, heard: Heard, counts: tuple[int, int]
) -> None:
    reader.take_window(np.stack([frame(count) for count in counts]))

    assert heard.faults == [("lost", -1)]


# Processes.


def test_life_in_order_is_no_fault(judge: Judge) -> None:
    judge.first("producer 1", 1, 0, now=1)
    judge.seen("consumer 1", 1, 0, 0, now=2)
    judge.published("producer 1", 50, now=3)
    judge.gone("producer 1")
    judge.producer_began("producer 2", "cam", life=2, variant=0, now=4)
    judge.first("producer 2", 2, 51, now=5)
    judge.seen("consumer 1", 2, 3, 54, now=6)
    judge.look(now=5 + HANG_S)

    assert judge.faults == []
    assert judge.has_seen("consumer 1", 2, 54)
    assert not judge.has_seen("consumer 1", 2, 55)


@pytest.mark.parametrize("first", [0, 49, 50])
def test_numbers_that_begin_again_after_a_kill_are_lost(judge: Judge, first: int) -> None:
    judge.first("producer 1", 1, 0, now=1)
    judge.published("producer 1", 50, now=2)
    judge.gone("producer 1")
    judge.producer_began("producer 2", "cam", life=2, variant=0, now=3)

    judge.first("producer 2", 2, first, now=4)

    assert kinds(judge) == ["lost"]


def test_number_that_only_a_consumer_saw_is_not_given_twice(judge: Judge) -> None:
    judge.first("producer 1", 1, 0, now=1)
    judge.seen("consumer 1", 1, 80, 80, now=2)
    judge.gone("producer 1")
    judge.producer_began("producer 2", "cam", life=2, variant=0, now=3)

    judge.first("producer 2", 2, 80, now=4)

    assert kinds(judge) == ["lost"]


def test_consumer_that_is_heard_before_its_producer_is_no_fault(judge: Judge) -> None:
    judge.seen("consumer 1", 1, 0, 0, now=1)
    judge.first("producer 1", 1, 0, now=2)

    assert judge.faults == []


@pytest.mark.parametrize("in_order", [True, False])
def test_numbers_may_begin_again_in_a_new_pool(judge: Judge, in_order: bool) -> None:
    judge.first("producer 1", 1, 0, now=1)
    judge.published("producer 1", 50, now=2)
    if in_order:
        judge.ended_pool("producer 1")
    judge.gone("producer 1")
    judge.producer_began("producer 2", "cam", life=2, variant=0 if in_order else 1, now=3)

    judge.first("producer 2", 2, 0, now=4)

    assert judge.faults == []


def test_frame_under_another_number_than_others_saw_it_is_lost(judge: Judge) -> None:
    judge.first("producer 1", 1, 0, now=1)

    judge.seen("consumer 1", 1, 7, 8, now=2)

    assert kinds(judge) == ["lost"]


def test_pool_that_stands_still_for_its_consumer_is_stuck(judge: Judge) -> None:
    judge.first("producer 1", 1, 0, now=1)
    judge.seen("consumer 1", 1, 0, 0, now=1)
    for now in range(2, 2 + int(HANG_S) + 1):
        judge.published("producer 1", now, now=now)
        judge.seen("consumer 1", 1, 0, 0, now=now)
        judge.look(now)

    assert kinds(judge) == ["stuck"]
    assert judge.faults[0].who == "consumer 1"


def test_process_that_is_not_heard_of_is_stuck_once(judge: Judge) -> None:
    for now in range(200):
        judge.seen("consumer 1", 1, 0, -1, now=now)
        judge.look(now)

    assert [(fault.what, fault.who) for fault in judge.faults] == [("stuck", "producer 1")]


def test_process_that_was_stopped_is_not_stuck(judge: Judge) -> None:
    judge.gone("consumer 1")
    judge.stopped("producer 1")
    judge.look(now=10 * HANG_S)
    judge.continued("producer 1", now=10 * HANG_S)
    judge.look(now=10 * HANG_S + 1)

    assert judge.faults == []


def test_memory_that_grows_is_leaked(judge: Judge) -> None:
    judge.memory("producer", "elder", 1e6, 1e6 + MOST_GROWTH_BYTES)
    assert judge.faults == []

    judge.memory("producer", "elder", 1e6, 1e6 + MOST_GROWTH_BYTES + 1)

    assert kinds(judge) == ["leaked"]


def test_growth_is_seen_in_the_samples() -> None:
    samples = [Sample(at, 1, 0, 0, {"producer": 1000 * at}) for at in range(1, 101)]

    assert early_and_late(samples, "producer") == (15_500, 95_500)
    assert early_and_late(samples[:5], "producer") is None


def test_segment_that_was_left_is_leaked(
    judge: Judge, namespace: str, new_producer: MakeProducer
) -> None:
    new_producer()
    found = segments()

    judge.left_behind([path.name for path in found])

    assert found == segments_of(namespace)
    assert kinds(judge) == ["leaked"]


def test_pin_that_was_left_is_leaked(
    heard: Heard, new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str
) -> None:
    cast = Pool(pool, (SAMPLE.shape,), "float32", 4, 3, 1, 0.0)
    producer, consumer = new_producer(SAMPLE, 4), new_consumer(SAMPLE, history_len=4)
    producer.put(SAMPLE)
    view = consumer.get()
    expect_every_slot_is_free(producer, cast, heard)  # type: ignore[arg-type]
    assert heard.faults == [("leaked", -1)]

    del view
    expect_every_slot_is_free(producer, cast, heard)  # type: ignore[arg-type]

    assert len(heard.faults) == 1


# The run.


def test_same_seed_makes_the_same_decisions() -> None:
    def decisions(seed: int) -> list[Any]:
        plan = Plan(seed, seats=9, elders=frozenset({7, 8}), pause_s=0.1)
        return [plan.next() for _ in range(500)]

    assert decisions(5) == decisions(5)
    assert decisions(5) != decisions(6)
    assert {each.action for each in decisions(5)} == set(Action)
    assert {each.action for each in decisions(5) if each.seat >= 7} == {Action.STOP}


def test_half_a_line_of_a_killed_process_is_no_message() -> None:
    inbox = Inbox()

    assert inbox.take(b'{"kind": "a"}\n{"ki') == [{"kind": "a"}]
    assert inbox.take(b'nd": "b"}\n') == [{"kind": "b"}]


def test_faults_of_the_crash_tests_are_counted() -> None:
    log = """
        claim:marked: kills 16, torn 1, stuck 0, leaked 0, lost 2 (refused puts 0)
random instants: kills 3000, torn 0, stuck 3, leaked 4, lost 0 (refused puts 9)
restart of a producer: n 5, p50 1.0 us, p99 2.0 us, max 3.0 us
    """

    verdict = read(log, passed=False)

    assert verdict.counts == {"kills": 3016, "torn": 1, "stuck": 3, "leaked": 4, "lost": 2}
    assert verdict.times == {"restart of a producer": "n 5, p50 1.0 us, p99 2.0 us, max 3.0 us"}


def run_endurance(out: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "endurance", "--minutes", "0.05", "--out", str(out), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "tests")},
        check=False,
    )
    return done.returncode, done.stdout


def test_run_of_three_seconds_is_well(tmp_path: Path) -> None:
    code, output = run_endurance(tmp_path, "--seed", "1")

    assert code == 0, output
    assert output.count("seed 1") == 2
    assert "torn 0, stuck 0, leaked 0, lost 0" in output
    assert (tmp_path / "endurance.json").exists()


@pytest.mark.parametrize("kind", ["torn", "stuck", "leaked", "lost"])
def test_sabotaged_run_fails(tmp_path: Path, kind: str) -> None:
    code, output = run_endurance(tmp_path, "--sabotage", kind, "--hang-s", "3")

    assert code == 1, output
    assert f"{kind} 0" not in output
    assert "FAULT, seed" in output


def test_killed_run_leaves_no_process(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "endurance", "--minutes", "9", "--out", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "tests")},
        stdout=subprocess.PIPE,
    )
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
    while len(children.read_text().split()) < 5:
        assert run.poll() is None
    pids = children.read_text().split()

    run.send_signal(signal.SIGKILL)
    run.communicate()

    while any(is_running(pid) for pid in pids):
        os.sched_yield()
    for path in Path("/dev/shm").glob(f"tensoripc_endurance-{run.pid}=*"):
        path.unlink()


def is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
