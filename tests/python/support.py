"""What several test files need: other processes, and what is in ``/dev/shm``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Callable, Sequence

import numpy as np

from tensor_ipc import TensorConsumer, TensorProducer

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED_MEMORY = Path("/dev/shm")

# Long enough for any machine: reaching it means that something hangs.
HANG_S = 60.0

# Owns a pool of int32 frames of shape (2, 3); frame i is full of i. Goes on at every line it reads,
# with one more frame, and ends in order when its input does.
PRODUCER = """
    import sys
    import numpy as np
    from tensor_ipc import TensorProducer

    name, history_len, frames = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sample = np.zeros((2, 3), dtype=np.int32)
    with TensorProducer.from_sample(name, sample, history_len) as producer:
        index = -1
        for value in range(frames):
            index = producer.put(np.full_like(sample, value))
        print(index, flush=True)
        for line in sys.stdin:
            print(producer.put(np.full_like(sample, int(line))), flush=True)
"""


def segments_of(namespace: str) -> list[Path]:
    """Objects of that namespace in shared memory."""
    return sorted(SHARED_MEMORY.glob(f"tensoripc_{namespace}=*"))


def segment_path(pool_name: str) -> Path:
    namespace = os.environ["TENSOR_IPC_NAMESPACE"]
    return SHARED_MEMORY / f"tensoripc_{namespace}={pool_name.replace('/', '+')}"


def filled(value: int) -> np.ndarray[Any, Any]:
    """A frame like those of `PRODUCER`."""
    return np.full((2, 3), value, dtype=np.int32)


def bits_of(array: np.ndarray[Any, Any]) -> bytes:
    """The elements in C order as bytes, which tells NaN payloads and signed zeros apart."""
    return np.ascontiguousarray(array).tobytes()


MakeProducer = Callable[..., TensorProducer]
MakeConsumer = Callable[..., TensorConsumer]
StartChild = Callable[..., "Child"]


class Child:
    """A Python program in a process of its own, spoken to line by line."""

    def __init__(self, program: str, *args: object, within: Sequence[str] = ()) -> None:
        """Start it; by the command `within`, which ends in executing what follows it."""
        python = [sys.executable, "-c", textwrap.dedent(program)]
        self.process = subprocess.Popen(
            [*within, *python, *(str(arg) for arg in args)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def read(self) -> str:
        """Return the next line that it prints."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            _, errors = self.process.communicate(timeout=HANG_S)
            msg = f"the child ended with {self.process.returncode}: {errors}"
            raise AssertionError(msg)
        return line.rstrip("\n")

    def write(self, line: object = "") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def finish(self) -> tuple[int, str, str]:
        """End its input and wait: exit code, output, errors."""
        output, errors = self.process.communicate(timeout=HANG_S)
        return self.process.returncode, output, errors

    def end(self) -> None:
        """End its input, and it when that does not."""
        try:
            self.process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL it, and return when it is gone."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def await_sleep(self) -> None:
        """Return when its main thread sleeps in the kernel."""
        stat = Path(f"/proc/{self.pid}/stat")
        while stat.read_text().rsplit(")", 1)[1].split()[0] != "S":
            os.sched_yield()
