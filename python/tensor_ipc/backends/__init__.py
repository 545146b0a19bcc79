"""Which framework a piece of data belongs to. One backend for each framework that pools can be of."""

from __future__ import annotations

import numpy as np

from tensor_ipc.backends import torch_backend


def detect_backend(data: object) -> str:
    """Return the name of the backend that `data` belongs to: ``"numpy"`` or ``"torch"``.

    Raises
    ------
    TypeError
        None of them.
    """
    if isinstance(data, (np.ndarray, np.generic)):
        return "numpy"
    if torch_backend.is_tensor(data):
        return "torch"
    msg = f"expected numpy.ndarray or torch.Tensor, got {type(data).__name__}"
    raise TypeError(msg)
