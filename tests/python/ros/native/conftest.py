"""Topics without ROS in this process; real ROS nodes only in processes of their own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, Iterator
from uuid import uuid4

import pytest
from native_support import PEER, PROFILE
from support import Child

import tensor_ipc

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def dds_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """DDS, which other tests do without."""
    monkeypatch.setenv("TENSOR_IPC_DDS", "on")


@pytest.fixture
def domain() -> int:
    """A domain that tests which run at the same time do not share."""
    return 80 + os.getpid() % 10


@pytest.fixture
def topic() -> str:
    """Name of a topic that no other test has."""
    return f"/native_{uuid4().hex[:12]}"


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """The profile that users are given, without shared memory: killed nodes would leave it."""
    text = PROFILE.read_text()
    used = "     <transport_id>shm</transport_id>\n"
    assert text.count(used) == 1
    path = tmp_path / "fastdds.xml"
    path.write_text(text.replace(used, ""))
    return path


@pytest.fixture
def ros_environment(domain: int, profile: Path, monkeypatch: Any) -> None:
    """What ROS nodes, and ours, are told from outside."""
    for name in (
        "CYCLONEDDS_URI",
        "ROS_LOCALHOST_ONLY",
        "ROS_STATIC_PEERS",
        "RMW_IMPLEMENTATION",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "SYSTEM_DEFAULT")
    monkeypatch.setenv("FASTDDS_DEFAULT_PROFILES_FILE", str(profile))


@pytest.fixture
def start(
    _nothing_left: None,
    ros_environment: None,  # noqa: ARG001 - for what it does
) -> Iterator[Callable[..., Child]]:
    """Starts the program of another process, by default a ROS node; see `PEER`."""
    started: list[Child] = []

    def start(*args: object, program: str = PEER) -> Child:
        started.append(Child(program, *args))
        return started[-1]

    yield start
    for child in started:
        child.kill()
    tensor_ipc.clean()  # what the killed left
