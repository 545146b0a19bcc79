"""With use_sim_time, frames and messages have the time of /clock."""

from __future__ import annotations

from typing import Any, Iterator
from uuid import uuid4

import numpy as np
import pytest
from ros_support import Image, image, pixels, rclpy, spin_until
from rosgraph_msgs.msg import Clock

from tensor_ipc import MetadataCreator, TensorProducer
from tensor_ipc.rosext import ROSTensorConsumer, ROSTensorProducer

SIMULATED_S = 42


@pytest.fixture
def simulated(context: Any) -> Iterator[Any]:
    """A node whose clock has come to 42 s."""
    node = rclpy.create_node(
        f"simulated_{uuid4().hex[:8]}",
        context=context,
        parameter_overrides=[rclpy.parameter.Parameter("use_sim_time", value=True)],
    )
    clock = node.create_publisher(Clock, "/clock", 10)
    message = Clock()
    message.clock.sec = SIMULATED_S
    spin_until(
        node,
        lambda: node.get_clock().now().nanoseconds == SIMULATED_S * 10**9,
        lambda: clock.publish(message),
    )
    yield node
    node.destroy_node()


def test_message_without_stamp_gets_simulated_time(simulated, topic, pool) -> None:
    metadata = MetadataCreator.from_numpy_sample(pool, np.zeros((4, 6, 3), np.uint8))
    publisher = simulated.create_publisher(Image, topic, 10)
    with ROSTensorConsumer(metadata, simulated, topic, Image) as consumer:
        spin_until(simulated, publisher.get_subscription_count)
        unstamped = image(1)
        unstamped.header.stamp.sec = unstamped.header.stamp.nanosec = 0
        publisher.publish(unstamped)
        spin_until(simulated, lambda: consumer.stats.frames)

        assert consumer.get_frame().timestamp_ns == SIMULATED_S * 10**9


def test_put_stamps_with_simulated_time(simulated, topic, pool) -> None:
    heard: list[Any] = []
    simulated.create_subscription(Image, topic, heard.append, 10)
    metadata = MetadataCreator.from_numpy_sample(pool, pixels(0))
    with ROSTensorProducer(metadata, simulated, topic, Image) as producer:
        spin_until(simulated, lambda: producer.subscribers)
        producer.put(pixels(1))
        spin_until(simulated, lambda: heard)

    assert heard[0].header.stamp.sec == SIMULATED_S


def test_followed_frame_is_a_little_older_than_simulated_now(simulated, topic, pool) -> None:
    heard: list[Any] = []
    simulated.create_subscription(Image, topic, heard.append, 10)
    with TensorProducer.from_sample(pool, pixels(0)) as producer, ROSTensorProducer.follow(
        pool, simulated, topic, Image
    ) as follower:
        spin_until(simulated, lambda: follower.subscribers)
        producer.put(pixels(1))
        spin_until(simulated, lambda: heard)

    stamp = heard[0].header.stamp
    assert 0 < stamp.sec + stamp.nanosec / 1e9 <= SIMULATED_S
