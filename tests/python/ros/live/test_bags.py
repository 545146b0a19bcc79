"""Recordings, written without ROS, are replayed onto topics; what is in the pools is what was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ros_support import qos, spin_until

from tensor_ipc import MetadataCreator
from tensor_ipc.rosext import ROSTensorConsumer
from tensor_ipc.rosext.conversions import MessageFrame, to_frame
from tensor_ipc.rosext.ros_import import message_type

if TYPE_CHECKING:
    from pathlib import Path

rosbag2 = pytest.importorskip("rosbags.rosbag2")
typesys = pytest.importorskip("rosbags.typesys")

NS = 10**9
STORE = typesys.get_typestore(typesys.Stores.ROS2_KILTED)
TYPES = STORE.types


def header(index: int) -> Any:
    time = TYPES["builtin_interfaces/msg/Time"](100 + index, index)
    return TYPES["std_msgs/msg/Header"](time, f"frame_{index}")


def padded_image(index: int, rng: np.random.Generator) -> Any:
    """4 x 3 of mono16, big-endian, with two bytes after each row."""
    data = rng.integers(0, 256, 4 * 8, np.uint8)
    return TYPES["sensor_msgs/msg/Image"](header(index), 4, 3, "mono16", 1, 8, data)


def bayer_image(index: int, rng: np.random.Generator) -> Any:
    data = rng.integers(0, 256, 4 * 6, np.uint8)
    return TYPES["sensor_msgs/msg/Image"](header(index), 4, 6, "bayer_rggb8", 0, 6, data)


def depth_image(index: int, rng: np.random.Generator) -> Any:
    data = rng.normal(size=12).astype(np.float32).view(np.uint8)
    return TYPES["sensor_msgs/msg/Image"](header(index), 4, 3, "32FC1", 0, 12, data)


def cloud(index: int, rng: np.random.Generator) -> Any:
    """Three floats and a ring number, in points of 20 bytes of which 14 are used."""
    field = TYPES["sensor_msgs/msg/PointField"]
    fields = [field(name, 4 * at, 7, 1) for at, name in enumerate("xyz")]
    data = rng.integers(0, 100, 5 * 20, np.uint8)
    return TYPES["sensor_msgs/msg/PointCloud2"](
        header(index), 1, 5, fields, False, 20, 100, data, True
    )


def joints(index: int, rng: np.random.Generator) -> Any:
    numbers = [rng.normal(size=3) for _ in range(3)]
    return TYPES["sensor_msgs/msg/JointState"](header(index), ["a", "b", "c"], *numbers)


def recorded(path: Path, topic: str, messages: list[Any]) -> None:
    with rosbag2.Writer(path, version=9) as writer:
        name = messages[0].__msgtype__
        connection = writer.add_connection(topic, name, typestore=STORE)
        for index, message in enumerate(messages):
            writer.write(connection, index * NS, STORE.serialize_cdr(message, name))


@pytest.mark.parametrize("make", [padded_image, bayer_image, depth_image, cloud, joints])
def test_recording_becomes_the_frames_that_it_holds(make, tmp_path, node, topic, pool) -> None:
    rng = np.random.default_rng(5)
    recorded(tmp_path / "bag", topic, [make(index, rng) for index in range(4)])
    expected: list[MessageFrame] = []
    with rosbag2.Reader(tmp_path / "bag") as reader:
        (connection,) = reader.connections
        name = connection.msgtype
        replayed = [bytes(data) for _, _, data in reader.messages()]
        expected = [to_frame(STORE.deserialize_cdr(data, name)) for data in replayed]
    metadata = MetadataCreator.from_numpy_sample(pool, expected[0].array, history_len=4)
    publisher = node.create_publisher(message_type(name), topic, qos())

    with ROSTensorConsumer(metadata, node, topic, name) as consumer:
        spin_until(node, publisher.get_subscription_count)
        for data in replayed:
            publisher.publish(data)  # as it was recorded, byte for byte
        spin_until(node, lambda: consumer.stats.messages == len(replayed))

        assert consumer.stats.frames == len(replayed), consumer.stats
        np.testing.assert_array_equal(
            consumer.get(4, latest_first=False), [frame.array for frame in expected]
        )
        newest = consumer.get_frame()
        assert newest.timestamp_ns == expected[-1].stamp_ns == 103 * NS + 3
        assert newest.user_metadata == expected[-1].user_metadata
