"""What a bridge does, checked before anything is opened."""

from __future__ import annotations

import dataclasses
from typing import Any, Mapping, Union

from tensor_ipc import _core
from tensor_ipc.core.dtypes import numpy_dtype
from tensor_ipc.rosext.bridge.section import Section

ENGINES = ("auto", "rclpy", "native")
RELIABILITIES = ("reliable", "best_effort")
DURABILITIES = ("volatile", "transient_local")
PRESETS = ("default", "sensor_data")
STAMPS = ("capture", "publication")
_MOST = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class QoS:
    """Quality of service; the history is always keep-last.

    Attributes
    ----------
    depth
        Messages that wait at most.
    reliability
        ``"reliable"`` or ``"best_effort"``.
    durability
        ``"volatile"`` or ``"transient_local"``.
    """

    depth: int = 10
    reliability: str = "reliable"
    durability: str = "volatile"

    @classmethod
    def preset(cls, name: str) -> QoS:
        """Return ROS's profile of that name: ``"default"`` or ``"sensor_data"``."""
        return cls(depth=5, reliability="best_effort") if name == "sensor_data" else cls()


@dataclasses.dataclass(frozen=True)
class TopicToPool:
    """A topic whose messages go into a pool.

    Attributes
    ----------
    topic, type
        As ROS writes them: ``"/camera/image_raw"``, ``"sensor_msgs/msg/Image"``.
    pool
        Name of the pool, which the bridge owns.
    qos
        Of the subscription.
    encoding
        The only one to take; ``None`` for all.
    conversion
        Options of `to_frame` that are given: ``path``, ``fields``, ``nan``.
    rate_limit_hz
        At most so many messages a second.
    history_len, spare
        Of the pool; see `TensorProducer`.
    shape, dtype
        Of the frames. ``None``: as the first message has them.
    capacity
        Greatest first extent of frames that vary in it, as point clouds do; ``None`` for frames of
        one shape.
    """

    topic: str
    pool: str
    type: str = "sensor_msgs/msg/Image"
    qos: QoS = QoS()
    encoding: str | None = None
    conversion: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    rate_limit_hz: float | None = None
    history_len: int = 1
    spare: int = 3
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    capacity: int | None = None

    @property
    def name(self) -> str:
        """Where from and where to, for people."""
        return f"{self.topic} -> pool {self.pool}"


@dataclasses.dataclass(frozen=True)
class PoolToTopic:
    """A pool whose frames are published on a topic.

    Attributes
    ----------
    topic, type
        As ROS writes them: ``"/camera/image_raw"``, ``"sensor_msgs/msg/Image"``.
    pool
        Name of the pool, which another process owns.
    qos
        Of the publisher.
    encoding, frame_id
        For all messages, whatever a frame says.
    conversion
        Options of `fill_message` that are given: ``path``, ``fields``, ``image_format``,
        ``jpeg_quality``.
    rate_limit_hz
        At most so many messages a second.
    stamps
        ``"capture"`` or ``"publication"``; see `PoolFollower`.
    """

    topic: str
    pool: str
    type: str = "sensor_msgs/msg/Image"
    qos: QoS = QoS()
    encoding: str | None = None
    frame_id: str | None = None
    conversion: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    rate_limit_hz: float | None = None
    stamps: str = "capture"

    @property
    def name(self) -> str:
        """Where from and where to, for people."""
        return f"pool {self.pool} -> {self.topic}"


Link = Union[TopicToPool, PoolToTopic]


@dataclasses.dataclass(frozen=True)
class BridgeConfig:
    """A whole bridge.

    Attributes
    ----------
    links
        The topics and pools.
    engine
        ``"rclpy"``, ``"native"``, or ``"auto"`` for rclpy where there is one.
    node, namespace
        Of the ROS node.
    use_sim_time
        Take the time from ``/clock``.
    report_period_s
        Between two reports in the log and on ``/diagnostics``.
    """

    links: tuple[Link, ...]
    engine: str = "auto"
    node: str = "tensor_ipc_bridge"
    namespace: str = ""
    use_sim_time: bool = False
    report_period_s: float = 5.0

    def with_engine(self, engine: str) -> BridgeConfig:
        """Return the same with another engine."""
        return dataclasses.replace(self, engine=engine)


def config_from(content: object, source: str) -> BridgeConfig:
    """Return the configuration that a document describes.

    Parameters
    ----------
    content
        Mappings, lists, texts and numbers, as a YAML file has them; docs/ros.md lists the keys.
    source
        Name of the file, for errors.

    Raises
    ------
    BridgeConfigError
        A key is missing, unknown or wrong; the text names file and key.
    """
    top = Section(content, source)
    entries = top.value("topics")
    if not isinstance(entries, list) or not entries:
        top.refuse("topics", "expected a list with at least one entry")
    config = BridgeConfig(
        links=tuple(
            _link(top.section(f"topics[{index}]", entry)) for index, entry in enumerate(entries)
        ),
        engine=top.choice("engine", ENGINES, "auto"),
        node=top.text("node", "tensor_ipc_bridge"),
        namespace=top.text("namespace", ""),
        use_sim_time=top.flag("use_sim_time", default=False),
        report_period_s=top.positive("report_period_s", 5.0),
    )
    top.finish()
    _refuse_clashes(config.links, top)
    return config


def _link(entry: Section) -> Link:
    direction = entry.choice("direction", ("to_pool", "to_ros"), "to_pool")
    link = _topic_to_pool(entry) if direction == "to_pool" else _pool_to_topic(entry)
    entry.finish()
    return link


def _topic_to_pool(entry: Section) -> TopicToPool:
    link = TopicToPool(
        topic=entry.text("topic"),
        pool=_pool_name(entry),
        type=_type(entry),
        qos=_qos(entry),
        encoding=entry.text("encoding", None),
        conversion=_conversion(
            entry, nan=entry.choice("nan", ("keep", "refuse", "drop"), None)
        ),
        rate_limit_hz=entry.positive("rate_limit_hz", None),
        history_len=entry.integer("history_len", 1, _MOST, 1),
        spare=entry.integer("spare", 2, _MOST, 3),
        shape=entry.integers("shape", None),
        dtype=entry.text("dtype", None),
        capacity=entry.integer("capacity", 1, _MOST, None),
    )
    if (link.shape is None) != (link.dtype is None):
        entry.refuse("shape", "shape and dtype go together: give both or neither")
    if link.shape is not None and link.capacity is not None:
        entry.refuse("capacity", "frames of a fixed shape do not vary: leave out one of both")
    if link.dtype is not None:
        try:
            numpy_dtype(link.dtype)
        except TypeError as error:
            entry.refuse("dtype", str(error))
    return link


def _pool_to_topic(entry: Section) -> PoolToTopic:
    return PoolToTopic(
        topic=entry.text("topic"),
        pool=_pool_name(entry),
        type=_type(entry),
        qos=_qos(entry),
        encoding=entry.text("encoding", None),
        frame_id=entry.text("frame_id", None),
        conversion=_conversion(
            entry,
            image_format=entry.choice("image_format", ("jpeg", "png"), None),
            jpeg_quality=entry.integer("jpeg_quality", 1, 100, None),
        ),
        rate_limit_hz=entry.positive("rate_limit_hz", None),
        stamps=entry.choice("stamps", STAMPS, "capture"),
    )


def _conversion(entry: Section, **more: Any) -> dict[str, Any]:
    found = {"path": entry.text("path", None), "fields": entry.texts("fields", None), **more}
    return {key: value for key, value in found.items() if value is not None}


def _pool_name(entry: Section) -> str:
    name: str = entry.text("pool")
    try:
        _core.segment_name(name)
    except ValueError as error:
        entry.refuse("pool", str(error))
    return name


def _type(entry: Section) -> str:
    name: str = entry.text("type", "sensor_msgs/msg/Image")
    parts = name.split("/")
    if len(parts) != 3 or parts[1] != "msg" or not all(part.isidentifier() for part in parts):
        entry.refuse("type", f"expected one like sensor_msgs/msg/Image, found {name!r}")
    return name


def _qos(entry: Section) -> QoS:
    found = entry.value("qos", "default")
    if isinstance(found, str):
        return QoS.preset(entry.choice("qos", PRESETS, "default"))
    section = entry.section("qos", found)
    base = QoS.preset(section.choice("preset", PRESETS, "default"))
    qos = QoS(
        depth=section.integer("depth", 1, _MOST, base.depth),
        reliability=section.choice("reliability", RELIABILITIES, base.reliability),
        durability=section.choice("durability", DURABILITIES, base.durability),
    )
    section.finish()
    return qos


def _refuse_clashes(links: tuple[Link, ...], top: Section) -> None:
    pools = [link.pool for link in links if isinstance(link, TopicToPool)]
    for pool in pools:
        if pools.count(pool) > 1:
            top.refuse("topics", f"pool {pool!r} is filled by two of them: one owns a pool")
