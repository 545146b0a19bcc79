"""Every error that tensor-ipc raises of its own.

Each is also the built-in exception that a caller would expect, so ``except ValueError`` works
without importing anything from here. The texts say what was expected, what was found and what to
do.
"""

from __future__ import annotations


class TensorIpcError(Exception):
    """Base of all errors of tensor-ipc."""


class PoolInUseError(TensorIpcError, ValueError):
    """A living producer owns the pool already."""


class MetadataMismatchError(TensorIpcError, ValueError):
    """The pool holds something else than the consumer expects."""


class InvalidPoolNameError(TensorIpcError, ValueError):
    """The text cannot be the name of a pool, or of a namespace."""


class PoolNotFoundError(TensorIpcError, LookupError):
    """There is no such pool, or it was closed."""


class PoolExhaustedError(TensorIpcError, RuntimeError):
    """Every slot is pinned or on loan, or every consumer id is taken."""


class SegmentError(TensorIpcError, RuntimeError):
    """The shared memory holds something else, is damaged, or is of another layout version."""


class SharedMemoryFullError(TensorIpcError, MemoryError):
    """``/dev/shm`` is too small or full."""


class PoolPermissionError(TensorIpcError, PermissionError):
    """The segment belongs to someone who does not share it."""


class MissingFrameworkError(TensorIpcError, ImportError):
    """The pool's frames are of a framework that is not installed."""


class CudaError(TensorIpcError, RuntimeError):
    """The CUDA driver refused; the text says what was called, what came back and what to do."""


class CudaUnavailableError(CudaError):
    """No NVIDIA driver, none that will do, or the GPU is not one that this process sees."""


class CudaUnsupportedError(CudaError):
    """The GPU or its driver cannot do it, or containers are in the way."""


class CudaOutOfMemoryError(CudaError, MemoryError):
    """The GPU has not enough free memory."""
