"""Memory of the run over time."""

from __future__ import annotations

import os
import statistics
from pathlib import Path
from typing import NamedTuple

SHARED_MEMORY = Path("/dev/shm")


class Sample(NamedTuple):
    """One look."""

    at_s: float
    processes: int
    private_bytes: int
    """Of all workers: what is nobody else's."""
    shared_bytes: int
    """Of this namespace in /dev/shm."""
    elders: dict[str, int]
    """Private bytes of those who live through the run."""


def private_bytes(pid: int) -> int:
    """Anonymous memory of a process; 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


def segments() -> list[Path]:
    """Objects of this run in shared memory."""
    return sorted(SHARED_MEMORY.glob(f"tensoripc_{os.environ['TENSOR_IPC_NAMESPACE']}=*"))


def shared_bytes() -> int:
    """Their size."""
    total = 0
    for path in segments():
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:
            continue  # it ended meanwhile
    return total


def early_and_late(samples: list[Sample], elder: str) -> tuple[float, float] | None:
    """Return an elder's memory in the second and the last tenth of its samples."""
    values = [sample.elders[elder] for sample in samples if sample.elders.get(elder)]
    tenth = len(values) // 10
    if tenth == 0:
        return None
    return statistics.median(values[tenth : 2 * tenth]), statistics.median(values[-tenth:])


def draw(samples: list[Sample], path: Path) -> None:
    """Plot memory over time. Needs matplotlib, and no display."""
    import matplotlib as mpl  # noqa: PLC0415 - the run itself does without

    mpl.use("agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    times = [sample.at_s / 60 for sample in samples]
    figure, (all_of_it, elders) = plt.subplots(
        2, 1, figsize=(8, 6), sharex=True, layout="constrained"
    )
    all_of_it.plot(
        times, [s.private_bytes / 2**20 for s in samples], label="all workers, private"
    )
    all_of_it.plot(times, [s.shared_bytes / 2**20 for s in samples], label="pools in /dev/shm")
    all_of_it.set(title="Memory over time", ylabel="MiB", ylim=(0, None))
    all_of_it.legend(loc="lower right")
    for name in sorted({name for sample in samples for name in sample.elders}):
        values = [sample.elders.get(name, 0) / 2**20 for sample in samples]
        elders.plot(times, values, label=name)
    elders.set(
        title="Processes that live through the run, private memory",
        xlabel="minutes",
        ylabel="MiB",
        ylim=(0, None),
    )
    elders.legend(loc="lower right", fontsize=8)
    figure.savefig(path, dpi=120)
    plt.close(figure)
