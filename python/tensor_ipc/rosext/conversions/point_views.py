"""Frames of point clouds, as they come out of a pool, by the names of their fields.

Needs neither ROS nor the message: what the bytes mean is in the frame's user metadata.
"""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

from tensor_ipc.errors import ArrayLayoutError, FieldPathError, UserMetadataError
from tensor_ipc.rosext.conversions import point_fields


def structured_points(
    array: np.ndarray[Any, Any], user_metadata: Mapping[str, str]
) -> np.ndarray[Any, Any]:
    """Return the points as structured array of shape ``(n,)`` or ``(height, width)``.

    Parameters
    ----------
    array
        From `to_frame` or a pool. The last extent has to lie in one piece.
    user_metadata
        That came with it.

    Returns
    -------
    A view of `array`. ``points["intensity"]`` is one field of all points.

    Raises
    ------
    ConversionError
        The metadata is not that of a point cloud, or of another array.
    """
    if "fields" not in user_metadata:
        msg = f"expected the user metadata of a point cloud, got {dict(user_metadata)}"
        raise UserMetadataError(msg)
    fields = point_fields.from_text(user_metadata["fields"])
    point_step = array.shape[-1] * array.itemsize if array.ndim else 0
    if array.ndim not in (2, 3) or any(field.end > point_step for field in fields):
        msg = (
            f"an array of {array.dtype} and shape {array.shape} has no points with the fields "
            f"{user_metadata['fields']}"
        )
        raise ArrayLayoutError(msg)
    return array.view(point_fields.to_structured(fields, point_step))[..., 0]


def xyz_points(
    array: np.ndarray[Any, Any], user_metadata: Mapping[str, str]
) -> np.ndarray[Any, Any]:
    """Return the fields x, y and z as an array of shape ``(..., 3)``.

    Parameters
    ----------
    array, user_metadata
        As in `structured_points`.

    Returns
    -------
    A view of `array` when the three lie side by side in one type, as almost always; else a copy.

    Raises
    ------
    ConversionError
        As `structured_points`, or there is no such field.
    """
    points = structured_points(array, user_metadata)
    places = points.dtype.fields or {}
    missing = [name for name in ("x", "y", "z") if name not in places]
    if missing:
        msg = f"the points have no {' and no '.join(missing)}; they have {', '.join(places)}"
        raise FieldPathError(msg)
    (x, first), (y, second), (z, third) = (places[name][:2] for name in ("x", "y", "z"))
    if x == y == z and second - first == third - second == x.itemsize:
        # Made of strides: older NumPy views only whole arrays as another type.
        side_by_side = (*points.strides, x.itemsize)
        return np.lib.stride_tricks.as_strided(points["x"], (*points.shape, 3), side_by_side)
    return np.stack([points["x"], points["y"], points["z"]], axis=-1)
