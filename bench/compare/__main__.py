"""Measure this library beside others, in one run: ``scripts/bench-compare``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from bench.compare import catalogue, machine, schedule
from bench.compare.install import NotInstalledError, install, program, python_of
from bench.compare.process import FailedError, run


def main() -> int:
    """Install, measure, write the figures. Returns the exit code."""
    arguments = _arguments()
    try:
        entries = catalogue.find(arguments.contenders)
    except KeyError as error:
        print(f"scripts/bench-compare: {error.args[0]}", file=sys.stderr)
        return 2
    described = machine.describe()
    ready, absent = _install_all(entries)
    figures: dict[str, Any] = {
        "format": 1,
        "machine": described,
        "seed": arguments.seed,
        "repeats": arguments.repeats,
        "quick": arguments.quick,
        "contenders": [
            {
                "name": entry.name,
                "title": entry.title,
                "language": entry.language,
                "waiting": entry.waiting,
                "copies": entry.copies,
                "queueing": entry.queueing,
                "source": entry.source,
                "versions": machine.versions(entry) if entry.name not in absent else {},
                "absent": absent.get(entry.name),
            }
            for entry in entries
        ],
        "runs": [],
    }
    if arguments.again:
        figures = json.loads(arguments.out.read_text())
    planned = schedule.plan(
        ready,
        arguments.sizes,
        arguments.consumers,
        arguments.repeats,
        schedule.QUICK if arguments.quick else schedule.FULL,
        seed=arguments.seed,
    )
    planned = [one for one in planned if one.job.kind in arguments.kinds]
    again = {_measured_as(_row(one)) for one in planned}
    figures["runs"] = [row for row in figures["runs"] if _measured_as(row) not in again]
    began = time.monotonic()
    for number, one in enumerate(planned, 1):
        figures["runs"].append(_measured(one))
        _say(number, len(planned), time.monotonic() - began, figures["runs"][-1])
        if number % 20 == 0 or number == len(planned):
            figures["machine"]["load_after"] = round(os.getloadavg()[0], 2)
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            arguments.out.write_text(as_text(figures))
    return 0


def _arguments() -> argparse.Namespace:
    names = [entry.name for entry in catalogue.CATALOGUE]
    parser = argparse.ArgumentParser(
        prog="scripts/bench-compare", epilog=f"contenders: {', '.join(names)}"
    )
    parser.add_argument("--contenders", nargs="+", default=[], metavar="NAME")
    parser.add_argument(
        "--sizes", nargs="+", default=list(schedule.SIZES), choices=list(schedule.SIZES)
    )
    parser.add_argument("--consumers", nargs="+", type=int, default=[1, 4, 8], metavar="N")
    parser.add_argument(
        "--kinds", nargs="+", default=list(schedule.KINDS), choices=schedule.KINDS
    )
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument(
        "--quick", action="store_true", help="short jobs: to try, not to publish"
    )
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the order")
    parser.add_argument("--out", type=Path, default=Path("build/compare/compare.json"))
    parser.add_argument(
        "--again",
        action="store_true",
        help="keep what --out has, but for the measurements that are taken again",
    )
    return parser.parse_args()


def _install_all(
    entries: list[catalogue.Entry],
) -> tuple[list[catalogue.Entry], dict[str, str]]:
    """Return who can take part, and why the others cannot."""
    outcomes: dict[tuple[str, str], str] = {}
    absent: dict[str, str] = {}
    for entry in entries:
        what = (entry.environment, "" if entry.environment else entry.target)
        if what not in outcomes:
            print(f"installing: {entry.title}", file=sys.stderr)
            try:
                install(entry)
                outcomes[what] = ""
            except NotInstalledError as error:
                outcomes[what] = str(error)
                print(f"  absent: {error}", file=sys.stderr)
        if outcomes[what]:
            absent[entry.name] = outcomes[what]
    return [entry for entry in entries if entry.name not in absent], absent


def _measured(one: schedule.Planned) -> dict[str, Any]:
    entry, job = one.entry, one.job
    if entry.language == "python":
        command = [str(python_of(entry.environment)), "-m", "bench.compare.host"]
    else:
        command = [str(program(entry.target))]
    row = {**_row(one), "load": round(os.getloadavg()[0], 2)}
    try:
        row["figures"] = run(entry, job, command)
    except FailedError as error:
        row["failed"] = str(error)
    return row


def _row(one: schedule.Planned) -> dict[str, Any]:
    return {
        "contender": one.entry.name,
        "size": one.size,
        "kind": one.job.kind,
        "check": one.job.check,
        "consumers": one.job.consumers,
        "repeat": one.repeat,
    }


def _measured_as(row: dict[str, Any]) -> tuple[object, ...]:
    return tuple(row[name] for name in ("contender", "size", "kind", "check", "consumers"))


def as_text(figures: dict[str, Any]) -> str:
    """Return it as JSON, a run on each line."""
    head = json.dumps(
        {name: value for name, value in figures.items() if name != "runs"}, indent=1
    )
    runs = ",\n".join(json.dumps(row) for row in figures["runs"])
    return f'{head[:-2]},\n "runs": [\n{runs}\n]}}\n'


def _say(number: int, total: int, seconds: float, row: dict[str, Any]) -> None:
    left = seconds / number * (total - number)
    what = (
        f"{row['contender']}, {row['size']}, {row['kind']} ({row['check']}), {row['consumers']}"
    )
    outcome = f"  failed: {row['failed']}" if "failed" in row else ""
    print(f"[{number}/{total}, {left / 60:.0f} min left] {what}{outcome}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
