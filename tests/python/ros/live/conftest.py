"""Real ROS: an own domain on loopback, one node in this process, others in processes of their own.

`ros_support` skips a file of tests where there is no rclpy.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Iterator
from uuid import uuid4

import pytest
from support import Child, StartChild

import tensor_ipc

HERE = Path(__file__).parent


@pytest.fixture(scope="module", autouse=True)
def own_domain() -> Iterator[None]:
    """A domain on loopback that other runs do not use, for this process and those it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "SYSTEM_DEFAULT")  # what the profile says
        patch.setenv("FASTDDS_DEFAULT_PROFILES_FILE", str(HERE / "fastdds_udp.xml"))
        chosen = os.environ.get("TENSOR_IPC_TEST_ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
        patch.setenv("ROS_DOMAIN_ID", chosen)
        yield


@pytest.fixture(scope="module")
def context(own_domain: None) -> Iterator[Any]:
    assert own_domain is None
    import rclpy  # noqa: PLC0415

    context = rclpy.context.Context()
    rclpy.init(args=[], context=context)
    yield context
    rclpy.try_shutdown(context=context)


@pytest.fixture
def node(context: Any) -> Iterator[Any]:
    import rclpy  # noqa: PLC0415

    node = rclpy.create_node(f"test_{uuid4().hex[:8]}", context=context)
    yield node
    node.destroy_node()


@pytest.fixture
def topic() -> str:
    """Name of a topic that no other test has."""
    return f"/topic_{uuid4().hex[:12]}"


@pytest.fixture
def start_ros_child(_nothing_left: None) -> Iterator[StartChild]:
    """Starts Python programs, which are killed at the end of the test."""
    started: list[Child] = []

    def start(program: str, *args: object) -> Child:
        child = Child(program, *args)
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
    tensor_ipc.clean()  # what the killed left
