"""What the tests of the native engine share. Skips where the build has none."""

from __future__ import annotations

import importlib.util
import os
import time
from typing import Any, Callable

import numpy as np
import pytest
from support import HANG_S, REPOSITORY

from tensor_ipc import PoolNotFoundError, TensorConsumer
from tensor_ipc.errors import MissingFrameworkError
from tensor_ipc.rosext import native
from tensor_ipc.rosext.bridge.config import QoS

PROFILE = REPOSITORY / "examples" / "fastdds_large_messages.xml"

try:
    native._load()
except MissingFrameworkError as error:
    if os.environ.get("TENSOR_IPC_REQUIRE_ROS"):
        raise
    pytest.skip(str(error), allow_module_level=True)

#: What is published just before both ends have found each other arrives too.
KEPT = QoS(depth=5, durability="transient_local")

HAS_RCLPY = importlib.util.find_spec("rclpy") is not None
needs_rclpy = pytest.mark.skipif(
    not HAS_RCLPY and not os.environ.get("TENSOR_IPC_REQUIRE_ROS"), reason="needs ROS 2 (rclpy)"
)

# A ROS node at the other end: `publish TOPIC` or `subscribe TOPIC`. It says `matched`, then a line
# for each message. The publisher takes lines: seed, height and width of an rgb8 image.
PEER = """
    import json, sys, threading, time, zlib
    import numpy as np
    import rclpy
    from rclpy.qos import DurabilityPolicy, QoSProfile
    from sensor_msgs.msg import Image

    qos = QoSProfile(depth=5, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    direction, topic = sys.argv[1:3]
    rclpy.init()
    node = rclpy.create_node("peer")

    def say(**content):
        print(json.dumps(content), flush=True)

    def on_message(message):
        header = message.header
        say(
            stamp_ns=header.stamp.sec * 10**9 + header.stamp.nanosec,
            frame_id=header.frame_id,
            encoding=message.encoding,
            layout=[message.height, message.width, message.step],
            crc=zlib.crc32(message.data),
        )

    def publish():
        publisher = node.create_publisher(Image, topic, qos)
        while publisher.get_subscription_count() == 0:
            time.sleep(0.01)
        say(matched=True)
        message = Image()
        for line in sys.stdin:
            seed, height, width = map(int, line.split())
            message.header.stamp.sec, message.header.stamp.nanosec = seed, 5
            message.header.frame_id = "lens"
            message.height, message.width, message.step = height, width, 3 * width
            message.encoding = "rgb8"
            pixels = np.random.default_rng(seed).bytes(height * width * 3)
            message.data = pixels
            publisher.publish(message)
            say(crc=zlib.crc32(pixels))

    def subscribe():
        node.create_subscription(Image, topic, on_message, qos)
        while not node.get_publishers_info_by_topic(topic):
            rclpy.spin_once(node, timeout_sec=0.01)
        info = node.get_publishers_info_by_topic(topic)[0]
        say(type=info.topic_type, hash=str(info.topic_type_hash))
        threading.Thread(target=sys.stdin.read).start()
        while rclpy.ok():
            rclpy.spin_once(node)

    (publish if direction == "publish" else subscribe)()
"""


def eventually(condition: Callable[[], Any]) -> Any:
    """Return what the condition gives when that is true."""
    end_s = time.monotonic() + HANG_S
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end_s:
            msg = f"still not true after {HANG_S} s"
            raise AssertionError(msg)
        time.sleep(0.002)


def attached(pool: str) -> TensorConsumer:
    """Wait for the pool."""

    def attach() -> TensorConsumer | None:
        try:
            return TensorConsumer.attach(pool)
        except PoolNotFoundError:
            return None

    consumer: TensorConsumer = eventually(attach)
    return consumer


def frame_of(consumer: TensorConsumer, timestamp_ns: int) -> Any:
    """Wait for the frame with that stamp to be the newest."""
    consumer.wait(timeout=HANG_S)

    def newest() -> Any:
        frame = consumer.get_frame()
        return frame if frame is not None and frame.timestamp_ns == timestamp_ns else None

    return eventually(newest)


def picture(seed: int, height: int, width: int) -> np.ndarray[Any, Any]:
    """The pixels that a peer publishes for that seed."""
    data = np.random.default_rng(seed).bytes(height * width * 3)
    return np.frombuffer(data, np.uint8).reshape(height, width, 3)
