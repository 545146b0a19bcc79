"""Which framework a piece of data belongs to. One backend for each framework that pools can be of."""

from __future__ import annotations

import numpy as np

from tensor_ipc.backends import cuda_backend, torch_backend


def detect_backend(data: object) -> str:
    """Return the name of the backend that `data` belongs to.

    ``"numpy"``; ``"torch"`` and ``"torch_cuda"`` for tensors in host memory and in that of a GPU;
    ``"cuda"`` for arrays of other frameworks (CuPy, JAX, Numba) in the memory of a GPU.

    Raises
    ------
    TypeError
        None of them.
    """
    if isinstance(data, (np.ndarray, np.generic)):
        return "numpy"
    if torch_backend.is_tensor(data):
        return "torch_cuda" if torch_backend.is_on_cuda(data) else "torch"
    if cuda_backend.is_device_array(data):
        return "cuda"
    msg = (
        "expected numpy.ndarray, torch.Tensor or an array in the memory of a GPU, "
        f"got {type(data).__name__}"
    )
    raise TypeError(msg)
