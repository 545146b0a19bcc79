"""sensor_msgs/msg/Imu and nav_msgs/msg/Odometry: what is measured, with its covariances."""

from __future__ import annotations

from tensor_ipc.rosext.conversions.geometry import POSE, TWIST, under
from tensor_ipc.rosext.conversions.record import Part, record

_VECTOR = ("x", "y", "z")

CONVERTERS = {
    "sensor_msgs/msg/Imu": record(
        Part("orientation", under("orientation", (*_VECTOR, "w"))),
        Part("orientation_covariance", ("orientation_covariance",), 9),
        Part("angular_velocity", under("angular_velocity", _VECTOR)),
        Part("angular_velocity_covariance", ("angular_velocity_covariance",), 9),
        Part("linear_acceleration", under("linear_acceleration", _VECTOR)),
        Part("linear_acceleration_covariance", ("linear_acceleration_covariance",), 9),
    ),
    "nav_msgs/msg/Odometry": record(
        Part("pose", under("pose.pose", POSE)),
        Part("pose_covariance", ("pose.covariance",), 36),
        Part("twist", under("twist.twist", TWIST)),
        Part("twist_covariance", ("twist.covariance",), 36),
        texts=("child_frame_id",),
    ),
}
