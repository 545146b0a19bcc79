"""The kept figures, by name."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class Figures:
    """What `collect` kept.

    The C++ benchmarks ran several times, mixed at random. `core` gives the median of the runs and
    their least and greatest value.
    """

    def __init__(self, folder: Path) -> None:
        self._rows: dict[str, list[dict[str, Any]]] = {}
        for row in json.loads((folder / "core.json").read_text())["benchmarks"]:
            if row["run_type"] != "iteration":
                continue  # Google Benchmark's own means and deviations
            name = row["run_name"].replace("/iterations:1", "")
            self._rows.setdefault(name, []).append(row)
        self.python: dict[str, Any] = json.loads((folder / "python.json").read_text())
        self.machine: dict[str, Any] = json.loads((folder / "machine.json").read_text())

    def core(self, name: str, value: str = "cpu_time") -> tuple[float, float, float]:
        """Return the median over the runs, the least and the greatest."""
        values = [float(row[value]) for row in self._rows[name]]
        return statistics.median(values), min(values), max(values)

    def arguments(self, benchmark: str) -> list[int]:
        """Return the arguments that `benchmark` ran with: frame sizes, numbers of consumers."""
        return sorted(
            int(name.rsplit(":", 1)[1])
            for name in self._rows
            if name.startswith(benchmark + "/")
        )
