"""What scans, joints, grids, arrays, vectors, numbers and compressed images refuse, and why."""

from __future__ import annotations

import array
import copy
import sys
from typing import Any

import numpy as np
import pytest
from compressed_cases import TYPE as COMPRESSED
from compressed_cases import encode, message, picture
from message_cases import message_cases
from message_kinds import kind_of, values_of

from tensor_ipc.errors import (
    ArrayLayoutError,
    CompressedImageError,
    ConversionError,
    EncodingError,
    FieldPathError,
    MessageLayoutError,
    MissingCodecError,
    NotANumberError,
    UserMetadataError,
)
from tensor_ipc.rosext.conversions import compressed_image, fill_message, to_frame

CASES = message_cases()
SCAN = ("sensor_msgs/msg/LaserScan", "ranges and intensities")
JOINTS = ("sensor_msgs/msg/JointState", "all three")
GRID = ("nav_msgs/msg/OccupancyGrid", "cells, -1 where unknown")
IMU = ("sensor_msgs/msg/Imu", "all")
POSE = ("geometry_msgs/msg/Pose", "position, orientation")
POSES = ("geometry_msgs/msg/PoseArray", "a pose in each row")
POINT32 = ("geometry_msgs/msg/Point32", "x y z")
FLOATS = ("std_msgs/msg/Float32MultiArray", "two dimensions")
UINT8 = ("std_msgs/msg/UInt8", "the number")
BOOL = ("std_msgs/msg/Bool", "the number")


def changed(key: tuple[str, str], **changes: Any) -> Any:
    values = copy.deepcopy(CASES[key].values)
    for place, value in changes.items():
        owner, names = values, place.split("__")
        for name in names[:-1]:
            owner = owner[name]
        owner[names[-1]] = value
    return kind_of("plain").make(key[0], values)


def dims(*sizes_and_strides: tuple[int, int]) -> list[dict[str, Any]]:
    return [{"label": "", "size": size, "stride": stride} for size, stride in sizes_and_strides]


@pytest.mark.parametrize(
    ("key", "changes", "words"),
    [
        (SCAN, {"intensities": array.array("f", [1.0])}, "ranges has 3, intensities has 1"),
        (SCAN, {"ranges": array.array("d", [1.0])}, "expected a sequence of float32"),
        (SCAN, {"ranges": b"1234"}, "expected a sequence of float32"),
        (JOINTS, {"velocity": array.array("d", [1.0])}, "velocity has 1"),
        (JOINTS, {"name": ["one"]}, "1 names for 2 joints"),
        (GRID, {"info__width": 4}, "found 6 cells"),
        (GRID, {"data": array.array("f", [0.0] * 6)}, "expected a sequence of int8"),
        (IMU, {"orientation_covariance": np.zeros(8)}, "expected 9 numbers, found 8"),
        (POSE, {"position": None}, "is no geometry_msgs/msg/Pose"),
        (POSE, {"position__x": "one"}, "expected numbers"),
        (FLOATS, {"layout__data_offset": 7}, "data_offset is 7"),
        (FLOATS, {"layout__data_offset": 1}, "found 5"),
        (FLOATS, {"layout__dim": dims((2, 0), (4, 0))}, "need 8 to 8"),
        (FLOATS, {"layout__dim": dims((2, 0), (2, 0))}, "need 4 to 4"),
        (FLOATS, {"layout__dim": dims((2, 0), (3, 2))}, "needs a stride of 3"),
        (FLOATS, {"layout__dim": dims((-2, 0), (-3, 0))}, "sizes"),
        (FLOATS, {"layout__dim": dims((2**32 - 1, 0), (2**32 - 1, 0))}, "sizes"),
        (UINT8, {"data": 256}, "expected a uint8"),
        (UINT8, {"data": 1.5}, "expected a uint8"),
        (UINT8, {"data": [1]}, "expected a uint8"),
        (BOOL, {"data": 2}, "expected a bool"),
    ],
)
def test_messages_that_contradict_themselves(
    key: tuple[str, str], changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(MessageLayoutError, match=words):
        to_frame(changed(key, **changes), type_name=key[0])


@pytest.mark.parametrize(
    ("key", "value", "options", "error", "words"),
    [
        (SCAN, np.zeros((2, 3), np.float32), {}, ArrayLayoutError, "1 to 2 columns"),
        (SCAN, np.zeros(2), {}, ArrayLayoutError, "expected float32"),
        (
            SCAN,
            np.zeros((2, 2, 2), np.float32),
            {},
            ArrayLayoutError,
            r"shape \(n, 1\)|shape \(n\)",
        ),
        (SCAN, np.zeros((2, 2), np.float32), {"fields": ("ranges",)}, ArrayLayoutError, "n, 1"),
        (
            SCAN,
            np.zeros(2, np.float32),
            {"fields": ("range",)},
            FieldPathError,
            "ranges, inten",
        ),
        (SCAN, np.zeros(2, np.float32), {"fields": ()}, FieldPathError, "ranges, inten"),
        (
            SCAN,
            np.zeros(2, np.float32),
            {"user_metadata": {"scan": "1 2"}},
            UserMetadataError,
            "7",
        ),
        (JOINTS, np.zeros((3, 3)), {}, ArrayLayoutError, "2 names .* for 3 joints"),
        (JOINTS, np.zeros(2), {"user_metadata": {"name": "a"}}, ArrayLayoutError, "1 names"),
        (GRID, np.zeros((2, 3), np.uint8), {}, ArrayLayoutError, "expected int8"),
        (GRID, np.zeros(6, np.int8), {}, ArrayLayoutError, r"shape \(n, n\)"),
        (
            GRID,
            np.zeros((2, 3), np.int8),
            {"user_metadata": {"origin": "1"}},
            UserMetadataError,
            "7",
        ),
        (IMU, np.zeros(10), {}, ArrayLayoutError, r"shape \(37\)"),
        (IMU, np.zeros(37), {"fields": ("orientation",)}, ArrayLayoutError, r"shape \(4\)"),
        (IMU, np.zeros(4), {"fields": ("orientation", "x")}, FieldPathError, "each once"),
        (POSE, np.zeros((4, 4)), {}, ArrayLayoutError, r"shape \(7\)"),
        (POSE, np.zeros(7, np.complex64), {}, ArrayLayoutError, "expected float64"),
        (POSE, np.zeros(7), {"fields": ("pose",)}, ConversionError, "fields= means nothing"),
        (POSE, np.zeros(7), {"encoding": "rgb8"}, ConversionError, "encoding= means nothing"),
        (POSES, np.zeros((2, 6)), {}, ArrayLayoutError, r"shape \(n, 7\)"),
        (POINT32, np.zeros(3), {}, ArrayLayoutError, "expected float32"),
        (FLOATS, np.zeros(3), {}, ArrayLayoutError, "expected float32"),
        (FLOATS, np.zeros((), np.float32), {}, ArrayLayoutError, "at least one dimension"),
        (
            FLOATS,
            np.zeros(3, np.float32),
            {"user_metadata": {"labels": "a,b"}},
            UserMetadataError,
            "2",
        ),
        (UINT8, np.zeros((), np.int8), {}, ArrayLayoutError, "expected uint8"),
        (UINT8, np.zeros(2, np.uint8), {}, ArrayLayoutError, r"shape \(\)"),
    ],
)
def test_arrays_that_do_not_fit_leave_the_message_alone(
    key: tuple[str, str], value: Any, options: Any, error: type[Exception], words: str
) -> None:
    target = changed(key)
    before = values_of(copy.deepcopy(target))
    with pytest.raises(error, match=words):
        fill_message(target, value, type_name=key[0], **options)
    assert values_of(target) == before


def test_types_that_hold_the_values_are_enough() -> None:
    target = changed(POSE)
    fill_message(target, np.arange(7, dtype=np.float32), type_name=POSE[0])
    assert target.orientation.w == 6.0
    assert isinstance(target.orientation.w, float)
    numbers = changed(FLOATS)
    fill_message(numbers, np.arange(4, dtype=">u2"), type_name=FLOATS[0])
    assert numbers.data.tolist() == [0, 1, 2, 3]


def test_a_sequence_of_messages_grows_and_shrinks_and_keeps_what_it_has() -> None:
    target = changed(POSES)
    held = list(target.poses)
    for count in (5, 2, 0, 1):
        poses = np.arange(7.0 * count).reshape(count, 7)
        fill_message(target, poses, type_name=POSES[0])
        np.testing.assert_array_equal(to_frame(target, type_name=POSES[0]).array, poses)
        if count >= 2:
            assert target.poses[0] is held[0]


def test_a_byte_may_come_with_a_sign() -> None:
    """As rosbags reads it."""
    key = ("std_msgs/msg/Byte", "the number")
    assert to_frame(changed(key, data=-56), type_name=key[0]).array == 200


def test_a_template_keeps_what_nobody_says() -> None:
    scan = changed(SCAN, angle_min=-1.5)
    fill_message(scan, np.ones(5, np.float32), type_name=SCAN[0])
    assert scan.angle_min == -1.5
    assert (len(scan.ranges), len(scan.intensities)) == (5, 0)


def test_joints_may_have_no_names() -> None:
    target = changed(JOINTS)
    frame = to_frame(changed(JOINTS, name=[]), type_name=JOINTS[0])
    fill_message(target, frame.array, type_name=JOINTS[0], user_metadata=frame.user_metadata)
    assert target.name == []


def test_names_that_do_not_fit_a_frame_are_refused_and_the_numbers_are_not() -> None:
    message = changed(
        JOINTS,
        name=[f"joint_number_{index}" for index in range(30)],
        **{name: array.array("d", [0.0] * 30) for name in ("position", "velocity", "effort")},
    )
    with pytest.raises(UserMetadataError, match="a single one by its path"):
        to_frame(message, type_name=JOINTS[0])
    assert to_frame(message, path="position").array.shape == (30,)


def test_nans_in_numbers_are_refused_on_request() -> None:
    message = changed(SCAN, ranges=array.array("f", [1.0, float("nan"), float("inf")]))
    with pytest.raises(NotANumberError, match="1 of 6 numbers are NaN"):
        to_frame(message, type_name=SCAN[0], nan="refuse")
    with pytest.raises(ConversionError, match="keep, refuse"):
        to_frame(message, type_name=SCAN[0], nan="drop")
    assert to_frame(message, type_name=SCAN[0], fields=("intensities",), nan="refuse")


def compressed(data: bytes, format_: str = "jpeg") -> Any:
    return kind_of("plain").make(COMPRESSED, message(data, format_))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no image",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0 and no more",
        b"\x89PNG\r\n\x1a\n" + b"x" * 50,
    ],
)
def test_files_that_are_no_image_are_refused(data: bytes) -> None:
    pytest.importorskip("cv2")
    with pytest.raises(CompressedImageError):
        to_frame(compressed(data), type_name=COMPRESSED)


def test_a_png_that_ends_too_early_is_refused() -> None:
    cv2 = pytest.importorskip("cv2")
    whole = encode(picture(3), ".png", cv2)
    with pytest.raises(CompressedImageError):
        to_frame(compressed(whole[:40]), type_name=COMPRESSED)


@pytest.mark.parametrize(
    ("value", "options", "error"),
    [
        (np.zeros((2, 2, 3), np.uint8), {"encoding": "8UC3"}, EncodingError),
        (np.zeros((2, 2, 3), np.uint8), {"encoding": "mono8"}, EncodingError),
        (np.zeros((2, 2, 4), np.uint8), {"image_format": "jpeg"}, EncodingError),
        (np.zeros((2, 2), np.uint16), {"image_format": "jpeg"}, EncodingError),
        (np.zeros((2, 2), np.float32), {}, EncodingError),
        (np.zeros((2, 2), np.uint8), {"image_format": "gif"}, CompressedImageError),
        (
            np.zeros((2, 2), np.uint8),
            {"user_metadata": {"format": "gif"}},
            CompressedImageError,
        ),
        (np.zeros((0, 2), np.uint8), {}, ArrayLayoutError),
        (np.zeros(2, np.uint8), {}, ArrayLayoutError),
    ],
)
def test_pixels_that_no_file_holds_are_refused(value: Any, options: Any, error: Any) -> None:
    pytest.importorskip("cv2")
    target = compressed(b"before")
    with pytest.raises(error):
        fill_message(target, value, type_name=COMPRESSED, **options)
    assert (target.data.tobytes(), target.format) == (b"before", "jpeg")


def test_quality_makes_the_file_larger() -> None:
    pytest.importorskip("cv2")
    sizes = []
    for quality in (10, 100):
        target = compressed(b"")
        fill_message(target, picture(3), type_name=COMPRESSED, jpeg_quality=quality)
        assert target.format == "rgb8; jpeg compressed bgr8"
        sizes.append(len(target.data))
    assert sizes[1] > sizes[0]


def test_compressed_images_say_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingCodecError, match="pip install opencv-python-headless"):
        to_frame(compressed(b"\xff\xd8\xff"), type_name=COMPRESSED)
    assert issubclass(MissingCodecError, ImportError)
    assert compressed_image.CONVERTER.takes >= {"image_format"}
