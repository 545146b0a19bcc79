"""The native engine makes the same frames of messages as the conversions of rclpy messages."""

from __future__ import annotations

import sys
from typing import Any, Callable

import numpy as np
from native_support import KEPT, attached, eventually, needs_rclpy
from support import Child

from tensor_ipc.rosext.native import TopicToPool

pytestmark = needs_rclpy

Start = Callable[..., Child]

# Publishes the messages of this process's `case`, pickled: their fields, and what to_frame makes.
CASES = """
    import pickle, sys, time
    import numpy as np
    import rclpy
    from rclpy.qos import DurabilityPolicy, QoSProfile
    from sensor_msgs.msg import CompressedImage, Image, PointCloud2, PointField
    from tensor_ipc.rosext.conversions import to_frame

    kind, topic, folder = sys.argv[1:4]
    rng = np.random.default_rng(7)

    def header(message):
        message.header.stamp.sec, message.header.stamp.nanosec = 1234, 5678
        message.header.frame_id = "l\\u00e4ns/optical"
        return message

    def image(encoding, height, width, pixel_bytes, padding=0, big=False, rows=None):
        message = header(Image())
        message.encoding, message.height, message.width = encoding, height, width
        message.step = width * pixel_bytes + padding
        message.is_bigendian = int(big)
        message.data = rng.bytes(message.step * (height if rows is None else rows))
        return message

    def cloud(height, width, row_padding=0):
        message = header(PointCloud2())
        message.height, message.width = height, width
        message.point_step = 24
        message.row_step = width * 24 + row_padding
        message.fields = [
            PointField(name=name, offset=offset, datatype=datatype, count=count)
            for name, offset, datatype, count in (
                ("x", 0, 7, 1), ("y", 4, 7, 1), ("z", 8, 7, 1), ("a b:c", 12, 4, 2), ("t", 16, 8, 0)
            )
        ]
        message.data = rng.bytes(height * message.row_step)
        message.is_dense = height == 1
        return message

    def compressed():
        message = header(CompressedImage())
        message.format = "rgb8; jpeg compressed bgr8"
        message.data = rng.bytes(1001)
        return message

    messages = {
        "Image": [
            image("rgb8", 48, 64, 3), image("bgra8", 48, 64, 4, padding=5), image("mono8", 3, 5, 1),
            image("mono16", 48, 64, 2, big=True), image("16UC3", 7, 9, 6, padding=1, big=True),
            image("32FC2", 48, 64, 8), image("64FC1", 5, 5, 8, big=True), image("16SC7", 4, 4, 14),
            image("bayer_rggb8", 48, 64, 1), image("uyvy", 48, 64, 2), image("yuv422_yuy2", 4, 4, 2),
            image("nv12", 48, 64, 1, rows=72), image("nv24", 6, 8, 1, padding=2, rows=18),
            image("rgb16", 300, 400, 6, padding=10),
        ],
        "PointCloud2": [cloud(1, 1000), cloud(5, 70), cloud(3, 10, row_padding=11)],
        "CompressedImage": [compressed()],
    }[kind]
    rclpy.init()
    node = rclpy.create_node("cases")
    publisher = node.create_publisher(
        type(messages[0]), topic, QoSProfile(depth=5, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    )
    while publisher.get_subscription_count() == 0:
        time.sleep(0.01)
    print("matched", flush=True)
    for number, message in enumerate(messages):
        input()
        if kind == "CompressedImage":
            expected = np.frombuffer(message.data, np.uint8), 1234000005678, {
                "format": message.format, "frame_id": message.header.frame_id
            }
        else:
            frame = to_frame(message)
            expected = frame.array, frame.stamp_ns, frame.user_metadata
        with open(f"{folder}/{number}", "wb") as file:
            pickle.dump(expected, file)
        publisher.publish(message)
        print("more" if number + 1 < len(messages) else "last", flush=True)
    input()
"""


def compare_all(start: Start, kind: str, topic: str, pool: str, tmp_path: Any) -> int:
    """Compare each frame with what the conversion makes of the message; returns how many."""
    import pickle  # noqa: PLC0415 - written by the child above

    compared = 0
    with TopicToPool(topic, pool, kind, KEPT, follow_changes=True) as link:
        child = start(kind, topic, tmp_path, program=CASES)
        assert child.read() == "matched"
        eventually(lambda: link.stats.publishers == 1)
        more = "more"
        while more == "more":
            child.write()
            more = child.read()
            eventually(lambda: link.stats.messages > compared)  # noqa: B023 - called at once
            assert link.stats.frames == compared + 1, link.last_error
            array, stamp_ns, texts = pickle.loads((tmp_path / str(compared)).read_bytes())
            consumer = attached(pool)
            frame = consumer.get_frame()
            assert frame is not None
            assert frame.data.dtype == array.dtype
            np.testing.assert_array_equal(frame.data, array)
            assert frame.timestamp_ns == stamp_ns
            assert frame.user_metadata == texts
            del frame
            consumer.cleanup()
            compared += 1
    return compared


def test_images(start: Start, topic: str, pool: str, tmp_path: Any) -> None:
    assert compare_all(start, "Image", topic, pool, tmp_path) == 14


def test_point_clouds(start: Start, topic: str, pool: str, tmp_path: Any) -> None:
    assert compare_all(start, "PointCloud2", topic, pool, tmp_path) == 3


def test_compressed_images_are_the_bytes_of_their_file(
    start: Start, topic: str, pool: str, tmp_path: Any
) -> None:
    assert compare_all(start, "CompressedImage", topic, pool, tmp_path) == 1


assert sys.byteorder == "little", "the messages above are made on a little-endian machine"
