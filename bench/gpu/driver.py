"""A GPU as the driver shows it, without a framework: memory, streams, and work that takes long.

Runs over the real ``libcuda.so.1`` and over the stand-in of the tests alike, whichever
TENSOR_IPC_CUDA_DRIVER names. Of the few functions that it calls, all are there since CUDA 11.4.
"""

from __future__ import annotations

import ctypes
import os
import time
from typing import Any

import numpy as np

_u64 = ctypes.c_uint64
_size = ctypes.c_size_t
_CHUNK = 64 << 20


class NoGpu(Exception):
    """There is none that could be used; the text says why."""


class Cuda:
    """The first GPU, its primary context current on the thread that made this."""

    def __init__(self) -> None:
        """Load the driver.

        Raises
        ------
        NoGpu
            There is no driver, or no GPU.
        """
        name = os.environ.get("TENSOR_IPC_CUDA_DRIVER") or "libcuda.so.1"
        try:
            self._library = ctypes.CDLL(name)
        except OSError as error:
            raise NoGpu(str(error)) from error
        #: Whether this is the stand-in of the tests.
        self.is_fake = hasattr(self._library, "fake_cuda_reset")
        count = ctypes.c_int()
        status = self._library.cuInit(0)
        if status == 0:
            status = self._library.cuDeviceGetCount(ctypes.byref(count))
        if status != 0 or count.value == 0:
            msg = f"{name} finds no GPU (CUresult {status}, {count.value} GPUs)"
            raise NoGpu(msg)
        context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
        self.call("cuCtxPushCurrent_v2", context)
        self._busy: DeviceBytes | None = None

    def call(self, name: str, *args: Any) -> None:
        """Call a function of the driver, which has to succeed."""
        status = getattr(self._library, name)(*args)
        if status != 0:
            msg = f"{name}: CUresult {status}"
            raise RuntimeError(msg)

    def attribute(self, number: int) -> int:
        """Return an attribute of the device, by its number in ``cuda.h``."""
        value = ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(value), number, 0)
        return value.value

    def facts(self) -> dict[str, Any]:
        """Name of the GPU and version of the driver."""
        name = ctypes.create_string_buffer(256)
        self.call("cuDeviceGetName", name, 255, 0)
        version = ctypes.c_int()
        self.call("cuDriverGetVersion", ctypes.byref(version))
        return {
            "gpu": name.value.decode(),
            "cuda": f"{version.value // 1000}.{version.value % 1000 // 10}",
            "fake": self.is_fake,
        }

    def array(self, values: Any) -> DeviceBytes:
        """Copy an array to memory of its own on the GPU."""
        return DeviceBytes(self, np.ascontiguousarray(values))

    def stream(self) -> Stream:
        """Make a stream that does not wait for the default one."""
        handle = ctypes.c_void_p()
        self.call("cuStreamCreate", ctypes.byref(handle), 1)
        return Stream(self, handle.value or 0)

    def synchronize(self, stream: int = 0) -> None:
        """Wait until a stream has done everything."""
        self.call("cuStreamSynchronize", ctypes.c_void_p(stream))

    def copy(self, to: int, source: int, count: int, stream: int = 0) -> None:
        """Ask for a copy on the device."""
        self.call("cuMemcpyDtoDAsync_v2", _u64(to), _u64(source), _size(count), _stream(stream))

    def copy_in(self, to: int, source: int, count: int, stream: int = 0) -> None:
        """Ask for a copy from the host."""
        self.call(
            "cuMemcpyHtoDAsync_v2",
            _u64(to),
            ctypes.c_void_p(source),
            _size(count),
            _stream(stream),
        )

    def copy_out(self, source: int, count: int, stream: int = 0) -> bytes:
        """Return what lies there when the stream comes to it."""
        into = ctypes.create_string_buffer(max(count, 1))
        self.call("cuMemcpyDtoHAsync_v2", into, _u64(source), _size(count), _stream(stream))
        self.synchronize(stream)
        return into.raw[:count]

    def be_busy(self, stream: int, milliseconds: float) -> None:
        """Give a stream work for about so long: copies of its own from one place to another."""
        if self.is_fake:
            os.environ["FAKE_CUDA_DELAY_US"] = str(int(milliseconds * 200))
            self._library.fake_cuda_reset()
            busy = self._scratch(4096)
            self.copy(busy.address, busy.address + 2048, 1024, stream)
            return
        busy = self._scratch(2 * _CHUNK)
        self.synchronize(stream)
        begin = time.perf_counter()
        self.copy(busy.address, busy.address + _CHUNK, _CHUNK, stream)
        self.synchronize(stream)
        one_s = max(time.perf_counter() - begin, 1e-5)
        for _ in range(int(milliseconds / 1e3 / one_s) + 1):
            self.copy(busy.address, busy.address + _CHUNK, _CHUNK, stream)

    def _scratch(self, count: int) -> DeviceBytes:
        if self._busy is None:
            self._busy = self.array(np.zeros(count, np.uint8))
        return self._busy


class Stream:
    """A stream, as CuPy has them: ``ptr`` is the handle."""

    def __init__(self, cuda: Cuda, handle: int) -> None:
        self._cuda = cuda
        self.ptr = handle

    def synchronize(self) -> None:
        """Wait until it has done everything."""
        self._cuda.synchronize(self.ptr)

    def close(self) -> None:
        """Give it back."""
        self._cuda.call("cuStreamDestroy_v2", ctypes.c_void_p(self.ptr))


class DeviceBytes:
    """Memory on the GPU that `TensorProducer.put` takes, by ``__cuda_array_interface__``."""

    def __init__(self, cuda: Cuda, values: np.ndarray[Any, Any]) -> None:
        self._cuda = cuda
        self.shape = values.shape
        self.dtype = values.dtype
        self.nbytes = values.nbytes
        address = _u64()
        cuda.call("cuMemAlloc_v2", ctypes.byref(address), _size(max(self.nbytes, 1)))
        self.address = address.value
        cuda.copy_in(self.address, values.ctypes.data, self.nbytes)
        cuda.synchronize()

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """Version 3, ready on no stream in particular."""
        return {
            "version": 3,
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.address, False),
            "strides": None,
            "stream": None,
        }

    def host(self, stream: int = 0) -> np.ndarray[Any, Any]:
        """Return a copy in host memory."""
        data = self._cuda.copy_out(self.address, self.nbytes, stream)
        return np.frombuffer(data, self.dtype).reshape(self.shape)

    def free(self) -> None:
        """Give it back."""
        self._cuda.call("cuMemFree_v2", _u64(self.address))


def address_of(array: Any) -> int:
    """Where an array of any framework lies on the GPU."""
    return int(array.__cuda_array_interface__["data"][0])


def _stream(handle: int) -> ctypes.c_void_p:
    return ctypes.c_void_p(handle or None)
