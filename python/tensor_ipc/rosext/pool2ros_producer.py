"""Frames go into a pool and onto a ROS topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

from tensor_ipc.core.cleaned_up import CleanedUp
from tensor_ipc.core.producer import TensorProducer
from tensor_ipc.rosext import ros_clock
from tensor_ipc.rosext.complaints import Complaints
from tensor_ipc.rosext.endpoints import advertise
from tensor_ipc.rosext.message_writer import MessageWriter, as_numpy
from tensor_ipc.rosext.pool_follower import PoolFollower
from tensor_ipc.rosext.ros_import import import_rclpy, message_type

if TYPE_CHECKING:
    from tensor_ipc.core.metadata import PoolMetadata
    from tensor_ipc.core.producer import ProducerStats


class ROSTensorProducer(CleanedUp):
    """Owns a pool, and publishes each frame that it is given as a ROS message too.

    `follow` is for pools of other producers.

    Parameters
    ----------
    pool_metadata
        What the pool holds; frames in host memory.
    node
        An ``rclpy.node.Node``. It need not be spun for this.
    ros_topic
        Name of the topic; namespaces and remappings apply as for ``node.create_publisher``.
    ros_msg_type
        Class of the messages, or its name: ``"sensor_msgs/msg/Image"``.
    qos
        Depth of the queue, or an ``rclpy.qos.QoSProfile``.
    keep_last, dds_participant
        For progress over DDS; see `TensorProducer`.
    encoding, frame_id
        For frames that are put without one. Without an encoding it follows from shape and dtype:
        ``(H, W, 3)`` of uint8 is ``rgb8``, and so on as docs/ros.md lists.
    conversion
        Options of the conversion, as ``{"path": "position"}``; see docs/ros-conversions.md.

    Raises
    ------
    MissingFrameworkError
        There is no ROS; the text says how to get it.
    PoolInUseError
        A living producer owns the pool; `follow` publishes what that one puts.
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
        *,
        encoding: str | None = None,
        frame_id: str | None = None,
        conversion: Mapping[str, Any] | None = None,
    ) -> None:
        import_rclpy()
        message_class = message_type(ros_msg_type)
        self._node = node
        self._producer = TensorProducer(
            pool_metadata, dds_participant, keep_last, accept_any=True
        )
        complaints = Complaints(
            f"pool {pool_metadata.name} -> {ros_topic}", node.get_logger().error
        )
        try:
            self._publisher = advertise(
                node,
                message_class,
                ros_topic,
                qos,
                lambda policy: complaints.add(
                    f"a subscription asks for another {policy} than qos offers: it gets nothing"
                ),
            )
        except BaseException:
            self._producer.cleanup()
            raise
        self._writer = MessageWriter(
            message_class(),
            self._publisher.publish,
            encoding=encoding,
            frame_id=frame_id,
            conversion=conversion,
        )

    @classmethod
    def follow(
        cls,
        pool_name: str,
        node: Any,
        ros_topic: str,
        ros_msg_type: Any,
        qos: Any = 10,
        **options: Any,
    ) -> PoolFollower:
        """Publish every new frame of a pool that another producer owns; see `PoolFollower`."""
        return PoolFollower(pool_name, node, ros_topic, ros_msg_type, qos, **options)

    def put(
        self,
        data: Any,
        encoding: str | None = None,
        *,
        header: Any = None,
        stamp: Any = None,
        frame_id: str | None = None,
        user_metadata: Mapping[str, str] | None = None,
    ) -> int:
        """Put a frame into the pool, and publish it.

        When this raises, neither was done, unless it is the publishing itself that failed.

        Parameters
        ----------
        data
            As for `TensorProducer.put`.
        encoding
            Of the message; by default the one of the constructor, or what shape and dtype say.
        header
            A ``std_msgs/msg/Header`` whose stamp and frame_id are taken.
        stamp
            Time of capture, before the header's: a ``builtin_interfaces/msg/Time``, an
            ``rclpy.time.Time`` or nanoseconds. By default the time of the node's clock. It is the
            frame's ``timestamp_ns`` as well.
        frame_id
            Before the header's.
        user_metadata
            More texts for the frame, and what the conversion makes of them.

        Returns
        -------
        Number of the frame in the pool.

        Raises
        ------
        ROSConversionError
            The array cannot be such a message, or not in this encoding.
        ValueError, TypeError, PoolExhaustedError
            As `TensorProducer.put`.
        """
        if header is not None:
            stamp = header.stamp if stamp is None else stamp
            frame_id = header.frame_id if frame_id is None else frame_id
        stamp_ns = (
            ros_clock.now_ns(self._node) if stamp is None else ros_clock.stamp_to_ns(stamp)
        )
        index = -1

        def put_into_pool(message: Any) -> None:
            nonlocal index
            texts = dict(user_metadata or {})
            texts.update(_texts_of(message))
            index = self._producer.put(data, timestamp_ns=stamp_ns, user_metadata=texts)

        self._writer.write(
            as_numpy(data),
            stamp_ns=stamp_ns,
            encoding=encoding,
            frame_id=frame_id,
            user_metadata=user_metadata,
            before_publishing=put_into_pool,
        )
        return index

    def cleanup(self) -> None:
        """End the publisher and the pool.

        As whatever destroys a part of a node: in a callback, or while the node is not spun.
        """
        if self._publisher is not None:
            self._node.destroy_publisher(self._publisher)
            self._publisher = None
        self._producer.cleanup()

    @property
    def metadata(self) -> PoolMetadata:
        """What the pool holds."""
        return self._producer.metadata

    @property
    def stats(self) -> ProducerStats:
        """Counters of the pool's producer."""
        return self._producer.stats

    @property
    def topic(self) -> str | None:
        """Name of the topic as the graph has it, remapped; ``None`` after `cleanup`."""
        return None if self._publisher is None else str(self._publisher.topic_name)

    @property
    def subscribers(self) -> int:
        """How many subscriptions get what is published."""
        return 0 if self._publisher is None else int(self._publisher.get_subscription_count())


def _texts_of(message: Any) -> dict[str, str]:
    """Return what readers of the pool are told beside the pixels."""
    texts = {}
    header = getattr(message, "header", None)
    if header is not None and header.frame_id:
        texts["frame_id"] = header.frame_id
    if getattr(message, "encoding", ""):
        texts["encoding"] = message.encoding
    return texts
