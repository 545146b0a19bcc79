"""Tests for real GPUs (`scripts/test-gpu`). Skipped, with the reason, where there is none."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any, Iterator
from uuid import uuid4

import pytest
from bench.gpu.driver import Cuda, NoGpu

os.environ["TENSOR_IPC_DDS"] = "off"
SHARED_MEMORY = Path("/dev/shm")

_library = os.environ.get("TENSOR_IPC_FAKE_CUDA", "")
if _library:  # a dry run of what needs no real one
    os.environ["TENSOR_IPC_CUDA_DRIVER"] = str(Path(_library).resolve(strict=True))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "hardware: means nothing with the stand-in driver")


@pytest.fixture(scope="session")
def cuda() -> Cuda:
    try:
        return Cuda()
    except NoGpu as error:
        pytest.skip(f"no GPU: {error}")


@pytest.fixture(autouse=True)
def _on_hardware(request: pytest.FixtureRequest, cuda: Cuda) -> None:
    if cuda.is_fake and request.node.get_closest_marker("hardware"):
        pytest.skip("needs a real GPU; this is the stand-in for the driver")


@pytest.fixture(autouse=True)
def pool() -> Iterator[str]:
    """Name of a pool, in a namespace of its own in which nothing may be left."""
    before = os.environ.get("TENSOR_IPC_NAMESPACE")
    namespace = f"g{uuid4().hex[:12]}"
    os.environ["TENSOR_IPC_NAMESPACE"] = namespace
    yield "gpu"
    if before is None:
        del os.environ["TENSOR_IPC_NAMESPACE"]
    else:
        os.environ["TENSOR_IPC_NAMESPACE"] = before
    left = sorted(SHARED_MEMORY.glob(f"tensoripc_{namespace}=*"))
    for path in left:
        path.unlink()
    assert left == []


@pytest.fixture(params=["ipc", "vmm"])
def memory(request: pytest.FixtureRequest, cuda: Cuda) -> str:
    """Each kind of device memory that this GPU has."""
    vmm, descriptors = 102, 103  # cuda.h: virtual memory management, handles as descriptors
    if request.param == "vmm" and not (cuda.attribute(vmm) and cuda.attribute(descriptors)):
        pytest.skip("this GPU cannot share memory by descriptors")
    return str(request.param)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say on what this ran: a summary without it proves nothing."""
    try:
        facts = Cuda().facts()
    except NoGpu as error:
        terminalreporter.write_line(f"gpu: none ({error})")
        return
    except RuntimeError as error:
        warnings.warn(str(error), stacklevel=1)
        return
    where = "the stand-in driver, a dry run" if facts["fake"] else facts["gpu"]
    terminalreporter.write_line(f"gpu: {where}, CUDA {facts['cuda']}")
