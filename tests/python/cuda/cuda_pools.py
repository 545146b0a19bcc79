"""What several tests of pools on a GPU need."""

from __future__ import annotations

from typing import Any

import numpy as np
from device_arrays import Driver, Taken

VERSIONED = (1, 0)


def frame_of(value: int, shape: tuple[int, ...] = (2, 3)) -> np.ndarray[Any, Any]:
    """A frame full of `value`."""
    return np.full(shape, value, np.int32)


def taken(driver: Driver, array: Any, stream: int | None = None) -> Taken:
    """What a framework makes of one of our arrays."""
    return Taken(driver, array.__dlpack__(stream=stream, max_version=VERSIONED))


def values_of(driver: Driver, array: Any) -> np.ndarray[Any, Any]:
    """The values of one of our arrays, read by a framework that then drops it."""
    tensor = taken(driver, array)
    try:
        return tensor.values()
    finally:
        tensor.delete()
