"""DDS is on here: on the loopback interface, each test in a domain of its own."""

from __future__ import annotations

import itertools
import os
import sys
from typing import Iterator

import pytest

from tensor_ipc.core import network

# 20 to 39, from another place in each process of a machine on which several test.
_domains = itertools.cycle(20 + (os.getpid() + i) % 20 for i in range(20))


@pytest.fixture(autouse=True)
def domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The DDS domain of this test and of the processes that it starts."""
    if not network.is_built_in():
        pytest.skip("this tensor-ipc was built without Cyclone DDS")
    number = next(_domains)
    monkeypatch.setenv("TENSOR_IPC_DDS", "on")
    monkeypatch.setenv("TENSOR_IPC_DDS_DOMAIN", str(number))
    monkeypatch.delenv("CYCLONEDDS_URI", raising=False)
    yield number
    independent = sys.modules.get("independent")  # only where `cyclonedds` is, and is used
    if independent is not None:
        independent.remove_peers()


@pytest.fixture
def other_domain(domain: int) -> int:
    """A domain that is not that of this test."""
    return 20 + (domain + 10) % 20
