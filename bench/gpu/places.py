"""Where the measurements find arrays on a GPU: with torch, or with the driver alone."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from bench.gpu.driver import Cuda


class Place(Protocol):
    """Arrays of bytes on one GPU, and copies between them, all on its default stream."""

    name: str

    def array(self, size: int) -> Any:
        """Make an array of that many bytes."""

    def copy(self, to: Any, source: Any) -> None:
        """Ask for a copy on the GPU."""

    def copy_in(self, to: Any, source: np.ndarray[Any, Any]) -> None:
        """Ask for a copy from the host."""

    def synchronize(self) -> None:
        """Wait for all of them."""


class DriverPlace:
    """By the driver alone; also the stand-in of the tests, whose figures mean nothing."""

    name = "driver"

    def __init__(self, cuda: Cuda) -> None:
        self._cuda = cuda

    def array(self, size: int) -> Any:
        """Make an array; its memory goes with the process."""
        return self._cuda.array(np.zeros(size, np.uint8))

    def copy(self, to: Any, source: Any) -> None:
        """Call cuMemcpyDtoDAsync."""
        self._cuda.copy(to.address, source.address, source.nbytes)

    def copy_in(self, to: Any, source: np.ndarray[Any, Any]) -> None:
        """Call cuMemcpyHtoDAsync."""
        self._cuda.copy_in(to.address, source.ctypes.data, source.nbytes)

    def synchronize(self) -> None:
        """Wait for the default stream."""
        self._cuda.synchronize()


class TorchPlace:
    """By torch, as most will use it."""

    name = "torch"

    def __init__(self) -> None:
        import torch  # noqa: PLC0415 - only where there is a GPU

        self._torch = torch

    def array(self, size: int) -> Any:
        """Make a tensor."""
        return self._torch.zeros(size, dtype=self._torch.uint8, device="cuda")

    def copy(self, to: Any, source: Any) -> None:
        """Call `copy_`."""
        to.copy_(source)

    def copy_in(self, to: Any, source: np.ndarray[Any, Any]) -> None:
        """Call `copy_` without blocking; the tensor over the frame is never written to."""
        view = (ctypes.c_uint8 * source.nbytes).from_address(source.ctypes.data)
        to.copy_(self._torch.frombuffer(view, dtype=self._torch.uint8), non_blocking=True)

    def synchronize(self) -> None:
        """Wait for the GPU."""
        self._torch.cuda.synchronize()
