"""Arrays in GPU memory without a GPU: what CuPy, JAX or torch would hand to a pool, and take from one.

Over the stand-in for the driver (tests/cuda/fake_driver), whose memory the host cannot touch. Named by
the environment variable TENSOR_IPC_CUDA_DRIVER, which the pools look at too.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

import numpy as np

KDL_CUDA = 2

_DL_CODES = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}
_KINDS = {code: kind for kind, code in _DL_CODES.items()}


class _DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _Managed(ctypes.Structure):
    pass


class _Versioned(ctypes.Structure):
    pass


_DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_Managed._fields_ = [
    ("tensor", _DLTensor),
    ("context", ctypes.c_void_p),
    ("deleter", _DELETER),
]
_Versioned._fields_ = [
    ("major", ctypes.c_uint32),
    ("minor", ctypes.c_uint32),
    ("context", ctypes.c_void_p),
    ("deleter", _DELETER),
    ("flags", ctypes.c_uint64),
    ("tensor", _DLTensor),
]

_api = ctypes.pythonapi
_api.PyCapsule_New.restype = ctypes.py_object
_api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_api.PyCapsule_GetPointer.restype = ctypes.c_void_p
_api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]
_api.PyCapsule_IsValid.argtypes = [ctypes.py_object, ctypes.c_char_p]


class Driver:
    """The stand-in as a program beside ours uses it, with what it tells tests of."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(os.environ["TENSOR_IPC_CUDA_DRIVER"])
        self._library.fake_cuda_calls.restype = ctypes.c_uint64
        self._library.fake_cuda_used_bytes.restype = ctypes.c_uint64
        self._contexts: dict[int, ctypes.c_void_p] = {}
        self.call("cuInit", 0)

    def call(self, name: str, *args: Any) -> None:
        status = getattr(self._library, name)(*args)
        if status != 0:
            msg = f"{name}: CUresult {status}"
            raise RuntimeError(msg)

    def call_on(self, device: int, name: str, *args: Any) -> None:
        """Call with that device's context current on this thread."""
        if device not in self._contexts:
            context = ctypes.c_void_p()
            self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
            self._contexts[device] = context
        self.call("cuCtxPushCurrent_v2", self._contexts[device])
        try:
            self.call(name, *args)
        finally:
            self.call("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))

    def calls(self, name: str | None = None) -> int:
        return int(self._library.fake_cuda_calls(None if name is None else name.encode()))

    def used_bytes(self, gpu: int = 0) -> int:
        return int(self._library.fake_cuda_used_bytes(gpu))

    def fail(self, name: str, status: int, nth: int = 1) -> None:
        self._library.fake_cuda_fail(name.encode(), ctypes.c_uint64(nth), status)

    def reset(self) -> None:
        self._library.fake_cuda_reset()

    def hold(self, held: bool) -> None:
        self._library.fake_cuda_hold(int(held))

    def drain(self) -> None:
        self._library.fake_cuda_drain()

    def set_capturing(self, stream: int, capturing: bool) -> None:
        self._library.fake_cuda_set_capturing(ctypes.c_void_p(stream), int(capturing))

    def break_context(self, device: int = 0) -> None:
        self.call("cuCtxPushCurrent_v2", self._contexts[device])
        self._library.fake_cuda_break_context()
        self.call("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))

    def read(self, address: int, count: int, device: int = 0, stream: int = 0) -> bytes:
        """What lies there when the stream comes to it."""
        into = ctypes.create_string_buffer(max(count, 1))
        handle = ctypes.c_void_p(stream)
        self.call_on(
            device,
            "cuMemcpyDtoHAsync_v2",
            into,
            ctypes.c_uint64(address),
            ctypes.c_size_t(count),
            handle,
        )
        self.call_on(device, "cuStreamSynchronize", handle)
        return into.raw[:count]

    def write(self, address: int, data: bytes, device: int = 0, stream: int = 0) -> None:
        """Ask for a copy from the host; the stream does it when it comes to it."""
        self.call_on(
            device,
            "cuMemcpyHtoDAsync_v2",
            ctypes.c_uint64(address),
            data,
            ctypes.c_size_t(len(data)),
            ctypes.c_void_p(stream),
        )


class Stream:
    """A stream of the user's, as CuPy has them: the attribute ``ptr`` is its handle."""

    def __init__(self, driver: Driver, device: int = 0) -> None:
        self._driver = driver
        self._device = device
        handle = ctypes.c_void_p()
        driver.call_on(device, "cuStreamCreate", ctypes.byref(handle), 1)
        assert handle.value is not None
        self.ptr: int = handle.value

    def synchronize(self) -> None:
        self._driver.call_on(self._device, "cuStreamSynchronize", ctypes.c_void_p(self.ptr))

    def destroy(self) -> None:
        self._driver.call_on(self._device, "cuStreamDestroy_v2", ctypes.c_void_p(self.ptr))


class OnDevice:
    """Memory of its own on a GPU, and what lies in it."""

    #: What ``__cuda_array_interface__`` says; that of the array's own stream unless set.
    stream_key: object = "own"

    def __init__(
        self,
        driver: Driver,
        values: np.ndarray[Any, Any],
        *,
        device: int = 0,
        stream: Stream | None = None,
        strides: tuple[int, ...] | None = None,
    ) -> None:
        self._driver = driver
        self.device = device
        self.shape = values.shape
        self.dtype = values.dtype
        self.strides = strides
        self.stream = stream
        self.streams: list[object] = []
        self.deleted = 0
        self._kept: dict[int, Any] = {}
        address = ctypes.c_uint64()
        driver.call_on(
            device,
            "cuMemAlloc_v2",
            ctypes.byref(address),
            ctypes.c_size_t(max(values.nbytes, 1)),
        )
        self.address = address.value
        self.nbytes = values.nbytes
        self.set(values)
        handle = ctypes.c_void_p(0 if stream is None else stream.ptr)
        driver.call_on(device, "cuStreamSynchronize", handle)

    def set(self, values: np.ndarray[Any, Any]) -> None:
        """Have other values written, in the order of the array's stream."""
        handle = 0 if self.stream is None else self.stream.ptr
        self._driver.write(
            self.address, np.ascontiguousarray(values).tobytes(), self.device, handle
        )

    def values(self) -> np.ndarray[Any, Any]:
        data = self._driver.read(self.address, self.nbytes, self.device)
        return np.frombuffer(data, self.dtype).reshape(self.shape)

    def free(self) -> None:
        self._driver.call_on(self.device, "cuMemFree_v2", ctypes.c_uint64(self.address))

    def interface(self) -> dict[str, Any]:
        interface: dict[str, Any] = {
            "version": 3,
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.address, False),
            "strides": self.strides,
        }
        if self.stream_key != "own":
            interface["stream"] = self.stream_key
        else:
            interface["stream"] = None if self.stream is None else self.stream.ptr
        return interface


class DeviceArray(OnDevice):
    """The array of a framework with DLPack, as JAX.

    Remembers in ``streams`` what `__dlpack__` was asked with, and counts the capsules whose deleter
    was called in ``deleted``.
    """

    def __dlpack_device__(self) -> tuple[int, int]:
        return (KDL_CUDA, self.device)

    def __dlpack__(
        self,
        *,
        stream: int | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> object:
        assert stream != 0, "0 is nobody's stream in DLPack"
        assert copy in (None, False)
        assert dl_device in (None, self.__dlpack_device__())
        self.streams.append(stream)
        self._let_wait(stream)
        is_versioned = max_version is not None and max_version[0] >= 1
        managed: Any = _Versioned() if is_versioned else _Managed()
        if is_versioned:
            managed.major, managed.minor = 1, 1
        dimensions = len(self.shape)
        extents = (ctypes.c_int64 * max(dimensions, 1))(*self.shape)
        strides = None
        if self.strides is not None:
            item = self.dtype.itemsize
            strides = (ctypes.c_int64 * dimensions)(*(each // item for each in self.strides))
        managed.tensor = _DLTensor(
            self.address,
            KDL_CUDA,
            self.device,
            dimensions,
            _DL_CODES[self.dtype.kind],
            self.dtype.itemsize * 8,
            1,
            ctypes.cast(extents, ctypes.POINTER(ctypes.c_int64)),
            None if strides is None else ctypes.cast(strides, ctypes.POINTER(ctypes.c_int64)),
            0,
        )
        address = ctypes.addressof(managed)

        def on_delete(_: int) -> None:
            self.deleted += 1

        managed.deleter = _DELETER(on_delete)
        self._kept[address] = (managed, extents, strides, managed.deleter)
        name = b"dltensor_versioned" if is_versioned else b"dltensor"
        return _api.PyCapsule_New(address, name, None)

    def _let_wait(self, stream: int | None) -> None:
        """Have the stream of whoever asks wait for ours, as DLPack wants it."""
        if self.stream is None or stream in (None, -1) or stream == self.stream.ptr:
            return
        assert stream is not None
        event = ctypes.c_void_p()
        ours = ctypes.c_void_p(self.stream.ptr)
        on_device = self._driver.call_on
        on_device(self.device, "cuEventCreate", ctypes.byref(event), 2)
        on_device(self.device, "cuEventRecord", event, ours)
        theirs = ctypes.c_void_p(None if stream == 1 else stream)
        on_device(self.device, "cuStreamWaitEvent", theirs, event, 0)
        on_device(self.device, "cuEventDestroy_v2", event)


class InterfaceArray(OnDevice):
    """The array of a framework without DLPack, as Numba: ``__cuda_array_interface__`` only."""

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return self.interface()


class BothArray(DeviceArray):
    """The array of a framework with both, as CuPy."""

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return self.interface()


class Taken:
    """A tensor that was taken out of one of our capsules, as ``from_dlpack`` of a framework does."""

    def __init__(self, driver: Driver, capsule: object) -> None:
        self._driver = driver
        self.versioned = bool(_api.PyCapsule_IsValid(capsule, b"dltensor_versioned"))
        name = b"dltensor_versioned" if self.versioned else b"dltensor"
        self._address = _api.PyCapsule_GetPointer(capsule, name)
        _api.PyCapsule_SetName(capsule, b"used_" + name)
        kind: Any = _Versioned if self.versioned else _Managed
        self._managed = kind.from_address(self._address)
        tensor = self._managed.tensor
        self.read_only = self.versioned and bool(self._managed.flags & 1)
        self.copied = self.versioned and bool(self._managed.flags & 2)
        self.device = (tensor.device_type, tensor.device_id)
        self.shape = tuple(tensor.shape[i] for i in range(tensor.ndim))
        self.dtype = np.dtype(f"{_KINDS[tensor.code]}{tensor.bits // 8}")
        self.strides = tuple(
            tensor.strides[i] * self.dtype.itemsize for i in range(tensor.ndim)
        )
        self.address = (tensor.data or 0) + tensor.byte_offset

    def values(self, stream: int = 0) -> np.ndarray[Any, Any]:
        """Copy out what the device has there, element by element where it has strides."""
        return strided_values(
            self._driver,
            self.address,
            self.shape,
            self.strides,
            self.dtype,
            self.device[1],
            stream,
        )

    def delete(self) -> None:
        """Drop it, as the death of a framework's last tensor does."""
        assert self._managed is not None
        self._managed.deleter(self._address)
        self._managed = None


def strided_values(
    driver: Driver,
    address: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...] | None,
    dtype: np.dtype[Any],
    device: int = 0,
    stream: int = 0,
) -> np.ndarray[Any, Any]:
    """Copy an array out of device memory."""
    item = dtype.itemsize
    c_order = tuple(
        int(np.prod(shape[place + 1 :], dtype=np.int64)) * item for place in range(len(shape))
    )
    if strides is None or tuple(strides) == c_order:
        count = int(np.prod(shape, dtype=np.int64)) * item
        return np.frombuffer(driver.read(address, count, device, stream), dtype).reshape(shape)
    parts = [
        strided_values(
            driver, address + place * strides[0], shape[1:], strides[1:], dtype, device, stream
        )
        for place in range(shape[0])
    ]
    return np.stack(parts)


def interface_values(driver: Driver, array: Any, stream: int = 0) -> np.ndarray[Any, Any]:
    """Read what ``__cuda_array_interface__`` says, as CuPy and Numba do."""
    interface = array.__cuda_array_interface__
    assert interface["version"] == 3
    return strided_values(
        driver,
        interface["data"][0],
        interface["shape"],
        interface["strides"],
        np.dtype(interface["typestr"]),
        stream=stream,
    )
