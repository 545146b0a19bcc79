"""Poses and transforms as matrices: what ros2_numpy makes of them.

A pose is ``x y z`` and the quaternion ``x y z w``, as `to_frame` gives it. Any leading dimensions:
one pose, or all of a PoseArray at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tensor_ipc.errors import ArrayLayoutError


def poses_to_matrices(poses: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return homogeneous matrices.

    Parameters
    ----------
    poses
        Of shape ``(..., 7)``. Quaternions need not be of length 1.

    Returns
    -------
    ``float64`` of shape ``(..., 4, 4)``.

    Raises
    ------
    ArrayLayoutError
        The shape is another, or a quaternion is zero or not finite.
    """
    poses = np.asarray(poses, np.float64)
    if poses.ndim == 0 or poses.shape[-1] != 7:
        msg = f"poses: expected shape (..., 7), got {poses.shape}"
        raise ArrayLayoutError(msg)
    quaternions = poses[..., 3:]
    lengths = np.linalg.norm(quaternions, axis=-1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        msg = "poses: expected quaternions that are finite and not zero"
        raise ArrayLayoutError(msg)
    x, y, z, w = np.moveaxis(quaternions / lengths, -1, 0)
    matrices = np.zeros((*poses.shape[:-1], 4, 4))
    matrices[..., 0, 0] = 1 - 2 * (y * y + z * z)
    matrices[..., 0, 1] = 2 * (x * y - z * w)
    matrices[..., 0, 2] = 2 * (x * z + y * w)
    matrices[..., 1, 0] = 2 * (x * y + z * w)
    matrices[..., 1, 1] = 1 - 2 * (x * x + z * z)
    matrices[..., 1, 2] = 2 * (y * z - x * w)
    matrices[..., 2, 0] = 2 * (x * z - y * w)
    matrices[..., 2, 1] = 2 * (y * z + x * w)
    matrices[..., 2, 2] = 1 - 2 * (x * x + y * y)
    matrices[..., :3, 3] = poses[..., :3]
    matrices[..., 3, 3] = 1
    return matrices


def matrices_to_poses(matrices: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return poses, whose quaternions have length 1 and ``w >= 0``.

    Parameters
    ----------
    matrices
        Of shape ``(..., 4, 4)``: a rotation, a translation, and ``0 0 0 1`` below.

    Returns
    -------
    ``float64`` of shape ``(..., 7)``.

    Raises
    ------
    ArrayLayoutError
        The shape is another, or a matrix scales, shears, mirrors or projects.
    """
    matrices = np.asarray(matrices, np.float64)
    if matrices.shape[-2:] != (4, 4):
        msg = f"matrices: expected shape (..., 4, 4), got {matrices.shape}"
        raise ArrayLayoutError(msg)
    rotations = matrices[..., :3, :3]
    is_rotation = np.isclose(rotations @ np.swapaxes(rotations, -1, -2), np.eye(3), atol=1e-6)
    is_affine = np.isclose(matrices[..., 3, :], [0, 0, 0, 1], atol=1e-6)
    if not (is_rotation.all() and is_affine.all() and (np.linalg.det(rotations) > 0).all()):
        msg = "matrices: expected rotations with translations; a matrix does something else"
        raise ArrayLayoutError(msg)
    poses = np.empty((*matrices.shape[:-2], 7))
    poses[..., :3] = matrices[..., :3, 3]
    poses[..., 3:] = _quaternions(rotations)
    return poses


def _quaternions(rotations: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the quaternion of each rotation.

    4 q q^T follows from the matrix by sums alone; its longest row gives q without loss of digits.
    Source: S. W. Shepperd, Journal of Guidance and Control 1(3), 1978.
    """
    m = rotations
    products = np.empty((*m.shape[:-2], 4, 4))
    trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        products[..., i, i] = 1 + 2 * m[..., i, i] - trace
        products[..., i, j] = products[..., j, i] = m[..., i, j] + m[..., j, i]
        products[..., i, 3] = products[..., 3, i] = m[..., k, j] - m[..., j, k]
    products[..., 3, 3] = 1 + trace
    longest = np.argmax(np.diagonal(products, axis1=-2, axis2=-1), axis=-1)
    rows = np.take_along_axis(products, longest[..., None, None], axis=-2)[..., 0, :]
    quaternions: np.ndarray[Any, Any] = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.where(quaternions[..., 3:] < 0, -quaternions, quaternions)
