"""What a pool holds, and how to find that out from a sample of the data."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from typing import Any, Callable

import numpy as np

from tensor_ipc import _core
from tensor_ipc.backends import cuda_backend, detect_backend, torch_backend
from tensor_ipc.core.dtypes import dtype_name, numpy_dtype

# As in the core (tensor/shape.hpp).
_MAX_DIMENSIONS = 32


@dataclasses.dataclass(eq=False)
class PoolMetadata:
    """Description of a pool.

    Two descriptions are equal when all fields but ``creator_pid`` and ``payload_json`` are.

    Attributes
    ----------
    name
        1 to 200 characters of ``[A-Za-z0-9._/-]``.
    shape
        Of one frame; of the largest where the extent varies.
    dtype_str
        NumPy's name of the element type (``"uint8"``), or that of ``ml_dtypes`` and torch.
    backend_type
        Which kind of array consumers get: ``"numpy"``, ``"torch"``, ``"torch_cuda"``, or ``"cuda"``
        for a `DeviceArray`.
    history_len
        How many frames a consumer can ask for.
    device
        Where the frames lie: ``"cpu"``, or ``"cuda:0"`` for the GPU of that number in this process.
    element_size
        Bytes of one element.
    total_size
        Bytes of ``history_len`` frames of that shape.
    shm_name
        Name of the shared memory object: ``tensoripc_<name>`` unless there is a namespace.
    creator_pid
        Process that made this description.
    payload_json
        For backends that need more to find their memory.
    varying_extent
        Whether each frame has its own number of rows, from 0 to ``shape[0]``, which is the capacity
        then.
    """

    name: str
    shape: tuple[int, ...]
    dtype_str: str
    backend_type: str = "numpy"
    history_len: int = 1
    device: str = "cpu"
    element_size: int = 0
    total_size: int = 0
    shm_name: str = ""
    creator_pid: int = 0
    payload_json: str = ""
    varying_extent: bool = False

    def __post_init__(self) -> None:
        """Fill in what follows from the rest."""
        self.shape = tuple(map(int, self.shape))
        self.varying_extent = bool(self.varying_extent)
        self._check_ranges()
        if self.backend_type == "numpy":
            numpy_dtype(self.dtype_str)  # which may need a package that is not there
        self.element_size = self.element_size or _core.item_bytes(self.dtype_str)
        self.total_size = (
            self.total_size or math.prod(self.shape) * self.element_size * self.history_len
        )
        self.shm_name = self.shm_name or _core.segment_name(self.name)

    def _check_ranges(self) -> None:
        """Refuse what the core has no type for; it checks the rest when a pool is made."""
        if not 0 <= self.history_len < 2**32:
            msg = f"history_len must be at least 1 and below 2**32, got {self.history_len}"
            raise ValueError(msg)
        if len(self.shape) > _MAX_DIMENSIONS:
            msg = f"a frame has at most {_MAX_DIMENSIONS} dimensions, got {len(self.shape)}"
            raise ValueError(msg)
        if self.varying_extent and not self.shape:
            msg = "a pool of varying extent needs a shape with a first dimension, got ()"
            raise ValueError(msg)
        if self.shape and not -(2**63) <= min(self.shape) <= max(self.shape) < 2**63:
            msg = f"shape {self.shape} is too large"
            raise ValueError(msg)
        for text in (self.name, self.dtype_str, self.backend_type, self.device):
            text.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError

    def _compared(self) -> tuple[object, ...]:
        values = dataclasses.asdict(self)
        return tuple(
            value for key, value in values.items() if key not in ("creator_pid", "payload_json")
        )

    def __eq__(self, other: object) -> bool:
        """Compare all fields but ``creator_pid`` and ``payload_json``."""
        if not isinstance(other, PoolMetadata):
            return NotImplemented
        return self._compared() == other._compared()

    def __hash__(self) -> int:
        """Hash what `__eq__` compares."""
        return hash(self._compared())

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The NumPy dtype of the elements; `TypeError` for types that NumPy has not."""
        return numpy_dtype(self.dtype_str)

    @property
    def on_gpu(self) -> bool:
        """Whether the frames lie in the memory of a GPU."""
        return self.device.startswith("cuda")

    def to_json(self) -> str:
        """Return all fields as a JSON object."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> PoolMetadata:
        """Return what `to_json` was made from.

        Raises
        ------
        ValueError
            The text is no JSON object, or its fields are not those of a pool.
        """
        try:
            fields = json.loads(text)
            _check_fields(fields)
        except RecursionError:  # in reading it, or in showing what is wrong with it
            msg = "not the metadata of a pool: nested too deeply"
            raise ValueError(msg) from None
        try:
            return cls(**fields)
        except TypeError as error:  # a dtype that nobody knows
            raise ValueError(str(error)) from error


_FIELD_TYPES: dict[str, type] = {
    **dict.fromkeys(
        ("name", "dtype_str", "backend_type", "device", "shm_name", "payload_json"), str
    ),
    **dict.fromkeys(("history_len", "element_size", "total_size", "creator_pid"), int),
    "shape": list,
    "varying_extent": bool,
}


def _check_fields(fields: object) -> None:
    if not isinstance(fields, dict):
        msg = f"expected a JSON object, found {type(fields).__name__}"
        raise ValueError(msg)  # noqa: TRY004 - the text is wrong, not an argument's type
    missing = {"name", "shape", "dtype_str"} - set(fields)
    unknown = set(fields) - set(_FIELD_TYPES)
    if missing or unknown:
        msg = (
            f"not the metadata of a pool: missing {sorted(missing)}, unknown {sorted(unknown)}"
        )
        raise ValueError(msg)
    for key, value in fields.items():
        expected = _FIELD_TYPES[key]
        if not isinstance(value, expected) or isinstance(value, bool) != (expected is bool):
            msg = f"{key}: expected {expected.__name__}, found {value!r}"
            raise ValueError(msg)
    shape = fields["shape"]
    assert isinstance(shape, list)
    if not all(isinstance(extent, int) and not isinstance(extent, bool) for extent in shape):
        msg = f"shape: expected integers, found {shape!r}"
        raise ValueError(msg)


def _of_sample(
    name: str,
    shape: tuple[int, ...],
    dtype: str,
    history_len: int,
    backend: str,
    device: str = "cpu",
    *,
    varying_extent: bool,
) -> PoolMetadata:
    if 0 in shape:
        msg = f"a frame needs at least one element, shape {shape} has none"
        raise ValueError(msg)
    if history_len < 1:
        msg = f"history_len must be at least 1, got {history_len}"
        raise ValueError(msg)
    return PoolMetadata(
        name=name,
        shape=shape,
        dtype_str=dtype,
        backend_type=backend,
        history_len=history_len,
        device=device,
        creator_pid=os.getpid(),
        varying_extent=varying_extent,
    )


def metadata_of(parts: tuple[str, tuple[int, ...], str, int, str, str, bool]) -> PoolMetadata:
    """Return the description whose parts a native module gave."""
    name, shape, dtype_str, history_len, backend_type, device, varying_extent = parts
    return PoolMetadata(
        name,
        shape,
        dtype_str,
        backend_type,
        history_len,
        device,
        varying_extent=varying_extent,
    )


class MetadataCreator:
    """Makes `PoolMetadata` from a sample of the data."""

    @staticmethod
    def from_numpy_sample(
        name: str,
        sample_data: np.ndarray[Any, Any],
        history_len: int = 1,
        *,
        varying_extent: bool = False,
    ) -> PoolMetadata:
        """Describe a pool for arrays like `sample_data`.

        Parameters
        ----------
        name
            Name of the pool.
        sample_data
            An array of the shape and dtype of the frames; its values do not matter.
        history_len
            How many frames consumers can ask for.
        varying_extent
            Whether a frame may have fewer rows than `sample_data`, whose ``shape[0]`` is the
            capacity.

        Raises
        ------
        TypeError
            `sample_data` is no array, or its dtype cannot be shared.
        ValueError
            A dimension is empty, or `history_len` or the name is out of range.
        """
        if not isinstance(sample_data, (np.ndarray, np.generic)):
            msg = f"sample_data: expected numpy.ndarray, got {type(sample_data).__name__}"
            raise TypeError(msg)
        return _of_sample(
            name,
            sample_data.shape,
            dtype_name(sample_data.dtype),
            history_len,
            "numpy",
            varying_extent=varying_extent,
        )

    @staticmethod
    def from_torch_sample(
        name: str, sample_data: Any, history_len: int = 1, *, varying_extent: bool = False
    ) -> PoolMetadata:
        """Describe a pool for tensors in host memory like `sample_data`.

        Parameters
        ----------
        name
            Name of the pool.
        sample_data
            A ``torch.Tensor`` of the shape and dtype of the frames. Its values, strides and
            ``requires_grad`` do not matter.
        history_len
            How many frames consumers can ask for.
        varying_extent
            As for `from_numpy_sample`.

        Raises
        ------
        TypeError
            `sample_data` is no tensor, is quantized or sparse, or its dtype cannot be shared.
        ValueError
            It is not on the CPU, a dimension is empty, or `history_len` or the name is out of
            range.
        """
        if not torch_backend.is_tensor(sample_data):
            msg = f"sample_data: expected torch.Tensor, got {type(sample_data).__name__}"
            raise TypeError(msg)
        torch_backend.require_plain(sample_data)
        if sample_data.device.type != "cpu":
            msg = f"sample_data: expected a tensor on the cpu, got one on {sample_data.device}"
            raise ValueError(msg)
        return _of_sample(
            name,
            tuple(sample_data.shape),
            torch_backend.dtype_name(sample_data.dtype),
            history_len,
            "torch",
            varying_extent=varying_extent,
        )

    @staticmethod
    def from_torch_cuda_sample(
        name: str,
        sample_data: Any,
        history_len: int = 1,
        tensor_pool: object = None,
        *,
        varying_extent: bool = False,
    ) -> PoolMetadata:
        """Describe a pool on a GPU for tensors like `sample_data`.

        Parameters
        ----------
        name
            Name of the pool.
        sample_data
            A CUDA ``torch.Tensor`` of the shape and dtype of the frames, on their GPU. Its values,
            strides and ``requires_grad`` do not matter.
        history_len
            How many frames consumers can ask for.
        tensor_pool
            Has no effect; was the memory of the pool in 0.1.0. The producer makes it now.
        varying_extent
            As for `from_numpy_sample`.

        Raises
        ------
        TypeError
            `sample_data` is no CUDA tensor, is quantized or sparse, or its dtype cannot be shared.
        ValueError
            A dimension is empty, or `history_len` or the name is out of range.
        """
        del tensor_pool
        if not torch_backend.is_tensor(sample_data):
            msg = f"sample_data: expected a CUDA torch.Tensor, got {type(sample_data).__name__}"
            raise TypeError(msg)
        if not torch_backend.is_on_cuda(sample_data):
            msg = f"sample_data: expected a CUDA tensor, got one on {sample_data.device}"
            raise TypeError(msg)
        torch_backend.require_plain(sample_data)
        return _of_sample(
            name,
            tuple(sample_data.shape),
            torch_backend.dtype_name(sample_data.dtype),
            history_len,
            "torch_cuda",
            f"cuda:{torch_backend.ordinal_of(sample_data)}",
            varying_extent=varying_extent,
        )

    @staticmethod
    def from_cuda_array_sample(
        name: str, sample_data: Any, history_len: int = 1, *, varying_extent: bool = False
    ) -> PoolMetadata:
        """Describe a pool on a GPU for arrays of any framework like `sample_data`.

        Parameters
        ----------
        name
            Name of the pool.
        sample_data
            An array of the shape and dtype of the frames, on their GPU: whatever has ``__dlpack__``
            or ``__cuda_array_interface__`` (CuPy, JAX, Numba). Its values do not matter.
        history_len
            How many frames consumers can ask for.
        varying_extent
            As for `from_numpy_sample`.

        Raises
        ------
        TypeError
            `sample_data` lies on no GPU, or its dtype cannot be shared.
        ValueError
            A dimension is empty, or `history_len` or the name is out of range.
        """
        shape, dtype, ordinal = cuda_backend.describe(sample_data)
        return _of_sample(
            name,
            shape,
            dtype,
            history_len,
            "cuda",
            f"cuda:{ordinal}",
            varying_extent=varying_extent,
        )

    @staticmethod
    def from_sample(
        name: str,
        data: Any,
        history_len: int = 1,
        backend: str | None = None,
        *,
        varying_extent: bool = False,
    ) -> PoolMetadata:
        """Describe a pool for data like `data`, of whichever backend it belongs to.

        Raises
        ------
        TypeError
            No backend knows this kind of data, or it is not of `backend`.
        ValueError
            `backend` is none of ours.
        """
        found = detect_backend(data) if backend is None else backend
        make = _MAKERS.get(found)
        if make is None:
            msg = f"unknown backend {found!r}: expected one of {', '.join(map(repr, _MAKERS))}"
            raise ValueError(msg)
        return make(name, data, history_len, varying_extent=varying_extent)


_MAKERS: dict[str, Callable[..., PoolMetadata]] = {
    "numpy": MetadataCreator.from_numpy_sample,
    "torch": MetadataCreator.from_torch_sample,
    "torch_cuda": MetadataCreator.from_torch_cuda_sample,
    "cuda": MetadataCreator.from_cuda_array_sample,
}
