"""Which arrays fit numbers of a message: those whose every value it can hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from tensor_ipc.errors import ArrayLayoutError


def require_dtype(array: np.ndarray[Any, Any], dtype: np.dtype[Any], what: str) -> None:
    """Refuse an array that does not become `dtype` without loss.

    Raises
    ------
    ArrayLayoutError
        ``float64`` for ``float32``, floats for integers, anything that is no number, ...
    """
    if not np.can_cast(array.dtype, dtype, "safe"):
        msg = f"{what}: expected {dtype}, or what it holds without loss, got {array.dtype}"
        raise ArrayLayoutError(msg)


def require_shape(
    array: np.ndarray[Any, Any], shape: tuple[int | None, ...], what: str
) -> None:
    """Refuse an array of another shape; ``None`` is any extent.

    Raises
    ------
    ArrayLayoutError
        Its shape is another.
    """
    if array.ndim != len(shape) or any(
        expected not in (None, found) for expected, found in zip(shape, array.shape)
    ):
        expected_shape = ", ".join("n" if extent is None else str(extent) for extent in shape)
        msg = f"{what}: expected shape ({expected_shape}), got {array.shape}"
        raise ArrayLayoutError(msg)
