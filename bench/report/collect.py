"""Put the raw figures of a run into ``docs/performance/``, with what is to know of the machine.

Host names and paths stay out.
"""

from __future__ import annotations

import argparse
import json
import os
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.report.facts import machine_facts


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
    return {
        **machine_facts(compiler),
        "numpy": metadata.version("numpy"),
        "tensor_ipc": metadata.version("tensor-ipc"),
    }


if __name__ == "__main__":
    main()
