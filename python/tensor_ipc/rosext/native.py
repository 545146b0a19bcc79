"""ROS 2 topics without ROS: the C++ core reads and writes ROS's wire format through Cyclone DDS.

The same as `ROSTensorConsumer` and `PoolFollower`, for ``sensor_msgs/msg/Image``,
``CompressedImage`` and ``PointCloud2``, in a process that has no rclpy and no message packages.
docs/ros-native.md says what is copied, and what ROS nodes need to be found.
"""

from __future__ import annotations

import importlib
import logging
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from tensor_ipc.core.cleaned_up import CleanedUp
from tensor_ipc.core.metadata import PoolMetadata, metadata_of
from tensor_ipc.errors import BridgeConfigError, MissingFrameworkError
from tensor_ipc.rosext.bridge import config as bridge_config
from tensor_ipc.rosext.bridge.report import Reporter

if TYPE_CHECKING:
    from tensor_ipc.rosext.bridge.config import BridgeConfig, QoS

_log = logging.getLogger(__name__)

#: What the engine takes; the rclpy engine takes all types.
MESSAGE_TYPES = (
    "sensor_msgs/msg/Image",
    "sensor_msgs/msg/CompressedImage",
    "sensor_msgs/msg/PointCloud2",
)

_DEFAULT_QOS = bridge_config.QoS()


class TopicToPoolStats(NamedTuple):
    """What became of the messages of a topic."""

    messages: int
    """Messages that arrived."""
    frames: int
    """Frames that went into the pool."""
    conversion_errors: int
    """Messages that are no frame of the pool: damaged, or of another encoding, shape or dtype."""
    refused: int
    """Frames that the pool could not take: its name or every slot is taken, or memory is short."""
    limited: int
    """Messages left out by the rate limit."""
    incompatible_qos: int
    """Publishers found whose QoS does not match; nothing comes from them."""
    pools: int
    """Pools that were made; more than one with ``follow_changes``."""
    publishers: int
    """Publishers that are there now."""


class PoolToTopicStats(NamedTuple):
    """What became of the frames of a pool."""

    frames: int
    """Frames that were looked at."""
    messages: int
    """Messages that were published."""
    missed: int
    """Frames that were overtaken by newer ones before they were looked at."""
    conversion_errors: int
    """Frames that are no message of the topic's type, or not in its encoding."""
    publish_errors: int
    """Messages given up because reliable subscriptions stayed behind for a second."""
    limited: int
    """Frames left out by the rate limit."""
    incompatible_qos: int
    """Subscriptions found whose QoS does not match; they get nothing."""
    copied_frames: int
    """Frames that could not be sent from the pool's memory."""
    subscriptions: int
    """Subscriptions that are there now."""


class _Link(CleanedUp):
    """What both directions share."""

    _native: Any
    _lock: threading.Lock

    def cleanup(self) -> None:
        """End it. Waits for the message that is under way, a second at most."""
        with self._lock:
            self._native.close()

    @property
    def last_error(self) -> str:
        """Text of the last error; empty while there was none."""
        with self._lock:
            return str(self._native.last_error())


class TopicToPool(_Link):
    """Subscribes to a topic, owns a pool, and puts each message into it as a frame.

    Threads of Cyclone DDS do the work: one copy, from the datagrams into the slot. A message that
    is no frame of this pool is counted in `stats` and left out.

    A frame's ``timestamp_ns`` is the stamp of the message's header, or the time of day at arrival
    where that is zero. ``frame_id``, and ``encoding`` or what else the type has, are in the frame's
    user metadata, as the conversions of rclpy messages put them there.

    Parameters
    ----------
    topic
        As ROS has it: ``"/camera/image_raw"``.
    pool
        Name of the pool, which this owns.
    message_type
        One of `MESSAGE_TYPES`.
    qos
        Depth of the queue, or a `QoS`.
    encoding
        Of images, the only one to take. ``None`` takes all.
    history_len, spare
        Of the pool; see `TensorProducer`.
    metadata
        What the pool holds. By default the first message says so, and makes the pool.
    capacity
        Greatest first extent of frames that vary in it: points of a cloud, bytes of a compressed
        image. By default frames have one shape; compressed images may be half as long again as the
        first.
    follow_changes
        Make the pool anew when messages have another shape or dtype. By default these are refused.
    rate_limit_hz
        At most so many messages a second.
    domain
        In place of ``ROS_DOMAIN_ID``.

    Raises
    ------
    MissingFrameworkError
        The package was built without it.
    ValueError
        The topic's name, the type or the QoS is none, or a variable of ROS says what cannot be.
    DdsError
        Cyclone DDS refused.
    PoolInUseError
        A living producer owns the pool that `metadata` describes.
    """

    def __init__(
        self,
        topic: str,
        pool: str,
        message_type: str = "sensor_msgs/msg/Image",
        qos: int | QoS = _DEFAULT_QOS,
        *,
        encoding: str | None = None,
        history_len: int = 1,
        spare: int = 3,
        metadata: PoolMetadata | None = None,
        capacity: int | None = None,
        follow_changes: bool = False,
        rate_limit_hz: float | None = None,
        domain: int | None = None,
    ) -> None:
        if metadata is not None and metadata.on_gpu:
            msg = (
                f"this engine writes pools in host memory, pool {metadata.name!r} is to lie on "
                f"{metadata.device}: use ROSTensorConsumer, which copies to the GPU"
            )
            raise ValueError(msg)
        native = _load()
        wanted = _qos(qos)
        self._lock = threading.Lock()
        self._native = native.open_topic(
            native.join_ros(domain),
            topic,
            pool,
            message_type,
            depth=wanted.depth,
            reliable=wanted.reliability == "reliable",
            transient_local=wanted.durability == "transient_local",
            encoding=encoding or "",
            history_len=history_len if metadata is None else metadata.history_len,
            spare=spare,
            shape=None if metadata is None else list(metadata.shape),
            dtype="" if metadata is None else metadata.dtype_str,
            varying_extent=metadata is not None and metadata.varying_extent,
            capacity=capacity or 0,
            follow_changes=follow_changes,
            rate_limit_hz=rate_limit_hz or 0.0,
        )
        self.name = f"{topic} -> pool {pool}"

    @property
    def stats(self) -> TopicToPoolStats:
        """What became of the messages."""
        with self._lock:
            return TopicToPoolStats(*self._native.stats())

    @property
    def metadata(self) -> PoolMetadata | None:
        """What the pool holds; ``None`` before there is one."""
        with self._lock:
            parts = self._native.parts()
        return None if parts is None else metadata_of(parts)


class PoolToTopic(_Link):
    """Publishes the newest frame of a pool whenever there is a new one.

    The pool may come later, end, and come again with other frames. A thread of the C++ core does
    the work, and sends the frame from where it lies. The stamp is the frame's time of capture,
    which is taken for the time of day; frames whose producer gave none get the time of day of their
    publication.

    Parameters
    ----------
    pool, topic
        As for `TopicToPool`; another process may own the pool, or this one.
    message_type, qos, rate_limit_hz, domain
        As for `TopicToPool`.
    encoding, frame_id
        For all messages, whatever a frame says. By default the frame's user metadata say it, or
        its shape and dtype: ``(H, W, 3)`` of uint8 is ``rgb8``.
    stamps
        ``"capture"``, as above. ``"publication"``: when the frame came into the pool; for producers
        whose times are not the time of day.

    Raises
    ------
    MissingFrameworkError, ValueError, DdsError
        As for `TopicToPool`.
    """

    def __init__(
        self,
        pool: str,
        topic: str,
        message_type: str = "sensor_msgs/msg/Image",
        qos: int | QoS = _DEFAULT_QOS,
        *,
        encoding: str | None = None,
        frame_id: str | None = None,
        stamps: str = "capture",
        rate_limit_hz: float | None = None,
        domain: int | None = None,
    ) -> None:
        if stamps not in bridge_config.STAMPS:
            expected = " or ".join(repr(stamp) for stamp in bridge_config.STAMPS)
            msg = f"stamps: expected {expected}, found {stamps!r}"
            raise ValueError(msg)
        native = _load()
        wanted = _qos(qos)
        self._lock = threading.Lock()
        self._native = native.open_pool(
            native.join_ros(domain),
            pool,
            topic,
            message_type,
            depth=wanted.depth,
            reliable=wanted.reliability == "reliable",
            transient_local=wanted.durability == "transient_local",
            encoding=encoding or "",
            frame_id=frame_id or "",
            stamp_publication=stamps == "publication",
            rate_limit_hz=rate_limit_hz or 0.0,
        )
        self.name = f"pool {pool} -> {topic}"

    @property
    def stats(self) -> PoolToTopicStats:
        """What became of the frames."""
        with self._lock:
            return PoolToTopicStats(*self._native.stats())


def run_native(config: BridgeConfig, stop: threading.Event) -> None:
    """Run a bridge until `stop` is set, with a line for each topic in the log now and then.

    Raises
    ------
    BridgeConfigError
        It asks for what only the rclpy engine does; nothing was opened.
    MissingFrameworkError, DdsError, PoolInUseError
        As for `TopicToPool`.
    """
    for wanted in config.links:
        _check(config, wanted)
    links: list[TopicToPool | PoolToTopic] = []
    try:
        links.extend(_open(config, wanted) for wanted in config.links)
        _log.info("bridging %d topics: %s", len(links), "; ".join(link.name for link in links))
        reporter = Reporter(links)
        while not stop.wait(config.report_period_s):
            for report in reporter.report():
                level = logging.WARNING if report.new_trouble else logging.INFO
                _log.log(level, "%s", report.line())
    finally:
        for link in links:
            link.cleanup()


def _check(config: BridgeConfig, wanted: bridge_config.Link) -> None:
    only_rclpy = [name for name, value in wanted.conversion.items() if value != "keep"]
    if config.use_sim_time:
        only_rclpy.append("use_sim_time")
    if wanted.type not in MESSAGE_TYPES:
        only_rclpy.append(f"type {wanted.type}")
    if only_rclpy:
        msg = f"{wanted.name}: only engine rclpy has {', '.join(only_rclpy)}; it needs ROS"
        raise BridgeConfigError(msg)


def _open(config: BridgeConfig, wanted: bridge_config.Link) -> TopicToPool | PoolToTopic:
    topic = wanted.topic
    if config.namespace and not topic.startswith("/"):
        topic = f"/{config.namespace.strip('/')}/{topic}"
    if isinstance(wanted, bridge_config.PoolToTopic):
        return PoolToTopic(
            wanted.pool,
            topic,
            wanted.type,
            wanted.qos,
            encoding=wanted.encoding,
            frame_id=wanted.frame_id,
            stamps=wanted.stamps,
            rate_limit_hz=wanted.rate_limit_hz,
        )
    metadata = None
    if wanted.shape is not None and wanted.dtype is not None:
        metadata = PoolMetadata(
            wanted.pool, wanted.shape, wanted.dtype, history_len=wanted.history_len
        )
    return TopicToPool(
        topic,
        wanted.pool,
        wanted.type,
        wanted.qos,
        encoding=wanted.encoding,
        history_len=wanted.history_len,
        spare=wanted.spare,
        metadata=metadata,
        capacity=wanted.capacity,
        rate_limit_hz=wanted.rate_limit_hz,
    )


def _qos(qos: int | QoS) -> QoS:
    return bridge_config.QoS(depth=qos) if isinstance(qos, int) else qos


def _load() -> Any:
    try:
        native = importlib.import_module("tensor_ipc._dds")
    except ImportError as error:
        native, reason = None, str(error)
    else:
        reason = "it was built without Cyclone DDS 0.10"
    if not hasattr(native, "open_topic"):
        msg = (
            f"this tensor-ipc has no native ROS engine ({reason}): apt-get install cyclonedds-dev, "
            "and build it again; or use rclpy"
        )
        raise MissingFrameworkError(msg)
    return native
