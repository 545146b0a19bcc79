"""A ROS topic becomes a pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Mapping

from tensor_ipc.core.cleaned_up import CleanedUp
from tensor_ipc.core.consumer import TensorConsumer
from tensor_ipc.core.producer import TensorProducer
from tensor_ipc.rosext import ros_clock
from tensor_ipc.rosext.complaints import Complaints
from tensor_ipc.rosext.endpoints import subscribe
from tensor_ipc.rosext.ros_import import import_rclpy, message_type, type_name
from tensor_ipc.rosext.topic_reader import ReaderStats, TopicReader

if TYPE_CHECKING:
    from tensor_ipc._core import Frame
    from tensor_ipc.core.metadata import PoolMetadata


class ROSTensorConsumer(CleanedUp):
    """Subscribes to a topic, owns a pool, and puts each message into it as a frame.

    The node's executor does the work: one copy, from the message into the slot. Processes without
    ROS read the pool as any other. A message that is no frame of this pool is counted in `stats`,
    said in the node's log once a second at most, and left out.

    A frame's ``timestamp_ns`` is the stamp of the message's header; for messages that have none it
    is the time of the node's clock at arrival, simulated or not. ``frame_id`` and ``encoding`` are
    in the frame's user metadata.

    Parameters
    ----------
    pool_metadata
        What the pool holds, and so which messages it takes.
    node
        An ``rclpy.node.Node``. Someone else spins it.
    ros_topic
        Name of the topic; namespaces and remappings apply as for ``node.create_subscription``.
    ros_msg_type
        Class of the messages, or its name: ``"sensor_msgs/msg/Image"``.
    qos
        Depth of the queue, or an ``rclpy.qos.QoSProfile``.
    keep_last, dds_participant
        For progress over DDS; see `TensorProducer`.
    on_new_data_callback
        Called by the executor with each frame, as `get` returns it. What it raises goes to the
        executor, as from any subscription.
    encoding
        Take messages of this encoding only. By default all of the pool's shape and dtype.
    conversion
        Options of the conversion: ``{"path": "position"}`` takes one field of a message,
        ``{"fields": ["x", "y", "z"]}`` some of a point cloud; see docs/ros-conversions.md.

    Raises
    ------
    MissingFrameworkError
        There is no ROS; the text says how to get it.
    PoolInUseError
        A living producer owns the pool.
    """

    def __init__(
        self,
        pool_metadata: PoolMetadata,
        node: Any,
        ros_topic: str,
        ros_msg_type: Any,
        qos: Any = 10,
        keep_last: int = 10,
        dds_participant: object = None,
        on_new_data_callback: Callable[[Any], object] | None = None,
        *,
        encoding: str | None = None,
        conversion: Mapping[str, Any] | None = None,
    ) -> None:
        import_rclpy()
        message_class = message_type(ros_msg_type)
        self._node = node
        self._callback = on_new_data_callback
        self._subscription: Any = None
        self._producer = TensorProducer(
            pool_metadata, dds_participant, keep_last, accept_any=True
        )
        self._consumer = TensorConsumer(pool_metadata, keep_last, dds_participant)
        self._reader = TopicReader(
            type_name(message_class),
            lambda _: self._producer,
            lambda: ros_clock.now_ns(node),
            Complaints(f"{ros_topic} -> pool {pool_metadata.name}", node.get_logger().error),
            encoding=encoding,
            conversion=conversion,
            on_frame=self._call_back if on_new_data_callback is not None else None,
        )
        try:
            self._subscription = subscribe(
                node,
                message_class,
                ros_topic,
                self._reader.take,
                qos,
                self._reader.note_incompatible_qos,
            )
        except BaseException:
            self.cleanup()
            raise

    def get(
        self,
        history_len: int = 1,
        as_numpy: bool = False,
        latest_first: bool = True,
        *,
        copy: bool = False,
        pad: str | None = None,
    ) -> Any:
        """Return the newest frames, without copying them; see `TensorConsumer.get`."""
        return self._consumer.get(history_len, as_numpy, latest_first, copy=copy, pad=pad)

    def get_frame(self) -> Frame | None:
        """Return the newest frame with its stamp and texts; see `TensorConsumer.get_frame`."""
        return self._consumer.get_frame()

    def _call_back(self) -> None:
        assert self._callback is not None
        self._callback(self._consumer.get())

    def cleanup(self) -> None:
        """End the subscription and the pool. Views of its frames stay valid.

        As whatever destroys a part of a node: in a callback, or while the node is not spun.
        """
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
        self._consumer.cleanup()
        self._producer.cleanup()

    @property
    def metadata(self) -> PoolMetadata:
        """What the pool holds."""
        return self._producer.metadata

    @property
    def topic(self) -> str | None:
        """Name of the topic as the graph has it, remapped; ``None`` after `cleanup`."""
        return None if self._subscription is None else str(self._subscription.topic_name)

    @property
    def stats(self) -> ReaderStats:
        """What became of the messages."""
        return self._reader.stats
