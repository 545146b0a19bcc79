"""One measurement, in fresh processes: ``python -m bench.compare.host MODULE:CLASS JOB OUTPUT``.

Runs in the contender's own environment. Makes the contender, spawns its consumers and its producer,
and writes what they saw as JSON.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import multiprocessing
import multiprocessing.connection
import statistics
import sys
import traceback
from pathlib import Path
from typing import Any, Sequence

from bench.compare import roles
from bench.compare.board import DRAINING, Board, wait_until
from bench.compare.contract import Contender, Job
from bench.compare.package import Package


def main() -> None:
    """Measure."""
    target, job, output = sys.argv[1:]
    module, name = target.split(":")
    given = json.loads(job)
    given["shape"] = tuple(given["shape"])
    outcome = measure(getattr(importlib.import_module(module), name), Job(**given))
    Path(output).write_text(json.dumps(outcome))


def measure(make: type[Contender], job: Job) -> dict[str, Any]:
    """Return the figures of one job.

    Raises
    ------
    RuntimeError
        A process of it died.
    """
    spawn = multiprocessing.get_context("spawn")
    package = Package(make(job))
    board = Board(job.consumers)
    links, processes = [], []

    def start(run: Any, *args: object) -> None:
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=_guarded, args=(run, *args, job, board, theirs))
        process.start()
        theirs.close()
        links.append(ours)
        processes.append(process)

    if job.kind == "attach":
        start(roles.produce, package)
        wait_until(
            lambda: board.published > 0 or not processes[0].is_alive(),
            "the producer's first frame",
        )
    for number in range(job.consumers):
        start(roles.consume, package, number)
    if job.kind != "attach":
        start(roles.produce, package)
    outcomes = _receive(links, processes, board)
    for link in links:
        link.send(None)
    for process in processes:
        process.join(10)
        if process.is_alive():
            process.kill()
    producer = next(outcome for outcome in outcomes if "put_ns" in outcome)
    consumers = [outcome for outcome in outcomes if "put_ns" not in outcome]
    return summarise(job, producer, consumers)


def _guarded(run: Any, *args: Any) -> None:
    """Run a role; what it raises goes the way of its figures."""
    link = args[-1]
    try:
        run(*args)
    except BaseException as error:  # noqa: BLE001  the host reports it
        traceback.print_exc()
        with contextlib.suppress(OSError):
            link.send(repr(error))


def _receive(links: list[Any], processes: list[Any], board: Board) -> list[dict[str, Any]]:
    outcomes: dict[int, dict[str, Any]] = {}
    while len(outcomes) < len(links):
        waiting = {link: number for number, link in enumerate(links) if number not in outcomes}
        for link in multiprocessing.connection.wait(list(waiting)):
            number = waiting[link]
            try:
                outcome = link.recv()
            except (EOFError, OSError):
                processes[number].join(5)
                outcome = f"died with exit code {processes[number].exitcode}"
            if isinstance(outcome, str):
                board.state = DRAINING
                for process in processes:
                    process.kill()
                msg = f"process {number} of {len(links)}: {outcome}"
                raise RuntimeError(msg)  # noqa: TRY004  the type is no mistake of ours
            outcomes[number] = outcome
    return [outcomes[number] for number in sorted(outcomes)]


def summarise(
    job: Job, producer: dict[str, Any], consumers: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return what is kept of a measurement. ``native/harness.hpp`` writes the same."""
    latencies = sorted(ns for consumer in consumers for ns in consumer["latencies_ns"])
    history = sorted(ns for consumer in consumers for ns in consumer["history_ns"])
    received = sum(consumer["whole"] for consumer in consumers)
    attach = sorted(consumer["attach_ns"] for consumer in consumers)
    outcome: dict[str, Any] = {
        "published": producer["published"],
        "received": received,
        **{
            count: sum(consumer[count] for consumer in consumers)
            for count in ("torn", "lost", "repeated")
        },
        "put_p50_us": _at(sorted(producer["put_ns"]), 0.5),
        "producer_cpu_us_per_frame": _share(producer["cpu_ns"], producer["published"]),
        "consumer_cpu_us_per_frame": _share(
            sum(consumer["cpu_ns"] for consumer in consumers), received
        ),
        "memory_mb": (
            producer["memory_bytes"] + sum(consumer["memory_bytes"] for consumer in consumers)
        )
        / 1e6,
        "import_ms": statistics.median(consumer["import_ns"] for consumer in consumers) / 1e6,
    }
    if job.kind == "latency":
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
            outcome[f"latency_{name}_us"] = _at(latencies, share)
    elif job.kind == "throughput":
        outcome["frames_per_s"] = min(consumer["frames_per_s"] for consumer in consumers)
        outcome["put_frames_per_s"] = producer["frames_per_s"]
    elif job.kind == "history":
        outcome["history_p50_us"] = _at(history, 0.5)
        outcome["history_wrong"] = sum(consumer["history_wrong"] for consumer in consumers)
    else:
        outcome["attach_ms"] = _at(attach, 0.5, unit_ns=1e6)
    return outcome


def _at(ordered: Sequence[float], share: float, unit_ns: float = 1e3) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] / unit_ns, 3)


def _share(cpu_ns: float, frames: int) -> float | None:
    return round(cpu_ns / frames / 1e3, 3) if frames else None


if __name__ == "__main__":
    main()
