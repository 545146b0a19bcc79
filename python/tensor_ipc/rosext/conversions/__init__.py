"""Between ROS messages and arrays, without ROS: messages are any objects with the right attributes.

What each type becomes is in docs/ros-conversions.md.
"""

from __future__ import annotations

from tensor_ipc.rosext.conversions.convert import fill_message, to_frame
from tensor_ipc.rosext.conversions.frame import USER_METADATA_BYTES, MessageFrame
from tensor_ipc.rosext.conversions.point_views import structured_points, xyz_points
from tensor_ipc.rosext.conversions.pose_matrices import matrices_to_poses, poses_to_matrices

__all__ = [
    "USER_METADATA_BYTES",
    "MessageFrame",
    "fill_message",
    "matrices_to_poses",
    "poses_to_matrices",
    "structured_points",
    "to_frame",
    "xyz_points",
]
