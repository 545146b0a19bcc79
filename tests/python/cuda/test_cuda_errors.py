"""The table of errors in docs/cuda.md, each row as Python sees it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tensor_ipc import (
    CudaError,
    CudaOutOfMemoryError,
    CudaUnavailableError,
    CudaUnsupportedError,
    TensorIpcError,
)

if TYPE_CHECKING:
    from support import StartChild

# Makes a pool on a GPU and puts a frame, or says why not.
PROGRAM = """
import sys
import numpy as np
from tensor_ipc import PoolMetadata, TensorConsumer, TensorIpcError, TensorProducer

metadata = PoolMetadata(sys.argv[1], (2, 3), "int32", "cuda", 1, sys.argv[3])
try:
    with TensorProducer(metadata, sync="block", device_memory=sys.argv[2]) as producer:
        producer.put(np.zeros((2, 3), np.int32))
        print("fine")
except TensorIpcError as error:
    print(type(error).__name__, error)
"""

READER = """
import sys
from tensor_ipc import TensorConsumer, TensorIpcError

try:
    with TensorConsumer.attach(sys.argv[1]) as consumer:
        print(consumer.get(as_numpy=True)[0, 0])
except TensorIpcError as error:
    print(type(error).__name__, error)
"""

OWNER = """
import sys
import numpy as np
from tensor_ipc import PoolMetadata, TensorProducer

metadata = PoolMetadata(sys.argv[1], (2, 3), "int32", "cuda", 1, "cuda:0")
with TensorProducer(metadata, sync="block", device_memory=sys.argv[2]) as producer:
    producer.put(np.full((2, 3), 7, np.int32))
    print("ready", flush=True)
    sys.stdin.readline()
"""

STUB = Path("/usr/local/cuda/lib64/stubs/libcuda.so")


def said_by(start_child: StartChild, *args: object) -> str:
    code, output, errors = start_child(*args).finish()  # type: ignore[arg-type]
    assert (code, errors) == (0, "")
    return output.rstrip("\n")


UNAVAILABLE = {
    "no library": {"TENSOR_IPC_CUDA_DRIVER": "/nowhere/libcuda.so.1"},
    "no driver": {"TENSOR_IPC_CUDA_DRIVER": "libm.so.6"},
    "too old": {"FAKE_CUDA_VERSION": "11020"},
    "no GPU": {"FAKE_CUDA_DEVICES": "0"},
    "none visible": {"CUDA_VISIBLE_DEVICES": ""},
}


@pytest.mark.parametrize("case", UNAVAILABLE)
def test_unavailable(
    monkeypatch: pytest.MonkeyPatch, start_child: StartChild, pool: str, case: str
) -> None:
    for name, value in UNAVAILABLE[case].items():
        monkeypatch.setenv(name, value)

    said = said_by(start_child, PROGRAM, pool, "auto", "cuda:0")

    assert said.startswith("CudaUnavailableError ")
    assert len(said) > 60  # says what was found and what to do


@pytest.mark.skipif(not STUB.exists(), reason="no CUDA toolkit with its stub here")
def test_the_toolkit_s_stub(
    monkeypatch: pytest.MonkeyPatch, start_child: StartChild, pool: str
) -> None:
    monkeypatch.setenv("TENSOR_IPC_CUDA_DRIVER", str(STUB))

    said = said_by(start_child, PROGRAM, pool, "auto", "cuda:0")

    assert said.startswith("CudaUnavailableError ")
    assert "stub" in said


def test_gpu_that_is_not_there(start_child: StartChild, pool: str) -> None:
    said = said_by(start_child, PROGRAM, pool, "auto", "cuda:7")

    assert said.startswith("CudaUnavailableError ")
    assert "7" in said


@pytest.mark.parametrize(
    ("without", "memory", "expected"),
    [
        ("vmm", "auto", "fine"),
        ("vmm", "ipc", "fine"),
        ("vmm", "vmm", "CudaUnsupportedError "),
        ("ipc", "auto", "fine"),
        ("ipc", "ipc", "CudaUnsupportedError "),
        ("ipc,vmm", "auto", "CudaUnsupportedError "),
    ],
)
def test_what_the_gpu_cannot_do(
    monkeypatch: pytest.MonkeyPatch,
    start_child: StartChild,
    pool: str,
    without: str,
    memory: str,
    expected: str,
) -> None:
    monkeypatch.setenv("FAKE_CUDA_WITHOUT", without)

    assert said_by(start_child, PROGRAM, pool, memory, "cuda:0").startswith(expected)


@pytest.mark.parametrize("memory", ["ipc", "vmm"])
def test_full_gpu(
    monkeypatch: pytest.MonkeyPatch, start_child: StartChild, pool: str, memory: str
) -> None:
    monkeypatch.setenv("FAKE_CUDA_MEMORY_MB", "1")

    said = said_by(start_child, PROGRAM, pool, memory, "cuda:0")

    assert said.startswith("CudaOutOfMemoryError ")


def test_equal_pids_in_two_containers(
    monkeypatch: pytest.MonkeyPatch, start_child: StartChild, pool: str
) -> None:
    monkeypatch.setenv("FAKE_CUDA_PID", "7")
    owner = start_child(OWNER, pool, "ipc")
    assert owner.read() == "ready"

    said = said_by(start_child, READER, pool)

    assert said.startswith(("CudaUnsupportedError ", "CudaError "))
    assert "PID" in said
    assert "vmm" in said  # which works there
    owner.finish()
    owner = start_child(OWNER, pool, "vmm")
    assert owner.read() == "ready"
    assert said_by(start_child, READER, pool) == "7"
    owner.finish()


@pytest.mark.parametrize("memory", ["ipc", "vmm"])
def test_dead_owner(start_child: StartChild, pool: str, memory: str, namespace: str) -> None:
    owner = start_child(OWNER, pool, memory)
    assert owner.read() == "ready"
    owner.process.send_signal(signal.SIGKILL)
    owner.process.wait()

    said = said_by(start_child, READER, pool)

    assert said.startswith("PoolNotFoundError ")
    cleaned = said_by(
        start_child, "import tensor_ipc\nprint([each.name for each in tensor_ipc.clean()])"
    )
    assert cleaned == str([pool])
    assert os.environ["TENSOR_IPC_NAMESPACE"] == namespace


def test_any_other_refusal(
    monkeypatch: pytest.MonkeyPatch, start_child: StartChild, pool: str
) -> None:
    monkeypatch.setenv("FAKE_CUDA_FAIL", "cuStreamCreate:1:999")

    said = said_by(start_child, PROGRAM, pool, "auto", "cuda:0")

    assert said.startswith("CudaError cuStreamCreate: ")
    assert "999" in said


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (CudaError, RuntimeError),
        (CudaUnavailableError, CudaError),
        (CudaUnsupportedError, CudaError),
        (CudaOutOfMemoryError, MemoryError),
    ],
)
def test_each_is_also_the_one_that_is_expected(
    error: type[Exception], builtin: type[Exception]
) -> None:
    assert issubclass(error, builtin)
    assert issubclass(error, CudaError)
    assert issubclass(error, TensorIpcError)
