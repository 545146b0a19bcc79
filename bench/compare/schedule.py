"""Which jobs are run, and in what order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.compare.contract import Job

if TYPE_CHECKING:
    from bench.compare.catalogue import Entry

#: By the name that the command line takes. Elements are bytes.
SIZES = {
    "1KB": (128, 8),
    "VGA": (480, 640, 3),
    "1080p": (1080, 1920, 3),
    "4K": (2160, 3840, 3),
}

KINDS = ("latency", "throughput", "history", "attach")

#: Between paced frames, in seconds: longer than most contenders take for one.
_PERIODS = {"1KB": 0.002, "VGA": 0.005, "1080p": 1 / 60, "4K": 1 / 30}

#: Sizes for the measures that are not taken at all of them.
_CAMERAS = ("VGA", "1080p")
_OF_MANY = "VGA"


@dataclass(frozen=True)
class Effort:
    """How long each job goes on."""

    frames: int
    seconds: float


FULL = Effort(frames=100, seconds=0.7)
QUICK = Effort(frames=40, seconds=0.3)


@dataclass(frozen=True)
class Planned:
    """A job, and whose."""

    entry: Entry
    size: str
    job: Job
    repeat: int


def plan(
    entries: list[Entry],
    sizes: list[str],
    consumers: list[int],
    repeats: int,
    effort: Effort,
    *,
    seed: int,
) -> list[Planned]:
    """Return all jobs in the order in which they are to run.

    Contenders take turns at each job, in another order each time, so that what the machine does
    meanwhile meets all of them; repeats are as far apart as they can be.
    """
    order = random.Random(seed)
    planned = []
    for repeat in range(repeats):
        for size in sizes:
            for kind, check, count in _measures(size, consumers):
                contenders = [
                    entry for entry in entries if not (check == "bytes" and entry.in_place)
                ]
                order.shuffle(contenders)
                for entry in contenders:
                    job = Job(
                        kind=kind,
                        shape=SIZES[size],
                        consumers=count,
                        period_s=_PERIODS[size],
                        frames=effort.frames,
                        seconds=effort.seconds,
                        check=check,
                        name=f"compare_{seed:x}_{len(planned)}",
                        lossless=entry.queueing == "waits",
                        options=entry.options,
                    )
                    planned.append(Planned(entry, size, job, repeat))
    return planned


def _measures(size: str, consumers: list[int]) -> list[tuple[str, str, int]]:
    measures = []
    if 1 in consumers:
        measures += [
            ("latency", "stamps", 1),
            ("throughput", "stamps", 1),
            ("throughput", "bytes", 1),
        ]
    if 1 in consumers and size in _CAMERAS:
        measures += [("history", "stamps", 1), ("attach", "stamps", 1)]
    if size == _OF_MANY:
        for count in consumers:
            if count > 1:
                measures += [("latency", "stamps", count), ("throughput", "stamps", count)]
    return measures
