"""Configurations of a bridge: what is taken, and what every mistake is answered with."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from tensor_ipc.errors import BridgeConfigError, MissingFrameworkError
from tensor_ipc.rosext.bridge import config_from, read_config
from tensor_ipc.rosext.bridge.config import BridgeConfig, PoolToTopic, QoS, TopicToPool
from tensor_ipc.rosext.bridge.native import find_native

FULL = """
engine: rclpy
node: bridge
namespace: /robot
use_sim_time: true
report_period_s: 0.5
topics:
  - topic: camera/image_raw
    pool: cam
    qos: {preset: sensor_data, depth: 2}
    encoding: rgb8
    rate_limit_hz: 15
    history_len: 10
    spare: 5
    shape: [480, 640, 3]
    dtype: uint8
  - topic: points
    pool: cloud
    type: sensor_msgs/msg/PointCloud2
    qos: sensor_data
    capacity: 100000
    fields: [x, y, z]
    nan: drop
  - topic: joint_states
    pool: joints
    type: sensor_msgs/msg/JointState
    path: position
  - topic: overlay
    pool: rendered
    direction: to_ros
    qos: {reliability: reliable, durability: transient_local}
    encoding: bgr8
    frame_id: camera
    stamps: publication
    rate_limit_hz: 2.5
  - topic: overlay/compressed
    pool: rendered
    direction: to_ros
    type: sensor_msgs/msg/CompressedImage
    image_format: jpeg
    jpeg_quality: 80
"""


def one(**changes: Any) -> dict[str, Any]:
    entry = {"topic": "/t", "pool": "p", **changes}
    return {"topics": [{key: value for key, value in entry.items() if value is not ...}]}


def test_file_says_all_there_is(tmp_path) -> None:
    pytest.importorskip("yaml")
    path = tmp_path / "bridge.yaml"
    path.write_text(FULL)

    assert read_config(path) == BridgeConfig(
        links=(
            TopicToPool(
                "camera/image_raw",
                "cam",
                qos=QoS(2, "best_effort", "volatile"),
                encoding="rgb8",
                rate_limit_hz=15.0,
                history_len=10,
                spare=5,
                shape=(480, 640, 3),
                dtype="uint8",
            ),
            TopicToPool(
                "points",
                "cloud",
                "sensor_msgs/msg/PointCloud2",
                QoS(5, "best_effort", "volatile"),
                conversion={"fields": ("x", "y", "z"), "nan": "drop"},
                capacity=100000,
            ),
            TopicToPool(
                "joint_states",
                "joints",
                "sensor_msgs/msg/JointState",
                conversion={"path": "position"},
            ),
            PoolToTopic(
                "overlay",
                "rendered",
                qos=QoS(10, "reliable", "transient_local"),
                encoding="bgr8",
                frame_id="camera",
                rate_limit_hz=2.5,
                stamps="publication",
            ),
            PoolToTopic(
                "overlay/compressed",
                "rendered",
                "sensor_msgs/msg/CompressedImage",
                conversion={"image_format": "jpeg", "jpeg_quality": 80},
            ),
        ),
        engine="rclpy",
        node="bridge",
        namespace="/robot",
        use_sim_time=True,
        report_period_s=0.5,
    )


def test_topic_and_pool_are_enough() -> None:
    (link,) = config_from(one(), "file").links

    assert link == TopicToPool(
        "/t", "p", "sensor_msgs/msg/Image", QoS(10, "reliable", "volatile")
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "file: expected keys and values, found None"),
        ([], "file: expected keys and values"),
        ({}, "file: topics: missing"),
        ({"topics": []}, "file: topics: expected a list"),
        ({"topics": ["x"]}, "file: topics[0]: expected keys and values, found 'x'"),
        ({**one(), "engin": "rclpy"}, "file: engin: unknown key; did you mean engine?"),
        ({**one(), "engine": "ros1"}, "file: engine: expected auto or rclpy or native"),
        ({**one(), "use_sim_time": "yes"}, "file: use_sim_time: expected true or false"),
        ({**one(), "report_period_s": 0}, "file: report_period_s: expected a number above 0"),
        ({**one(), "report_period_s": float("nan")}, "report_period_s: expected a number"),
        (one(topic=...), "file: topics[0].topic: missing"),
        (one(topic=7), "file: topics[0].topic: expected a text, found 7"),
        (one(topic=""), "file: topics[0].topic: expected a text"),
        (one(pool="no pool!"), "file: topics[0].pool: "),
        (one(direction="both"), "topics[0].direction: expected to_pool or to_ros"),
        (one(type="Image"), "topics[0].type: expected one like sensor_msgs/msg/Image"),
        (one(type="sensor_msgs/msg/.."), "topics[0].type: expected one like"),
        (one(qos="fast"), "topics[0].qos: expected default or sensor_data"),
        (one(qos=5), "topics[0].qos: expected keys and values, found 5"),
        (one(qos={"depth": 0}), "topics[0].qos.depth: expected an integer from 1"),
        (one(qos={"depth": True}), "topics[0].qos.depth: expected an integer"),
        (one(qos={"depth": "x"}), "topics[0].qos.depth: expected an integer"),
        (one(qos={"reliability": "some"}), "qos.reliability: expected reliable or best_effort"),
        (one(qos={"durability": "some"}), "qos.durability: expected volatile or transient"),
        (one(qos={"history": "keep_all"}), "topics[0].qos.history: unknown key"),
        (one(rate_limit_hz=-1), "topics[0].rate_limit_hz: expected a number above 0"),
        (one(history_len=0), "topics[0].history_len: expected an integer from 1"),
        (one(spare=1), "topics[0].spare: expected an integer from 2"),
        (one(shape=[4, 0], dtype="uint8"), "topics[0].shape: expected a list of positive"),
        (one(shape=[4]), "topics[0].shape: shape and dtype go together"),
        (one(shape=[4], dtype="string"), "topics[0].dtype: "),
        (one(shape=[4], dtype="uint8", capacity=3), "topics[0].capacity: "),
        (one(fields="x"), "topics[0].fields: expected a list of texts"),
        (one(nan="zero"), "topics[0].nan: expected keep or refuse or drop"),
        (one(direction="to_ros", capacity=3), "topics[0].capacity: unknown key"),
        (one(direction="to_ros", stamps="now"), "topics[0].stamps: expected capture or publi"),
        (
            one(direction="to_ros", jpeg_quality=0),
            "topics[0].jpeg_quality: expected an integer",
        ),
        (one(direction="to_ros", image_format="bmp"), "image_format: expected jpeg or png"),
        ({"topics": one()["topics"] * 2}, "file: topics: pool 'p' is filled by two"),
    ],
)
def test_mistake_is_named_with_file_and_key(content: Any, text: str) -> None:
    with pytest.raises(BridgeConfigError) as caught:
        config_from(content, "file")

    assert text in str(caught.value)


def test_pool_may_go_to_two_topics() -> None:
    entry = one(direction="to_ros")["topics"][0]

    assert len(config_from({"topics": [entry, {**entry, "topic": "/u"}]}, "file").links) == 2


@pytest.mark.parametrize("text", ["a: [", "\tx", "a: &b *c"])
def test_file_that_is_no_yaml_is_an_error_that_names_it(tmp_path, text) -> None:
    pytest.importorskip("yaml")
    path = tmp_path / "bridge.yaml"
    path.write_text(text)

    with pytest.raises(BridgeConfigError, match=r"bridge\.yaml: no YAML"):
        read_config(path)


def test_file_that_is_not_there_is_an_error_that_names_it(tmp_path) -> None:
    pytest.importorskip("yaml")
    with pytest.raises(BridgeConfigError, match=r"bridge\.yaml: cannot be read"):
        read_config(tmp_path / "bridge.yaml")


def test_without_yaml_the_error_says_what_to_install(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(MissingFrameworkError, match=r"tensor-ipc\[ros\]"):
        read_config(tmp_path / "bridge.yaml")


def test_native_engine_is_looked_up_by_name(monkeypatch) -> None:
    engine = ModuleType("native")
    engine.run_native = lambda config, stop: (config, stop)
    monkeypatch.setitem(sys.modules, "tensor_ipc.rosext.native", engine)
    assert find_native() is engine.run_native

    monkeypatch.setitem(sys.modules, "tensor_ipc.rosext.native", None)
    with pytest.raises(MissingFrameworkError, match="native"):
        find_native()
