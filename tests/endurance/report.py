"""What is shown at the end, and kept in the folder of ``--out``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from endurance.judge import KINDS

if TYPE_CHECKING:
    from endurance.conductor import Conductor
    from endurance.crashes import Verdict
    from endurance.options import Options

COLUMNS = {
    "frames": "frames",
    "checked": "checked",
    "windows": "histories",
    "copied": "copied",
    "refused": "refused",
    "mismatches": "other shape",
    "starts": "starts",
    "kills": "kills",
    "leaves": "leaves",
    "stops": "stops",
}
MOST_FAULTS_SHOWN = 20


def show(run: Conductor, crashes: Verdict | None, options: Options) -> bool:
    """Print the summary.

    Returns
    -------
    Whether nothing was wrong.
    """
    console = Console(width=150)
    console.print(_by_pool(run))
    counts = {kind: run.judge.count(kind) for kind in KINDS}
    if crashes is not None:
        for kind in KINDS:
            counts[kind] += crashes.counts[kind]
        how = "passed" if crashes.passed else f"FAILED, see {options.out / 'crash_tests.log'}"
        console.print(f"C++ crash tests: {crashes.counts['kills']:,} kills, {how}")
        for what, figures in crashes.times.items():
            console.print(f"  {what}: {figures}", highlight=False)
    most = max((sample.private_bytes for sample in run.samples), default=0)
    shared = max((sample.shared_bytes for sample in run.samples), default=0)
    console.print(
        f"memory: at most {most / 2**20:.0f} MiB private in all workers, "
        f"{shared / 2**20:.0f} MiB in /dev/shm"
    )
    for fault in run.judge.faults[:MOST_FAULTS_SHOWN]:
        console.print(f"FAULT, seed {options.seed}: {fault}", markup=False, highlight=False)
    console.print(", ".join(f"{kind} {count}" for kind, count in counts.items()))
    return not any(counts.values()) and (crashes is None or crashes.passed)


def _by_pool(run: Conductor) -> Table:
    table = Table(box=SIMPLE_HEAD, title=f"Endurance, {run.elapsed_s:.0f} s")
    table.add_column("pool")
    for title in ("frames/s", "checked/s", *COLUMNS.values()):
        table.add_column(title, justify="right")
    seconds = max(run.elapsed_s, 1e-9)
    rows = {name: dict(counters) for name, counters in run.tally.by_pool.items()}
    rows["all"] = {name: run.tally.total(name) for name in COLUMNS}
    for pool, counters in rows.items():
        rates = (f"{counters.get(name, 0) / seconds:,.0f}" for name in ("frames", "checked"))
        values = (f"{counters.get(name, 0):,}" for name in COLUMNS)
        table.add_row(pool, *rates, *values, end_section=pool == list(rows)[-2])
    return table


def keep(run: Conductor, crashes: Verdict | None, options: Options) -> None:
    """Write the figures, and the plot where matplotlib is there."""
    from endurance.memory import draw  # noqa: PLC0415 - with what it needs

    figures = {
        "seed": options.seed,
        "elapsed_s": run.elapsed_s,
        "pools": {name: dict(counters) for name, counters in run.tally.by_pool.items()},
        "faults": [fault._asdict() for fault in run.judge.faults],
        "memory": [sample._asdict() for sample in run.samples],
        "crash_tests": None if crashes is None else crashes._asdict(),
    }
    (options.out / "endurance.json").write_text(json.dumps(figures, indent=1))
    try:
        draw(run.samples, options.out / "memory.png")
    except ImportError:
        print("no plot: matplotlib is not installed")
