"""Every test has a namespace of its own, and must leave nothing in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Iterator
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from tensor_ipc.cli import main

_SHARED_MEMORY = Path("/dev/shm")

Command = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def segments(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    namespace = f"test{uuid4().hex[:10]}"
    monkeypatch.setenv("TENSOR_IPC_NAMESPACE", namespace)
    prefix = f"tensoripc_{namespace}="

    def names() -> list[str]:
        return sorted(
            each.name for each in _SHARED_MEMORY.iterdir() if each.name.startswith(prefix)
        )

    return names


@pytest.fixture(autouse=True)
def _nothing_left(segments: Callable[[], list[str]]) -> Iterator[None]:
    yield
    left = segments()
    for name in left:
        (_SHARED_MEMORY / name).unlink()
    assert left == []


@pytest.fixture
def pool() -> str:
    return f"pool-{uuid4().hex[:10]}"


@pytest.fixture
def tensor_ipc() -> Command:
    def run(*args: object) -> Result:
        return CliRunner().invoke(main, [str(arg) for arg in args])

    return run


@pytest.fixture
def start() -> Iterator[Start]:
    """Start ``python ARGS`` with pipes. What still runs at the end is killed."""
    started = []

    def run(*args: object, **options: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *(str(arg) for arg in args)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            **options,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()
