"""Put the raw figures of a run into ``docs/performance/``, with what is to know of the machine.

Host names and paths stay out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any


def main() -> None:
    """Read what the benchmarks wrote; write what is kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.report.collect")
    parser.add_argument("--core", type=Path, required=True)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--compiler", default="c++")
    parser.add_argument("--load-before", type=float, required=True)
    parser.add_argument("--into", type=Path, required=True)
    arguments = parser.parse_args()
    core = json.loads(arguments.core.read_text())
    for field in ("host_name", "executable"):
        core["context"].pop(field, None)
    _write(arguments.into / "core.json", core)
    _write(arguments.into / "python.json", json.loads(arguments.python.read_text()))
    machine = _machine(arguments.compiler)
    machine["date"] = core["context"]["date"][:10]
    machine["load_before"] = arguments.load_before
    machine["load_after"] = round(os.getloadavg()[0], 2)
    _write(arguments.into / "machine.json", machine)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")


def _machine(compiler: str) -> dict[str, Any]:
    facts = Path("/proc/cpuinfo").read_text()
    flags = re.search(r"^flags\s*:.*\bhypervisor\b", facts, re.MULTILINE)
    return {
        "processor": _found(r"^model name\s*:\s*(.+)$", facts) or platform.machine(),
        "cores": os.cpu_count(),
        "virtual": flags is not None,
        "kernel": platform.release().split("-")[0],
        "libc": " ".join(platform.libc_ver()),
        "compiler": _first_line([compiler, "--version"]),
        "python": platform.python_version(),
        "numpy": metadata.version("numpy"),
        "tensor_ipc": metadata.version("tensor-ipc"),
    }


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1].strip() if match else ""


def _first_line(command: list[str]) -> str:
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return output.splitlines()[0]


if __name__ == "__main__":
    main()
