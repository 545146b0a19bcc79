"""rclpy: ``sensor_msgs/Image``, written and read in the cheapest way that rclpy has.

The message is made once, and its ``array.array`` written through a view; what arrives is read through
one. Option ``profiles``: an XML file for Fast DDS in the place of its defaults.
"""

from __future__ import annotations

import array
import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from bench.compare.contract import Job


class RclpyImage:
    """A publisher and a subscription, reliable, depth 10: ROS's own default."""

    def __init__(self, job: Job) -> None:
        self._job = job
        # Inherited by the processes that are spawned.
        os.environ["ROS_DOMAIN_ID"] = str(job.options["domain_id"])
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        if "profiles" in job.options:
            os.environ["FASTDDS_DEFAULT_PROFILES_FILE"] = job.options["profiles"]

    def load(self) -> None:
        """Import the packages."""
        import rclpy  # noqa: F401, PLC0415
        import sensor_msgs.msg  # noqa: F401, PLC0415

    def publisher(self) -> Any:
        """Make a node that sends."""
        return _Publisher(self._job)

    def subscriber(self, number: int) -> Any:
        """Make a node that receives."""
        return _Subscriber(self._job, number)


def _node(name: str) -> tuple[Any, Any, Any]:
    import rclpy  # noqa: PLC0415
    from rclpy.qos import QoSProfile, ReliabilityPolicy  # noqa: PLC0415
    from sensor_msgs.msg import Image  # noqa: PLC0415

    rclpy.init()
    qos = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
    return rclpy.create_node(name, enable_rosout=False), Image, qos


class _Publisher:
    def __init__(self, job: Job) -> None:
        self._node, image, qos = _node(f"{job.name}_pub")
        self._publisher = self._node.create_publisher(image, job.name, qos)
        self._message = image()
        self._message.encoding = "8UC1"
        self._message.height, self._message.width = 1, job.frame_bytes
        self._message.step = job.frame_bytes
        self._message.data = array.array("B", bytes(job.frame_bytes))
        self._pixels = np.frombuffer(self._message.data, np.uint8).reshape(job.shape)

    def put(self, frame: Any) -> None:
        np.copyto(self._pixels, frame)
        self._publisher.publish(self._message)

    def close(self) -> None:
        import rclpy  # noqa: PLC0415

        self._node.destroy_node()
        rclpy.try_shutdown()


class _Subscriber:
    def __init__(self, job: Job, number: int) -> None:
        import rclpy.executors  # noqa: PLC0415

        self._shape = job.shape
        self._node, image, qos = _node(f"{job.name}_sub{number}")
        self._message: Any = None
        self._subscription = self._node.create_subscription(
            image, job.name, self._received, qos
        )
        self._executor = rclpy.executors.SingleThreadedExecutor()
        self._executor.add_node(self._node)

    def _received(self, message: Any) -> None:
        self._message = message

    def get(self, timeout_s: float) -> Any:
        self._message = None
        self._executor.spin_once(timeout_sec=timeout_s)
        if self._message is None:
            return None
        return np.frombuffer(self._message.data, np.uint8).reshape(self._shape)

    def close(self) -> None:
        import rclpy  # noqa: PLC0415

        self._node.destroy_node()
        rclpy.try_shutdown()
