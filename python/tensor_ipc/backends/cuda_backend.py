"""What is particular to arrays in the memory of a GPU, of whichever framework."""

from __future__ import annotations

from typing import Tuple

from tensor_ipc import _core

#: Shape, name of the dtype, number of the GPU.
Description = Tuple[Tuple[int, ...], str, int]

_DLPACK_CUDA = (2, 13)  # kDLCUDA, kDLCUDAManaged


def is_device_array(data: object) -> bool:
    """Whether `data` says that it lies on a GPU. Looks at no value, and asks for nothing to be copied."""
    ask = getattr(data, "__dlpack_device__", None)
    if callable(ask) and callable(getattr(data, "__dlpack__", None)):
        return ask()[0] in _DLPACK_CUDA
    return hasattr(data, "__cuda_array_interface__")


def describe(sample: object) -> Description:
    """Return what a pool has to know of arrays like `sample`.

    Raises
    ------
    TypeError
        It is no array in the memory of a GPU, or its dtype cannot be shared.
    """
    found = _core.describe_device_array(sample)
    if found is None:
        msg = (
            "sample_data: expected an array in the memory of a GPU (with __dlpack__ or "
            f"__cuda_array_interface__), got {type(sample).__name__}"
        )
        raise TypeError(msg)
    return found
