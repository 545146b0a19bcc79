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


class BridgeConfigError(TensorIpcError, ValueError):
    """The configuration of a bridge is wrong; the text names file and key."""


class SharedMemoryFullError(TensorIpcError, MemoryError):
    """``/dev/shm`` is too small or full."""


class PoolPermissionError(TensorIpcError, PermissionError):
    """The segment belongs to someone who does not share it."""


class MissingFrameworkError(TensorIpcError, ImportError):
    """The pool's frames are of a framework that is not installed."""


class ConversionError(TensorIpcError, ValueError):
    """A ROS message and an array do not convert into each other."""


#: Its name in 0.1.0.
ROSConversionError = ConversionError


class UnknownMessageTypeError(ConversionError):
    """There is no conversion for this type of message; its numeric fields convert by path."""


class EncodingError(ConversionError):
    """The encoding is unknown, or it is not one for this array."""


class MessageLayoutError(ConversionError):
    """What the message says of its data (step, height, offsets) does not fit the data."""


class ArrayLayoutError(ConversionError):
    """The array's shape or dtype does not fit the message."""


class NotANumberError(ConversionError):
    """The data has NaNs, and they were to be refused."""


class FieldPathError(ConversionError):
    """The path, or the name of a field, leads to no numbers."""


class UserMetadataError(ConversionError):
    """The texts that go with a frame do not fit into it, or do not say what they should."""


class CompressedImageError(ConversionError):
    """The compressed image is damaged, or of a format that is not supported."""


class MissingCodecError(ConversionError, ImportError):
    """The package that reads and writes compressed images is not installed."""


class DdsError(TensorIpcError, RuntimeError):
    """Cyclone DDS refused: no such interface, no free port, too many participants."""


class DdsUnavailableError(TensorIpcError, ImportError):
    """DDS was asked for, and the package was built without Cyclone DDS, or DDS is switched off."""


class CudaError(TensorIpcError, RuntimeError):
    """The CUDA driver refused; the text says what was called, what came back and what to do."""


class CudaUnavailableError(CudaError):
    """No NVIDIA driver, none that will do, or the GPU is not one that this process sees."""


class CudaUnsupportedError(CudaError):
    """The GPU or its driver cannot do it, or containers are in the way."""


class CudaOutOfMemoryError(CudaError, MemoryError):
    """The GPU has not enough free memory."""
