"""Share tensors between processes: zero-copy, never torn, whoever is killed when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tensor_ipc._core import DeviceArray, Frame, FrameWindow, Loan
from tensor_ipc.core.consumer import ConsumerStats, TensorConsumer
from tensor_ipc.core.metadata import MetadataCreator, PoolMetadata
from tensor_ipc.core.producer import ProducerStats, TensorProducer
from tensor_ipc.core.synchronized import SynchronizedFrames, synchronized
from tensor_ipc.discovery import NetworkPool, discover
from tensor_ipc.errors import (
    CudaError,
    CudaOutOfMemoryError,
    CudaUnavailableError,
    CudaUnsupportedError,
    DdsError,
    DdsUnavailableError,
    InvalidPoolNameError,
    MetadataMismatchError,
    MissingFrameworkError,
    PoolExhaustedError,
    PoolInUseError,
    PoolNotFoundError,
    PoolPermissionError,
    SegmentError,
    SharedMemoryFullError,
    TensorIpcError,
)
from tensor_ipc.inspection import (
    CleanedPool,
    ConsumerInfo,
    PoolInfo,
    clean,
    inspect,
    list_pools,
)
from tensor_ipc.mirroring import (
    Mirror,
    MirrorServer,
    MirrorSource,
    MirrorStatus,
    ServedMirror,
    mirror,
    serve,
)

if TYPE_CHECKING:
    from tensor_ipc.rosext import ROSTensorConsumer, ROSTensorProducer

__version__ = "0.2.0"

__all__ = [
    "CleanedPool",
    "ConsumerInfo",
    "ConsumerStats",
    "CudaError",
    "CudaOutOfMemoryError",
    "CudaUnavailableError",
    "CudaUnsupportedError",
    "DdsError",
    "DdsUnavailableError",
    "DeviceArray",
    "Frame",
    "FrameWindow",
    "InvalidPoolNameError",
    "Loan",
    "MetadataCreator",
    "MetadataMismatchError",
    "Mirror",
    "MirrorServer",
    "MirrorSource",
    "MirrorStatus",
    "MissingFrameworkError",
    "NetworkPool",
    "PoolExhaustedError",
    "PoolInUseError",
    "PoolInfo",
    "PoolMetadata",
    "PoolNotFoundError",
    "PoolPermissionError",
    "ProducerStats",
    "ROSTensorConsumer",
    "ROSTensorProducer",
    "SegmentError",
    "ServedMirror",
    "SharedMemoryFullError",
    "SynchronizedFrames",
    "TensorConsumer",
    "TensorIpcError",
    "TensorProducer",
    "__version__",
    "clean",
    "discover",
    "inspect",
    "list_pools",
    "mirror",
    "serve",
    "synchronized",
]


def __getattr__(name: str) -> Any:
    """Import the ROS classes when they are asked for; they need no ROS to be imported."""
    if name in ("ROSTensorConsumer", "ROSTensorProducer"):
        from tensor_ipc import rosext  # noqa: PLC0415

        return getattr(rosext, name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
