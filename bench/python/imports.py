"""What ``import tensor_ipc`` takes beyond ``import numpy``, in fresh processes."""

from __future__ import annotations

import subprocess
import sys
import time

from bench.python.turns import spread

_ROUNDS = 31
_TIMED = """
import time, numpy
from_ns = time.perf_counter_ns()
import tensor_ipc
print(time.perf_counter_ns() - from_ns)
"""
_THREADS = """
import os, tensor_ipc
print(len(os.listdir("/proc/self/task")))
"""


def measure_import() -> dict[str, float]:
    """Time whole processes by turns, and the import alone once NumPy is there."""
    alone: list[float] = []
    beyond: list[float] = []
    _process_ms("import tensor_ipc")  # writes what is not compiled yet
    for number in range(_ROUNDS):
        codes = ["import numpy", "import numpy, tensor_ipc"]
        if number % 2:
            times = [_process_ms(code) for code in reversed(codes)][::-1]
        else:
            times = [_process_ms(code) for code in codes]
        beyond.append(times[1] - times[0])
        alone.append(float(_output(_TIMED)) / 1e6)
    numpy_threads = int(_output(_THREADS.replace("tensor_ipc", "numpy")))
    return {
        **spread("process_beyond_numpy_ms", beyond),
        **spread("import_ms", alone),
        "threads_started": int(_output(_THREADS)) - numpy_threads,
    }


def _process_ms(code: str) -> float:
    from_ns = time.perf_counter_ns()
    _output(code)
    return (time.perf_counter_ns() - from_ns) / 1e6


def _output(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
