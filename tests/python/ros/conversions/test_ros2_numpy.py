"""Beside ros2_numpy 0.0.5, where it is right; docs/ros-conversions.md says where it is not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cloud_cases import TYPE as CLOUD
from cloud_cases import cloud, points
from message_cases import message_cases
from message_kinds import blank, kind_of, values_of
from ros2_numpy_peer import from_array, to_array
from support import HANG_S, REPOSITORY
from test_table_of_encodings import image

from tensor_ipc.rosext.conversions import (
    fill_message,
    matrices_to_poses,
    poses_to_matrices,
    to_frame,
)
from tensor_ipc.rosext.conversions.registry import CONVERTERS

IMAGE = "sensor_msgs/msg/Image"
GRID = "nav_msgs/msg/OccupancyGrid"
# All that it knows.
ENCODINGS = [
    *(
        "mono8",
        "mono16",
        "rgb8",
        "rgb16",
        "rgba8",
        "rgba16",
        "bgr8",
        "bgr16",
        "bgra8",
        "bgra16",
    ),
    *(f"bayer_{order}{bits}" for order in ("rggb", "bggr", "gbrg", "grbg") for bits in (8, 16)),
    *(
        f"{kind}C{n}"
        for kind in ("8U", "8S", "16U", "16S", "32S", "32F", "64F")
        for n in range(1, 5)
    ),
]
HERE = Path(__file__).parent
PYTHON = REPOSITORY / ".venv-ros2-numpy" / "bin" / "python"


def ask(*calls: dict[str, Any]) -> list[Any]:
    """What ros2_numpy answers."""
    if not PYTHON.exists():
        pytest.skip("no .venv-ros2-numpy: run make_ros2_numpy_environment.sh beside this test")
    done = subprocess.run(
        [str(PYTHON), str(HERE / "ros2_numpy_peer.py")],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


def numpify(type_name: str, values: dict[str, Any]) -> dict[str, Any]:
    return {"call": "numpify", "type": type_name, "values": values_of(values)}


def msgify(type_name: str, array: np.ndarray[Any, Any], **options: Any) -> dict[str, Any]:
    return {"call": "msgify", "type": type_name, "array": from_array(array), "options": options}


def ours(type_name: str, values: dict[str, Any], **options: Any) -> np.ndarray[Any, Any]:
    return to_frame(
        kind_of("plain").make(type_name, values), type_name=type_name, **options
    ).array


def filled(
    type_name: str, values: dict[str, Any], array: Any, **options: Any
) -> dict[str, Any]:
    message = kind_of("plain").make(type_name, blank(values))
    fill_message(message, array, type_name=type_name, **options)
    found: dict[str, Any] = values_of(message)
    return found


def test_all_types_of_ros2_numpy_are_here() -> None:
    (types,) = ask({"call": "types"})
    assert len(types) == 8
    assert set(types) <= set(CONVERTERS)


def test_images_are_the_same() -> None:
    layouts = ("rows without padding", "the other byte order, elements of several bytes")
    messages = [image(encoding, layout)[0] for encoding in ENCODINGS for layout in layouts]

    answers = ask(*(numpify(IMAGE, message) for message in messages))

    for message, answer in zip(messages, answers):
        np.testing.assert_array_equal(ours(IMAGE, message), to_array(answer))


def test_image_messages_are_the_same() -> None:
    made = {encoding: image(encoding, "rows without padding") for encoding in ENCODINGS}

    answers = ask(*(msgify(IMAGE, made[one][1], encoding=one) for one in ENCODINGS))

    for encoding, answer in zip(ENCODINGS, answers):
        values, pixels = made[encoding]
        expected = filled(IMAGE, values, pixels, encoding=encoding)
        assert answer == {name: expected[name] for name in answer}


def test_maps_are_the_same() -> None:
    case = message_cases()[GRID, "cells, -1 where unknown"]

    array, message = ask(numpify(GRID, case.values), msgify(GRID, case.expected))

    np.testing.assert_array_equal(ours(GRID, case.values), to_array(array))
    expected = filled(GRID, case.values, case.expected)
    assert message["data"] == expected["data"]
    assert message["info"] == {name: expected["info"][name] for name in ("height", "width")}


@pytest.mark.parametrize(
    ("name", "case"), [("Vector3", "x y z"), ("Point", "x y z"), ("Quaternion", "x y z w")]
)
def test_vectors_are_the_same(name: str, case: str) -> None:
    type_name = f"geometry_msgs/msg/{name}"
    values, numbers = message_cases()[type_name, case][:2]

    array, message = ask(numpify(type_name, values), msgify(type_name, numbers))

    np.testing.assert_array_equal(ours(type_name, values), to_array(array))
    assert message == filled(type_name, values, numbers)


def test_points_are_the_same_in_x_y_and_z() -> None:
    values = cloud(
        points((5,), np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("i", "<f4")]))
    )
    (array,) = ask(numpify(CLOUD, values))
    np.testing.assert_array_equal(ours(CLOUD, values, fields=("x", "y", "z")), to_array(array))


def test_transforms_from_matrices_are_the_same() -> None:
    type_name = "geometry_msgs/msg/Transform"
    values = message_cases()[type_name, "translation, rotation"].values
    matrix = poses_to_matrices(np.array([1, 2, 3, 0.1, 0.2, 0.3, 0.9]))

    (message,) = ask(msgify(type_name, matrix))

    expected = filled(type_name, values, matrices_to_poses(matrix))
    for part, numbers in expected.items():
        assert message[part] == pytest.approx(numbers)


@pytest.mark.parametrize(
    ("name", "case"),
    [("Pose", "position, orientation"), ("Transform", "translation, rotation")],
)
def test_matrices_of_ros2_numpy_take_x_for_w(name: str, case: str) -> None:
    type_name = f"geometry_msgs/msg/{name}"
    values = message_cases()[type_name, case].values
    x, y, z, *quaternion = ours(type_name, values)
    qx, qy, qz, qw = quaternion

    (matrix,) = ask(numpify(type_name, values))

    mistaken = poses_to_matrices(np.array([x, y, z, qy, qz, qw, qx]))
    np.testing.assert_allclose(to_array(matrix), mistaken, atol=1e-12)
