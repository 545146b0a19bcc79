"""ROS 2: topics become pools, and pools become topics.

Importing this needs no ROS. rclpy and message packages are imported when something is constructed,
which raises `MissingFrameworkError` where there is none.
"""

from __future__ import annotations

import importlib.util

from tensor_ipc.errors import ROSConversionError
from tensor_ipc.rosext.pool2ros_producer import ROSTensorProducer
from tensor_ipc.rosext.pool_follower import FollowerStats, PoolFollower
from tensor_ipc.rosext.ros2pool_consumer import ROSTensorConsumer
from tensor_ipc.rosext.topic_reader import ReaderStats

#: Whether rclpy can be found. It is not imported for this.
ROS_AVAILABLE = importlib.util.find_spec("rclpy") is not None

__all__ = [
    "ROS_AVAILABLE",
    "FollowerStats",
    "PoolFollower",
    "ROSConversionError",
    "ROSTensorConsumer",
    "ROSTensorProducer",
    "ReaderStats",
]
