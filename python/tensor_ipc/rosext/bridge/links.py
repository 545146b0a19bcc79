"""One line of a bridge, made of a node's subscription and a pool, or of a pool and a publisher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tensor_ipc.core.metadata import MetadataCreator, PoolMetadata
from tensor_ipc.core.producer import TensorProducer
from tensor_ipc.errors import ROSConversionError
from tensor_ipc.rosext import ros_clock
from tensor_ipc.rosext.bridge.qos import qos_profile
from tensor_ipc.rosext.complaints import Complaints
from tensor_ipc.rosext.endpoints import subscribe
from tensor_ipc.rosext.pool_follower import PoolFollower
from tensor_ipc.rosext.rate_limit import RateLimit
from tensor_ipc.rosext.ros_import import message_type
from tensor_ipc.rosext.topic_reader import TopicReader

if TYPE_CHECKING:
    from tensor_ipc.rosext.bridge.config import PoolToTopic, TopicToPool
    from tensor_ipc.rosext.conversions import MessageFrame
    from tensor_ipc.rosext.topic_reader import ReaderStats


class InboundLink:
    """Topic to pool. The pool is made from the first message unless its shape is configured."""

    def __init__(self, node: Any, wanted: TopicToPool) -> None:
        self.name = wanted.name
        self._node = node
        self._wanted = wanted
        self._producer: TensorProducer | None = None
        if wanted.shape is not None and wanted.dtype is not None:
            self._open(
                PoolMetadata(
                    wanted.pool, wanted.shape, wanted.dtype, history_len=wanted.history_len
                )
            )
        self._reader = TopicReader(
            wanted.type,
            self._opened_for,
            lambda: ros_clock.now_ns(node),
            Complaints(wanted.name, node.get_logger().error),
            encoding=wanted.encoding,
            conversion=wanted.conversion,
            rate_limit=None
            if wanted.rate_limit_hz is None
            else RateLimit(wanted.rate_limit_hz),
        )
        self._subscription = subscribe(
            node,
            message_type(wanted.type),
            wanted.topic,
            self._reader.take,
            qos_profile(wanted.qos),
            self._reader.note_incompatible_qos,
        )

    def _opened_for(self, frame: MessageFrame) -> TensorProducer:
        if self._producer is not None:
            return self._producer
        return self._open(metadata_for(self._wanted, frame))

    def _open(self, metadata: PoolMetadata) -> TensorProducer:
        self._producer = TensorProducer(metadata, spare=self._wanted.spare)
        return self._producer

    @property
    def stats(self) -> ReaderStats:
        """Counters."""
        return self._reader.stats

    @property
    def last_error(self) -> str:
        """Text of the last error; empty while there was none."""
        return self._reader.last_error

    def cleanup(self) -> None:
        """End subscription and pool."""
        self._node.destroy_subscription(self._subscription)
        if self._producer is not None:
            self._producer.cleanup()


def outbound_link(node: Any, wanted: PoolToTopic) -> PoolFollower:
    """Return a follower that publishes the pool. It has a thread, which is its own."""
    return PoolFollower(
        wanted.pool,
        node,
        wanted.topic,
        wanted.type,
        qos_profile(wanted.qos),
        encoding=wanted.encoding,
        frame_id=wanted.frame_id,
        conversion=wanted.conversion,
        stamps=wanted.stamps,
        rate_limit_hz=wanted.rate_limit_hz,
    )


def metadata_for(wanted: TopicToPool, frame: MessageFrame) -> PoolMetadata:
    """Describe the pool for frames like the first one.

    Raises
    ------
    ROSConversionError
        It is empty, or it has no first extent that could vary.
    """
    array = frame.array
    if wanted.capacity is None:
        if array.size == 0:
            msg = (
                f"the first frame is empty (shape {array.shape}), so the pool's shape is not known "
                "yet: give a shape, or a capacity for frames that vary"
            )
            raise ROSConversionError(msg)
        return MetadataCreator.from_numpy_sample(wanted.pool, array, wanted.history_len)
    if array.ndim == 0:
        msg = "a frame without dimensions cannot vary: leave out capacity"
        raise ROSConversionError(msg)
    return PoolMetadata(
        wanted.pool,
        (wanted.capacity, *array.shape[1:]),
        array.dtype.name,
        history_len=wanted.history_len,
        varying_extent=True,
    )
