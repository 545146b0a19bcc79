"""Other processes of the GPU tests."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
HANG_S = 120.0

_HEAD = """
import os, sys
import numpy as np
from bench.gpu.driver import Cuda, address_of
from tensor_ipc import *
from tensor_ipc.errors import *
"""

# Owns a pool of frames of one value each: frame i is full of i. One more with each line it reads.
PRODUCER = """
cuda = Cuda()
name, kind, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
frames = [cuda.array(np.full(count, value, np.int32)) for value in range(8)]
source = cuda.array(np.zeros(count, np.int32))
stream = cuda.stream()
with TensorProducer.from_sample(name, source, 3, device_memory=kind) as producer:
    print("ready", flush=True)
    for number, line in enumerate(sys.stdin):
        for _ in range(int(line)):
            value = producer.stats.frames % 8
            cuda.copy(source.address, frames[value].address, source.nbytes, stream.ptr)
            producer.put(source, stream=stream)
            producer.synchronize()
        print(producer.stats.frames, flush=True)
"""


class Program:
    """A Python program that is spoken to line by line, and killed at the end."""

    def __init__(self, text: str, *args: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _HEAD + textwrap.dedent(text), *(str(arg) for arg in args)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Program:  # noqa: PYI034
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def read(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            _, errors = self.process.communicate(timeout=HANG_S)
            msg = f"the process ended with {self.process.returncode}: {errors}"
            raise AssertionError(msg)
        return line.strip()

    def write(self, line: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def finish(self) -> None:
        """End its input, and wait for its end."""
        self.process.communicate(timeout=HANG_S)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def outcome(text: str, *args: object, **environment: str) -> Any:
    """Run a program to its end. Return its last line, or fail with what it said."""
    done = subprocess.run(
        [sys.executable, "-c", _HEAD + textwrap.dedent(text), *(str(arg) for arg in args)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().rsplit("\n", 1)[-1]
