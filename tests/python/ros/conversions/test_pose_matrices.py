from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensor_ipc.errors import ArrayLayoutError
from tensor_ipc.rosext.conversions import matrices_to_poses, poses_to_matrices

HALF = 0.5**0.5


@pytest.mark.parametrize(
    ("quaternion", "point", "turned"),
    [
        ([0, 0, 0, 1], [1, 2, 3], [1, 2, 3]),
        ([0, 0, HALF, HALF], [1, 0, 0], [0, 1, 0]),  # a quarter about z
        ([HALF, 0, 0, HALF], [0, 1, 0], [0, 0, 1]),  # about x
        ([0, 2 * HALF, 0, 2 * HALF], [0, 0, 1], [1, 0, 0]),  # about y, of length 2
        ([1, 0, 0, 0], [0, 1, 2], [0, -1, -2]),  # half about x
    ],
)
def test_points_turn_by_the_right_hand_and_then_move(
    quaternion: list[float], point: list[float], turned: list[float]
) -> None:
    matrix = poses_to_matrices(np.array([10, 20, 30, *quaternion]))
    moved = matrix @ [*point, 1]
    np.testing.assert_allclose(moved, [*np.add(turned, [10, 20, 30]), 1], atol=1e-12)


@given(st.lists(st.floats(-1, 1), min_size=7, max_size=7))
def test_poses_come_back_from_their_matrices(numbers: list[float]) -> None:
    quaternion = np.array(numbers[3:])
    length = np.linalg.norm(quaternion)
    if length < 1e-3:
        quaternion, length = np.array([0.0, 0, 0, 1]), np.float64(1)
    unit = quaternion / length
    pose = np.array([*numbers[:3], *unit])

    again = matrices_to_poses(poses_to_matrices(pose))

    np.testing.assert_allclose(again[:3], pose[:3])
    assert again[6] >= 0
    assert abs(abs(again[3:] @ unit) - 1) < 1e-9


def test_all_poses_of_an_array_at_once() -> None:
    random = np.random.default_rng(3)
    poses = random.standard_normal((2, 5, 7))
    matrices = poses_to_matrices(poses)
    assert matrices.shape == (2, 5, 4, 4)
    np.testing.assert_array_equal(matrices[1, 2], poses_to_matrices(poses[1, 2]))
    np.testing.assert_allclose(
        poses_to_matrices(matrices_to_poses(matrices)), matrices, atol=1e-12
    )


@pytest.mark.parametrize("poses", [np.zeros(7), np.zeros(6), np.zeros(()), np.full(7, np.nan)])
def test_what_is_no_pose_is_refused(poses: Any) -> None:
    with pytest.raises(ArrayLayoutError, match="poses: expected"):
        poses_to_matrices(poses)


@pytest.mark.parametrize(
    "matrix",
    [
        np.eye(3),
        np.zeros((4, 4)),
        np.diag([1, 1, -1, 1]),
        np.diag([2, 2, 2, 1]),
        np.ones((4, 4)),
    ],
)
def test_what_is_no_rotation_with_a_translation_is_refused(matrix: Any) -> None:
    with pytest.raises(ArrayLayoutError, match="matrices: expected"):
        matrices_to_poses(matrix)
