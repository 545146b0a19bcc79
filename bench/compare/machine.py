"""What is to know of the machine and of what was compared."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.compare.install import python_of
from bench.report.facts import machine_facts

if TYPE_CHECKING:
    from bench.compare.catalogue import Entry

#: More than this beside us, and the report says that the machine was busy.
_BUSY_LOAD = 0.5


def describe() -> dict[str, Any]:
    """Return processor, kernel, compiler, and how busy the machine is before anything was run."""
    load = os.getloadavg()[0]
    return {
        **machine_facts("c++"),
        "date": datetime.now(timezone.utc).date().isoformat(),
        "load_before": round(load, 2),
        "busy": load > _BUSY_LOAD,
        "huge_pages": _text("/sys/kernel/mm/transparent_hugepage/shmem_enabled"),
        "governor": _text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
    }


def versions(entry: Entry) -> dict[str, str]:
    """Return the versions of what an entry's environment holds, or of its packages."""
    if entry.language == "python":
        command = [str(python_of(entry.environment)), "-m", "pip", "list", "--format=freeze"]
        lines = _output([*command, "--disable-pip-version-check"]).splitlines()
        wanted = {
            one.split("==")[0].lower() for one in (*entry.requirements, "numpy", "tensor-ipc")
        }
        found = dict(line.split("==", 1) for line in lines if "==" in line)
        return {name: version for name, version in found.items() if name.lower() in wanted}
    if entry.packages:
        lines = _output(["dpkg-query", "-W", *entry.packages]).splitlines()
        return dict(line.split("\t", 1) for line in lines if "\t" in line)
    return {}


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(
            command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ).stdout
    except OSError:
        return ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return "unknown"
