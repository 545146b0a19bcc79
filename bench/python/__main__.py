"""``python -m bench.python --ping PROGRAM --wheel FILE --out FILE``: all Python benchmarks."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from bench.python.by_time import measure_by_time
from bench.python.callbacks import measure_callbacks
from bench.python.calls import measure_gets, measure_puts
from bench.python.imports import measure_import
from bench.python.ros_images import measure_ros_images
from bench.python.torch_calls import measure_torch


def main() -> None:
    """Measure everything, and write it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.python")
    parser.add_argument("--ping", required=True, help="the tensor_ipc_futex_ping program")
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    figures = {
        "get": measure_gets(),
        "put": measure_puts(),
        "by_time": measure_by_time(),
        "callback": measure_callbacks(arguments.ping),
        "import": measure_import(),
        "ros_images": measure_ros_images(),
        "torch": measure_torch(),
        "wheel_bytes": arguments.wheel.stat().st_size,
    }
    arguments.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
