"""Real ROS at the other end, over Fast DDS."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import zlib
from typing import Any, Callable, Iterator

import numpy as np
import pytest
from native_support import KEPT, attached, eventually, frame_of, needs_rclpy, picture
from support import HANG_S, Child

import tensor_ipc
from tensor_ipc import TensorProducer
from tensor_ipc.rosext.native import PoolToTopic, TopicToPool

pytestmark = needs_rclpy

Start = Callable[..., Child]
IMAGE_HASH = "RIHS01_d31d41a9a4c4bc8eae9be757b0beed306564f7526c88ea6a4588fb9582527d47"

VGA, FULL_HD, UHD = (480, 640), (1080, 1920), (2160, 3840)


def heard(child: Child) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(child.read())
    return content


def publish(publisher: Child, seed: int, height: int, width: int) -> int:
    """Have the peer publish a picture; returns its checksum."""
    publisher.write(f"{seed} {height} {width}")
    crc: int = heard(publisher)["crc"]
    return crc


@pytest.fixture
def start_bridge(
    _nothing_left: None,
    ros_environment: None,  # noqa: ARG001 - for what it does
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts ``tensor-ipc ros-bridge`` of the native engine."""
    started: list[subprocess.Popen[str]] = []

    def start_bridge(*args: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tensor_ipc.cli", "ros-bridge", "--engine", "native"]
        started.append(subprocess.Popen([*command, *args], stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start_bridge
    for process in started:
        process.kill()
        process.communicate()
    tensor_ipc.clean()  # what the killed left


@pytest.mark.parametrize("size", [VGA, FULL_HD, UHD])
def test_images_of_a_ros_node_arrive_whole(
    start: Start, topic: str, pool: str, size: tuple[int, int]
) -> None:
    with TopicToPool(topic, pool, qos=KEPT) as link:
        publisher = start("publish", topic)
        assert heard(publisher) == {"matched": True}
        eventually(lambda: link.stats.publishers == 1)

        for seed in range(1, 6):
            crc = publish(publisher, seed, *size)
            consumer = attached(pool)
            frame = frame_of(consumer, seed * 10**9 + 5)
            assert frame.data.shape == (*size, 3)
            assert zlib.crc32(np.ascontiguousarray(frame.data)) == crc
            assert frame.user_metadata == {"encoding": "rgb8", "frame_id": "lens"}
            assert not frame.copied
            consumer.cleanup()
            del frame
        assert link.stats.frames == link.stats.messages == 5


@pytest.mark.parametrize("size", [VGA, FULL_HD, UHD])
def test_frames_arrive_whole_at_a_ros_node(
    start: Start, topic: str, pool: str, size: tuple[int, int]
) -> None:
    sample = np.zeros((*size, 3), np.uint8)
    with TensorProducer.from_sample(pool, sample) as producer, PoolToTopic(
        pool, topic, qos=KEPT
    ) as link:
        subscriber = start("subscribe", topic)
        assert heard(subscriber) == {"type": "sensor_msgs/msg/Image", "hash": IMAGE_HASH}
        eventually(lambda: link.stats.subscriptions == 1)

        for seed in range(1, 6):
            pixels = picture(seed, *size)
            producer.put(
                pixels,
                timestamp_ns=seed * 10**9 + 7,
                user_metadata={"encoding": "bgr8", "frame_id": "left"},
            )
            assert heard(subscriber) == {
                "stamp_ns": seed * 10**9 + 7,
                "frame_id": "left",
                "encoding": "bgr8",
                "layout": [*size, 3 * size[1]],
                "crc": zlib.crc32(pixels),
            }
        eventually(lambda: link.stats.messages == 5)


def test_killed_nodes_are_followed_by_others(start: Start, topic: str, pool: str) -> None:
    with TopicToPool(topic, pool, qos=KEPT) as link:
        for life in range(1, 4):
            publisher = start("publish", topic)
            assert heard(publisher) == {"matched": True}
            eventually(lambda: link.stats.publishers >= 1)
            before = link.stats.frames
            seed = life
            while (
                link.stats.frames == before
            ):  # what is published before both ends match is lost
                crc = publish(publisher, seed, *VGA)
            consumer = attached(pool)
            frame = frame_of(consumer, seed * 10**9 + 5)
            assert zlib.crc32(np.ascontiguousarray(frame.data)) == crc
            del frame
            consumer.cleanup()
            publisher.kill()


def test_a_killed_bridge_is_followed_by_another(
    start: Start, start_bridge: Any, topic: str, pool: str
) -> None:
    publisher = None
    for life in (1, 2):
        bridge = start_bridge("--topic", topic, "--pool", pool)
        if publisher is None:
            publisher = start("publish", topic)
            assert heard(publisher) == {"matched": True}
        seed, consumer = 100 * life, None
        while consumer is None or consumer.get() is None:
            seed += 1
            crc = publish(publisher, seed, *VGA)
            consumer = consumer or _attached_to_living(pool)
        frame = frame_of(consumer, seed * 10**9 + 5)
        assert zlib.crc32(np.ascontiguousarray(frame.data)) == crc
        del frame
        consumer.cleanup()
        bridge.kill()
        bridge.wait()


def _attached_to_living(pool: str) -> Any:
    try:
        consumer = tensor_ipc.TensorConsumer.attach(pool)
    except tensor_ipc.PoolNotFoundError:
        return None
    if not consumer.connected:
        consumer.cleanup()
        return None
    return consumer


def test_bridge_command_ends_in_order(
    start: Start, start_bridge: Any, topic: str, pool: str
) -> None:
    bridge = start_bridge("--topic", topic, "--pool", pool, "--history-len", "2")
    publisher = start("publish", topic)
    assert heard(publisher) == {"matched": True}
    consumer, seed = None, 0
    while consumer is None:
        seed += 1
        publish(publisher, seed, *VGA)
        consumer = _attached_to_living(pool)
    assert consumer.metadata.history_len == 2

    bridge.send_signal(signal.SIGTERM)

    _, said = bridge.communicate(timeout=HANG_S)
    assert bridge.returncode == 0, said
    assert topic in said
    assert consumer.get() is None
    consumer.cleanup()
