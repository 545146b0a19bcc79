"""What stands behind each row of the table of messages: a message, and the array it has to become."""

from __future__ import annotations

import array
from typing import Any, Mapping, NamedTuple

import numpy as np

_HEADER: dict[str, Any] = {"stamp": {"sec": 12, "nanosec": 34}, "frame_id": "frame"}


class Case(NamedTuple):
    """A message in one of the ways that the table tells apart.

    Attributes
    ----------
    values
        The message.
    expected
        What it becomes.
    sizes
        What the words in the table's shape mean.
    again
        What differs in the message that is made of the array, from `values` before.
    type_name
        Where the table says "any".
    template
        Whether the message to fill is not blank but this one, because the array is a part of it.
    """

    values: dict[str, Any]
    expected: np.ndarray[Any, Any]
    sizes: Mapping[str, int] = {}
    again: Mapping[str, Any] = {}
    type_name: str = ""
    template: bool = False


def _floats(count: int, start: float = 0.5) -> list[float]:
    """Numbers that float32 holds too."""
    return [start + index * 1.25 for index in range(count)]


def _stamped(**fields: Any) -> dict[str, Any]:
    return {"header": _HEADER, **fields}


def _vector(numbers: list[float], names: str = "xyz") -> dict[str, float]:
    return dict(zip(names, numbers))


def _pair(first: str, second: str, numbers: list[float]) -> dict[str, Any]:
    return {first: _vector(numbers[:3]), second: _vector(numbers[3:], "xyzw")}


def _pose(numbers: list[float]) -> dict[str, Any]:
    return _pair("position", "orientation", numbers)


def _transform(numbers: list[float]) -> dict[str, Any]:
    return _pair("translation", "rotation", numbers)


def _twist(numbers: list[float]) -> dict[str, Any]:
    return _pair("linear", "angular", numbers)


def _wrench(numbers: list[float]) -> dict[str, Any]:
    return _pair("force", "torque", numbers)


def _geometry() -> dict[str, Case]:
    cases = {}
    for name, field, count, make in (
        ("Vector3", "vector", 3, _vector),
        ("Point", "point", 3, _vector),
        ("Quaternion", "quaternion", 4, lambda numbers: _vector(numbers, "xyzw")),
        ("Pose", "pose", 7, _pose),
        ("Transform", "transform", 7, _transform),
        ("Twist", "twist", 6, _twist),
        ("Accel", "accel", 6, _twist),
        ("Wrench", "wrench", 6, _wrench),
    ):
        numbers = _floats(count)
        texts = {"child_frame_id": "child"} if name == "Transform" else {}
        cases[name] = Case(make(numbers), np.array(numbers))
        cases[f"{name}Stamped"] = Case(
            _stamped(**texts, **{field: make(numbers)}), np.array(numbers)
        )
        if name in ("Pose", "Twist", "Accel"):
            covariance = np.array(_floats(36, 100.5))
            both = {field: make(numbers), "covariance": covariance}
            expected = np.concatenate([numbers, covariance])
            cases[f"{name}WithCovariance"] = Case(both, expected)
            cases[f"{name}WithCovarianceStamped"] = Case(_stamped(**{field: both}), expected)
    points = [_floats(3, start) for start in (0.5, 10.5)]
    polygon = {"points": [_vector(point) for point in points]}
    poses = [_floats(7, start) for start in (0.5, 10.5, 20.5)]
    return {
        **cases,
        "Point32": Case(_vector(_floats(3)), np.array(_floats(3), np.float32)),
        "Pose2D": Case(dict(zip(("x", "y", "theta"), _floats(3))), np.array(_floats(3))),
        "PoseArray": Case(
            _stamped(poses=[_pose(pose) for pose in poses]), np.array(poses), {"n": 3}
        ),
        "Polygon": Case(polygon, np.array(points, np.float32), {"n": 2}),
        "PolygonStamped": Case(
            _stamped(polygon=polygon), np.array(points, np.float32), {"n": 2}
        ),
    }


def _scalars() -> dict[str, Case]:
    cases = {"Bool": Case({"data": True}, np.array(True))}
    for name, dtype, number in (
        ("Byte", "u1", 100),  # rosbags cannot write larger ones
        ("Char", "u1", 201),
        ("Float32", "f4", 1.5),
        ("Float64", "f8", 0.1),
        ("Int8", "i1", -128),
        ("Int16", "i2", -32768),
        ("Int32", "i4", -(2**31)),
        ("Int64", "i8", -(2**63)),
        ("UInt8", "u1", 255),
        ("UInt16", "u2", 65535),
        ("UInt32", "u4", 2**32 - 1),
        ("UInt64", "u8", 2**64 - 1),
    ):
        cases[name] = Case({"data": number}, np.array(number, dtype))
    return cases


def _multi_array(
    code: str, numbers: list[Any], dims: list[tuple[str, int, int]], data_offset: int = 0
) -> dict[str, Any]:
    dim = [{"label": label, "size": size, "stride": stride} for label, size, stride in dims]
    layout = {"dim": dim, "data_offset": data_offset}
    return {"layout": layout, "data": array.array(code, numbers)}


def _multi_arrays() -> dict[tuple[str, str], Case]:
    cases = {}
    two = [("height", 2, 6), ("width, in cells", 3, 3)]
    sizes = {"height": 2, "width": 3}
    for name, code in (
        ("Byte", "B"),
        ("Float32", "f"),
        ("Float64", "d"),
        ("Int8", "b"),
        ("Int16", "h"),
        ("Int32", "i"),
        ("Int64", "q"),
        ("UInt8", "B"),
        ("UInt16", "H"),
        ("UInt32", "I"),
        ("UInt64", "Q"),
    ):
        numbers = np.arange(6, dtype=code).reshape(2, 3)
        values = _multi_array(code, numbers.ravel().tolist(), two)
        cases[f"std_msgs/msg/{name}MultiArray", "two dimensions"] = Case(values, numbers, sizes)
    float32 = "std_msgs/msg/Float32MultiArray"
    three = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    padded = np.full((2, 3, 5), -1, np.float32)  # strides 15 and 5
    padded[:, :2, :3] = three
    dims = [("a", 2, 30), ("b", 2, 15), ("", 3, 5)]
    dense = [("a", 2, 12), ("b", 2, 6), ("", 3, 3)]
    two_floats = np.arange(6, dtype=np.float32).reshape(2, 3)
    return {
        **cases,
        (float32, "no dimensions named"): Case(
            _multi_array("f", _floats(4), []), np.array(_floats(4), np.float32), {"n": 4}
        ),
        (float32, "three dimensions, an offset, strides with padding"): Case(
            _multi_array("f", [9.0, 9.0, *padded.ravel().tolist()], dims, 2),
            three,
            {"a": 2, "b": 2, "c": 3},
            _multi_array("f", three.ravel().tolist(), dense),
        ),
        (float32, "strides left at 0"): Case(
            _multi_array("f", two_floats.ravel().tolist(), [("", 2, 0), ("", 3, 0)]),
            two_floats,
            sizes,
            _multi_array("f", two_floats.ravel().tolist(), [("", 2, 6), ("", 3, 3)]),
        ),
    }


def _scan(ranges: list[float], intensities: list[float]) -> dict[str, Any]:
    names = ("angle_min", "angle_max", "angle_increment", "time_increment", "scan_time")
    return _stamped(
        **dict(zip((*names, "range_min", "range_max"), _floats(7, -3.25))),
        ranges=array.array("f", ranges),
        intensities=array.array("f", intensities),
    )


def _scans() -> dict[tuple[str, str], Case]:
    scan = "sensor_msgs/msg/LaserScan"
    ranges, intensities = [1.5, float("inf"), 2.5], [7.0, 8.0, 9.0]
    both = np.array([ranges, intensities], np.float32).T
    only = np.array(ranges, np.float32)
    return {
        (scan, "ranges"): Case(_scan(ranges, []), only, {"n": 3}),
        (scan, "ranges and intensities"): Case(_scan(ranges, intensities), both, {"n": 3}),
        (scan, 'ranges of both, `fields=("ranges",)`'): Case(
            _scan(ranges, intensities), only, {"n": 3}, _scan(ranges, [])
        ),
    }


def _joints(**columns: list[float]) -> dict[str, Any]:
    return _stamped(
        name=["arm/joint 1", "arm/joint,2"],
        **{
            name: array.array("d", columns.get(name, []))
            for name in ("position", "velocity", "effort")
        },
    )


def _joint_states() -> dict[tuple[str, str], Case]:
    joints, sizes = "sensor_msgs/msg/JointState", {"n": 2}
    position, velocity, effort = [0.1, 0.2], [0.3, 0.4], [0.5, 0.6]
    full = _joints(position=position, velocity=velocity, effort=effort)
    return {
        (joints, "all three"): Case(full, np.array([position, velocity, effort]).T, sizes),
        (joints, "positions"): Case(_joints(position=position), np.array(position), sizes),
        (joints, "positions and efforts"): Case(
            _joints(position=position, effort=effort), np.array([position, effort]).T, sizes
        ),
        (joints, 'velocities of all three, `fields=("velocity",)`'): Case(
            full, np.array(velocity), sizes, _joints(velocity=velocity)
        ),
    }


def _imu(orientation: list[float], velocity: list[float], acceleration: list[float]) -> Any:
    return _stamped(
        orientation=_vector(orientation, "xyzw"),
        orientation_covariance=np.array(_floats(9, 100.5)),
        angular_velocity=_vector(velocity),
        angular_velocity_covariance=np.array(_floats(9, 200.5)),
        linear_acceleration=_vector(acceleration),
        linear_acceleration_covariance=np.array(_floats(9, 300.5)),
    )


def _several_parts() -> dict[tuple[str, str], Case]:
    imu, odometry = "sensor_msgs/msg/Imu", "nav_msgs/msg/Odometry"
    parts = (_floats(4), _floats(3, 10.5), _floats(3, 20.5))
    covariances = [_floats(9, start) for start in (100.5, 200.5, 300.5)]
    interleaved = [part for both in zip(parts, covariances) for part in both]
    pose, twist = _floats(7), _floats(6, 50.5)
    pose_covariance, twist_covariance = _floats(36, 100.5), _floats(36, 200.5)
    moving = _stamped(
        child_frame_id="base",
        pose={"pose": _pose(pose), "covariance": np.array(pose_covariance)},
        twist={"twist": _twist(twist), "covariance": np.array(twist_covariance)},
    )
    with_covariance = {"pose": _pose(pose), "covariance": np.array(pose_covariance)}
    return {
        (imu, "all"): Case(_imu(*parts), np.concatenate(interleaved)),
        (
            imu,
            f"without covariances, `fields={('orientation', 'angular_velocity', 'linear_acceleration')}`".replace(
                "'", '"'
            ),
        ): Case(_imu(*parts), np.concatenate(parts), template=True),
        (odometry, "all"): Case(
            moving, np.array([*pose, *pose_covariance, *twist, *twist_covariance])
        ),
        (odometry, 'without covariances, `fields=("pose", "twist")`'): Case(
            moving, np.array([*pose, *twist]), template=True
        ),
        ("geometry_msgs/msg/PoseWithCovariance", '`fields=("pose",)`'): Case(
            with_covariance, np.array(pose), template=True
        ),
    }


def _grid() -> Case:
    cells = np.array([[-1, 0, 100], [50, -1, 7]], np.int8)
    info = {
        "map_load_time": {"sec": 5, "nanosec": 999999999},
        "resolution": float(np.float32(0.05)),
        "width": 3,
        "height": 2,
        "origin": _pose([-12.3, 0.1, 0.0, 0.0, 0.0, 0.7071067811865476, 0.7071067811865475]),
    }
    values = _stamped(info=info, data=array.array("b", cells.ravel().tolist()))
    return Case(values, cells, {"height": 2, "width": 3})


def _by_path() -> dict[tuple[str, str], Case]:
    scan = _scan([1.5, 2.5], [])
    poses = [_floats(7, start) for start in (0.5, 10.5)]
    transforms = [
        {
            "header": _HEADER,
            "child_frame_id": "child",
            "transform": _transform(_floats(7, start)),
        }
        for start in (0.5, 10.5)
    ]
    imu = _imu(_floats(4), _floats(3), _floats(3))
    pose = {"pose": _pose(_floats(7)), "covariance": np.array(_floats(36))}

    def part(type_name: str, values: Any, expected: Any, **sizes: int) -> Case:
        return Case(values, np.asarray(expected), sizes, type_name=type_name, template=True)

    return {
        ("any", 'a number, `path="angle_min"`'): part(
            "sensor_msgs/msg/LaserScan", scan, np.array(-3.25)
        ),
        ("any", 'a sequence of numbers, `path="ranges"`'): part(
            "sensor_msgs/msg/LaserScan", scan, np.array([1.5, 2.5], np.float32), n=2
        ),
        ("any", 'a message, `path="transforms[0].transform"`'): part(
            "tf2_msgs/msg/TFMessage", {"transforms": transforms}, _floats(7)
        ),
        ("any", 'part of a message, `path="pose.pose.position"`'): part(
            "geometry_msgs/msg/PoseWithCovarianceStamped", _stamped(pose=pose), _floats(3)
        ),
        ("any", 'a sequence of messages, `path="poses"`'): part(
            "geometry_msgs/msg/PoseArray",
            _stamped(poses=[_pose(one) for one in poses]),
            poses,
            n=2,
        ),
        ("any", 'an array of fixed length, `path="orientation_covariance"`'): part(
            "sensor_msgs/msg/Imu", imu, _floats(9, 100.5)
        ),
    }


_GEOMETRY_CASES = {
    **dict.fromkeys(("Vector3", "Vector3Stamped", "Point", "PointStamped", "Point32"), "x y z"),
    **dict.fromkeys(("Quaternion", "QuaternionStamped"), "x y z w"),
    "Pose2D": "x y theta",
    **dict.fromkeys(("Pose", "PoseStamped"), "position, orientation"),
    **dict.fromkeys(("Transform", "TransformStamped"), "translation, rotation"),
    **dict.fromkeys(("Twist", "TwistStamped", "Accel", "AccelStamped"), "linear, angular"),
    **dict.fromkeys(("Wrench", "WrenchStamped"), "force, torque"),
    **dict.fromkeys(("PoseWithCovariance", "PoseWithCovarianceStamped"), "pose, covariance"),
    **dict.fromkeys(("TwistWithCovariance", "TwistWithCovarianceStamped"), "twist, covariance"),
    **dict.fromkeys(("AccelWithCovariance", "AccelWithCovarianceStamped"), "accel, covariance"),
    "PoseArray": "a pose in each row",
    **dict.fromkeys(("Polygon", "PolygonStamped"), "a point in each row"),
}


def message_cases() -> dict[tuple[str, str], Case]:
    """By message and case, as in the table."""
    grid = ("nav_msgs/msg/OccupancyGrid", "cells, -1 where unknown")
    return {
        **{
            (f"geometry_msgs/msg/{name}", _GEOMETRY_CASES[name]): case
            for name, case in _geometry().items()
        },
        **{(f"std_msgs/msg/{name}", "the number"): case for name, case in _scalars().items()},
        **_multi_arrays(),
        **_scans(),
        **_joint_states(),
        **_several_parts(),
        grid: _grid(),
        **_by_path(),
    }
