"""Whole measurements, at the smallest size: the figures are there, and what went wrong is counted."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from bench.compare import catalogue, process
from bench.compare.contract import Job

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[2]

_ALWAYS = {
    *(
        "published",
        "received",
        "torn",
        "lost",
        "repeated",
        "put_p50_us",
        "memory_mb",
        "import_ms",
    ),
    *("producer_cpu_us_per_frame", "consumer_cpu_us_per_frame"),
}
_OF_KIND = {
    "latency": {"latency_p50_us", "latency_p99_us", "latency_max_us"},
    "throughput": {"frames_per_s", "put_frames_per_s"},
    "history": {"history_p50_us", "history_wrong"},
    "attach": {"attach_ms"},
}


@pytest.fixture(autouse=True)
def _path(monkeypatch):
    monkeypatch.setenv("BENCH_COMPARE_PATH", str(_HERE))


def job_of(entry, kind, *, consumers=1, check="bytes"):
    return Job(
        kind=kind,
        shape=(128, 8),
        consumers=consumers,
        period_s=0.001,
        frames=12,
        seconds=0.05,
        check=check,
        name=f"t{uuid4().hex[:10]}",
        lossless=entry.queueing == "waits"
        and not entry.target.startswith("contenders_that_fail"),
        options=entry.options,
    )


def measured(entry, kind, **more):
    command = [sys.executable, "-m", "bench.compare.host"]
    return process.run(entry, job_of(entry, kind, **more), command)


def wrong(name):
    (entry,) = catalogue.find(["shm-semaphore"])
    return dataclasses.replace(entry, target=f"contenders_that_fail:{name}")


@pytest.mark.parametrize("kind", list(_OF_KIND))
def test_ours_gives_the_figures_of_each_kind(kind):
    (ours,) = catalogue.find(["ours"])

    figures = measured(ours, kind)

    assert set(figures) == _ALWAYS | _OF_KIND[kind]
    assert (figures["torn"], figures["repeated"]) == (0, 0)
    assert figures["received"] + figures["lost"] == figures["published"]
    assert figures.get("history_wrong", 0) == 0


@pytest.mark.parametrize("name", ["mp-queue", "shm-semaphore"])
def test_those_whose_producer_waits_lose_nothing(name):
    (entry,) = catalogue.find([name])

    figures = measured(entry, "throughput", consumers=2)

    assert figures["published"] > 0
    assert figures["received"] == 2 * figures["published"]
    assert (figures["torn"], figures["lost"], figures["repeated"]) == (0, 0, 0)


def test_history_is_put_together_for_those_that_have_none():
    (entry,) = catalogue.find(["shm-semaphore"])

    figures = measured(entry, "history")

    assert figures["history_p50_us"] > 0
    assert figures["history_wrong"] == 0


def test_in_place_frames_need_no_source():
    (entry,) = catalogue.find(["ours-in-place"])

    figures = measured(entry, "latency", check="stamps")

    assert figures["torn"] == 0
    assert figures["received"] > 0


def test_opening_what_the_parent_hands_over_belongs_to_attaching():
    figures = measured(wrong("OpenedSlowly"), "attach")

    assert figures["attach_ms"] >= 200


def test_torn_frames_are_counted():
    figures = measured(wrong("Tearing"), "latency", check="stamps")

    # The one before the first is missing to it.
    assert figures["torn"] >= figures["published"] - 1
    assert figures["received"] <= 1


@pytest.mark.parametrize(("check", "torn"), [("bytes", 12), ("stamps", 0)])
def test_one_wrong_byte_is_seen_by_who_reads_every_byte(check, torn):
    figures = measured(wrong("TearingBetweenStamps"), "latency", check=check)

    assert figures["torn"] == torn
    assert figures["received"] == 12 - torn


def test_lost_frames_are_counted():
    figures = measured(wrong("Losing"), "latency")

    assert figures["lost"] == 4
    assert figures["received"] == 8


def test_repeated_frames_are_counted():
    figures = measured(wrong("Repeating"), "latency")

    assert figures["received"] == 12
    assert figures["repeated"] >= 11


def test_process_that_dies_is_a_failure_with_its_exit_code():
    with pytest.raises(process.FailedError, match="exit code 3"):
        measured(wrong("Dying"), "latency")


def test_what_a_contender_raises_is_the_reason():
    with pytest.raises(process.FailedError, match="no such transport"):
        measured(wrong("Refusing"), "latency")


def test_job_that_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr(process, "_GRACE_S", 0.5)
    (entry,) = catalogue.find(["shm-semaphore"])
    job = job_of(entry, "latency")

    with pytest.raises(process.FailedError, match="not over"):
        process.run(entry, job, [sys.executable, "-c", "import time; time.sleep(600)"])


def test_nothing_is_left_of_a_job_that_fails():
    (entry,) = catalogue.find(["shm-semaphore"])
    job = job_of(entry, "latency")
    left = Path("/dev/shm") / f"part-of-{job.name}"

    with pytest.raises(process.FailedError):
        process.run(entry, job, [sys.executable, "-c", f"open({str(left)!r}, 'w')"])

    assert not left.exists()


@pytest.fixture(scope="module")
def floor(tmp_path_factory):
    compiler = shutil.which("c++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    program = tmp_path_factory.mktemp("floor") / "floor"
    subprocess.run(
        [
            *(compiler, "-std=c++20", "-D_GNU_SOURCE", f"-I{_ROOT}", f"-I{_ROOT}/src"),
            *(
                str(_ROOT / "bench/compare/native/compare_floor.cpp"),
                "-o",
                str(program),
                "-lrt",
            ),
        ],
        check=True,
    )
    return program


@pytest.mark.parametrize(
    ("name", "kind"),
    [*(("floor futex", kind) for kind in _OF_KIND), ("floor memcpy-spin", "latency")],
)
def test_programs_give_the_same_figures_as_python(floor, name, kind):
    (entry,) = catalogue.find([name])

    figures = process.run(entry, job_of(entry, kind, check="stamps"), [str(floor)])

    assert set(figures) == _ALWAYS | _OF_KIND[kind]
    # Nothing keeps a floor's frames from being overwritten: how many come whole is chance.
    assert kind == "attach" or figures["published"] > 0
    if kind == "latency":
        assert figures["received"] > 0
        assert figures["latency_p50_us"] > 0
