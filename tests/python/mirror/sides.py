"""The processes of a mirror: a producer of frames that can be checked, and the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable

from support import HANG_S


class Command:
    """``tensor-ipc mirror ...`` in a process, perhaps in a network namespace; says what it knows."""

    def __init__(self, place: str | None, name_space: str, *words: object) -> None:
        prefix = [] if place is None else ["ip", "netns", "exec", place]
        self.process = subprocess.Popen(
            [
                *(*prefix, sys.executable, "-m", "tensor_ipc.cli", "mirror"),
                *(*(str(word) for word in words), "--json", "--interval", "0.1"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TENSOR_IPC_NAMESPACE": name_space, "TENSOR_IPC_DDS": "on"},
        )
        self._said = threading.Condition()
        self._lines = 0
        self._last = ""
        self._has_ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        """Keep what it said last, in a thread: a pipe would keep what it said first."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._said:
                self._lines += 1
                self._last = line
                self._said.notify_all()
        with self._said:
            self._has_ended = True
            self._said.notify_all()

    def facts(self) -> dict[str, Any]:
        """Return what it says from now on: of two lines to come the second."""
        with self._said:
            wanted = self._lines + 2
            self._said.wait_for(lambda: self._has_ended or self._lines >= wanted, HANG_S)
            is_fresh, line = self._lines >= wanted, self._last
        if not is_fresh:
            assert self._has_ended, "tensor-ipc mirror says nothing"
            assert self.process.stderr is not None
            errors = self.process.stderr.read()
            msg = f"tensor-ipc mirror ended with {self.process.wait(HANG_S)}: {errors}"
            raise AssertionError(msg)
        facts: dict[str, Any] = json.loads(line)
        return facts

    def wait_for(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first facts for which `condition` holds."""
        end_s = time.monotonic() + HANG_S
        facts = self.facts()
        while not condition(facts):
            assert time.monotonic() < end_s, facts
            facts = self.facts()
        return facts

    def kill(self) -> None:
        """SIGKILL it, and return when it is gone."""
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def end(self) -> int:
        """SIGTERM it, and return its exit code."""
        self.process.terminate()
        return self.process.wait(HANG_S)


class Producer:
    """``mirror_producer.py`` in a process and a namespace of its own."""

    def __init__(self, name_space: str, name: str, shape: tuple[int, ...], rate: float) -> None:
        program = str(Path(__file__).with_name("mirror_producer.py"))
        self.process = subprocess.Popen(
            [sys.executable, program, name, json.dumps(shape), str(rate)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TENSOR_IPC_NAMESPACE": name_space},
        )
        self.first = self._read()
        """Number of the first frame that it puts."""

    def _read(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def put(self, count: int) -> int:
        """Have it put so many frames; return how many there are then."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return self._read()

    def end(self) -> None:
        """End its input, and so its pool in order. Not for one with a rate."""
        self.process.communicate(timeout=HANG_S)

    def kill(self) -> None:
        """SIGKILL it, and return when it is gone."""
        self.process.kill()
        self.process.communicate()
