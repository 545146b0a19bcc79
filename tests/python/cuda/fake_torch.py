"""As much of torch as pools of CUDA tensors ask of it, on a machine without a GPU.

The parts that torch before 2.10 has: DLPack capsules, and attributes of tensors. `install` makes it
``torch``; only ever in a process of its own.
"""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
from device_arrays import DeviceArray, Driver, Taken, strided_values

driver: Driver
current: list[int] = [0]  # handle of the current stream


class Device:
    def __init__(self, kind: str, index: int | None) -> None:
        self.type, self.index = kind, index

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"


class DType:
    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return f"torch.{self.name}"


class Tensor:
    """A CUDA tensor over an array of the stand-in, or over what it was imported from."""

    is_quantized = False
    is_nested = False

    def __init__(self, source: Any, kind: str = "cuda") -> None:
        self.source = source
        self.device = Device(kind, 0 if kind == "cuda" else None)
        self.is_cuda = kind == "cuda"
        self.layout = module.strided
        self.shape = tuple(source.shape)
        self.dtype = getattr(module, source.dtype.name)
        self.deleted = False

    def numel(self) -> int:
        return int(np.prod(self.shape))

    def data_ptr(self) -> int:
        return int(self.source.address)

    def stride(self) -> tuple[int, ...]:
        item = self.source.dtype.itemsize
        if self.source.strides is not None:
            return tuple(each // item for each in self.source.strides)
        return tuple(int(np.prod(self.shape[place + 1 :])) for place in range(len(self.shape)))

    def is_neg(self) -> bool:
        return False

    def is_conj(self) -> bool:
        return False

    def contents(self) -> np.ndarray[Any, Any]:
        return strided_values(
            driver, self.data_ptr(), self.shape, self.source.strides, self.source.dtype
        )

    def flip(self, axis: int) -> Tensor:
        return Tensor(DeviceArray(driver, np.flip(self.contents(), axis)))

    def clone(self) -> Tensor:
        return Tensor(DeviceArray(driver, self.contents()))

    def __del__(self) -> None:
        if isinstance(self.source, Taken):
            self.source.delete()


class Stream:
    def __init__(self, handle: int) -> None:
        self.cuda_stream = handle


def from_dlpack(capsule: Any) -> Tensor:
    source = Taken(driver, capsule)
    if source.device[0] == 1:  # the probe of a dtype
        tensor = Tensor.__new__(Tensor)
        tensor.source = source
        tensor.dtype = getattr(module, source.dtype.name)
        return tensor
    return Tensor(source)


def on_device(values: np.ndarray[Any, Any], device: str) -> Tensor:
    assert device == "cuda:0"
    return Tensor(DeviceArray(driver, values))


module: Any = types.ModuleType("torch")


def install(the_driver: Driver) -> Any:
    """Make it ``torch`` in this process."""
    global driver  # noqa: PLW0603
    driver = the_driver
    module.__version__ = "0.0+stand-in"
    module.Tensor = Tensor
    module.strided = "strided"
    for name in ("uint8", "int32", "int64", "float32", "float64"):
        setattr(module, name, DType(name))
    module.cuda = types.ModuleType("torch.cuda")
    module.cuda.is_available = lambda: True
    module.zeros = lambda *shape, device: on_device(np.zeros(shape, np.float32), device)
    module.randn = lambda *shape, device: on_device(
        np.random.default_rng(0).standard_normal(shape, np.float32), device
    )
    module.cuda.current_stream = lambda device=0: Stream(current[0])  # noqa: ARG005
    module.utils = types.ModuleType("torch.utils")
    module.utils.dlpack = types.ModuleType("torch.utils.dlpack")
    module.utils.dlpack.from_dlpack = from_dlpack
    sys.modules.update(
        {
            "torch": module,
            "torch.cuda": module.cuda,
            "torch.utils": module.utils,
            "torch.utils.dlpack": module.utils.dlpack,
        }
    )
    return module
