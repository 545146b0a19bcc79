"""What is particular to PyTorch, which is imported at the first use and not before."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Optional, Tuple

from tensor_ipc import _core
from tensor_ipc.errors import MissingFrameworkError

if TYPE_CHECKING:
    from types import ModuleType

#: Address, name of the dtype, shape, strides in bytes, ordinal of the GPU or ``None`` for the host.
Description = Tuple[int, str, Tuple[int, ...], Tuple[int, ...], Optional[int]]


def import_torch() -> ModuleType:
    """Return the module.

    Raises
    ------
    MissingFrameworkError
        It cannot be imported.
    """
    try:
        import torch  # noqa: PLC0415 - takes seconds, and most processes need none
    except ImportError as error:
        msg = (
            "this pool holds torch tensors, and torch cannot be imported: install it, or read the "
            f"pool with get(as_numpy=True) ({error})"
        )
        raise MissingFrameworkError(msg) from error
    module: ModuleType = torch
    return module


def is_tensor(data: object) -> bool:
    """Whether `data` is a tensor. Before torch was imported nothing is."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(data, torch.Tensor)


def is_on_cuda(tensor: Any) -> bool:
    """Whether a tensor lies in the memory of an NVIDIA GPU."""
    return bool(tensor.is_cuda)


def dtype_name(dtype: Any) -> str:
    """Return the name under which a pool carries a torch dtype.

    Raises
    ------
    TypeError
        It is quantized, packs several elements into a byte, or is no dtype of elements at all.
    """
    name = str(dtype).rpartition(".")[2]
    try:
        _core.item_bytes(name)
    except TypeError:
        msg = (
            f"dtype {dtype} cannot be shared: elements have to be plain numbers of whole bytes"
        )
        raise TypeError(msg) from None
    return name


def require_plain(tensor: Any) -> None:
    """Refuse a tensor that has no elements of its own, one after the other, in memory.

    Raises
    ------
    TypeError
        It is quantized, sparse or nested; the text says what to put in its place.
    """
    torch = import_torch()
    if tensor.is_quantized:
        reason = "it is quantized: put tensor.int_repr() or tensor.dequantize()"
    elif getattr(tensor, "is_nested", False):
        reason = "it is nested: put its parts, or tensor.to_padded_tensor(...)"
    elif tensor.layout is not torch.strided:
        reason = f"its layout is {tensor.layout}: put tensor.to_dense()"
    else:
        return
    msg = f"this tensor cannot be shared: {reason}"
    raise TypeError(msg)


def ordinal_of(tensor: Any) -> int:
    """Return the number of the GPU that a CUDA tensor lies on."""
    index = tensor.device.index
    return 0 if index is None else int(index)


def describe(tensor: Any) -> Description:
    """Return where the elements of a tensor in host memory or in that of a GPU are.

    Raises
    ------
    TypeError
        They are elsewhere or nowhere; the text says why.
    """
    require_plain(tensor)
    kind = tensor.device.type
    if kind not in ("cpu", "cuda"):
        msg = (
            f"expected a tensor on the cpu or a GPU, got one on {tensor.device}: move it first"
        )
        raise TypeError(msg)
    name = dtype_name(tensor.dtype)
    item_bytes = _core.item_bytes(name)
    strides = tuple(stride * item_bytes for stride in tensor.stride())
    ordinal = ordinal_of(tensor) if kind == "cuda" else None
    return tensor.data_ptr(), name, tuple(tensor.shape), strides, ordinal
