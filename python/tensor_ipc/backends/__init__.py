"""Which framework a piece of data belongs to. One backend for each framework."""

from __future__ import annotations

import numpy as np


def detect_backend(data: object) -> str:
    """Return the name of the backend that `data` belongs to.

    Raises
    ------
    TypeError
        None of them.
    """
    if isinstance(data, (np.ndarray, np.generic)):
        return "numpy"
    msg = f"expected numpy.ndarray, got {type(data).__name__}"
    raise TypeError(msg)
