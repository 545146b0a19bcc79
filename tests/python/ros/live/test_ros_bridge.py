"""``tensor-ipc ros-bridge`` in a process of its own, between this process's topics and pools."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any, Callable, Iterator

import numpy as np
import pytest
from ros_support import (
    DiagnosticArray,
    DiagnosticStatus,
    Image,
    image,
    pixels,
    qos,
    rclpy,
    spin_until,
)
from sample_messages import filled, types_that_exist
from sensor_msgs.msg import PointCloud2
from support import HANG_S

import tensor_ipc
from tensor_ipc import PoolNotFoundError, TensorConsumer, TensorProducer
from tensor_ipc.rosext.conversions import to_frame

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start_bridge(_nothing_left: None, tmp_path: Any) -> Iterator[Start]:
    """Starts ``tensor-ipc ros-bridge``; a dictionary becomes its file. Killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(*args: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tensor_ipc.cli", "ros-bridge"]
        for arg in args:
            if isinstance(arg, dict):
                path = tmp_path / f"bridge{len(started)}.yaml"
                path.write_text(json.dumps(arg))  # which is YAML
                command += ["--config", str(path)]
            else:
                command.append(str(arg))
        log = (tmp_path / f"log{len(started)}").open("w+")
        started.append(subprocess.Popen(command, stdout=log, stderr=log, text=True))
        started[-1].log = tmp_path / f"log{len(started) - 1}"  # type: ignore[attr-defined]
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
    tensor_ipc.clean()  # what the killed left


def ended(process: subprocess.Popen[str], *, by: int | None = None) -> tuple[int, str]:
    """Exit code and all it said."""
    if by is not None:
        process.send_signal(by)
    process.wait(timeout=HANG_S)
    return process.returncode, process.log.read_text()  # type: ignore[attr-defined]


def said(process: Any, text: str) -> bool:
    return text in process.log.read_text()


def attached(pool: str) -> TensorConsumer | None:
    try:
        return TensorConsumer.attach(pool)
    except PoolNotFoundError:
        return None


def attach(node: Any, pool: str, step: Callable[[], object] | None = None) -> TensorConsumer:
    """Wait for the pool, and then for a frame in it."""
    found: list[TensorConsumer] = []

    def look() -> bool:
        if not found:
            consumer = attached(pool)
            if consumer is not None:
                found.append(consumer)
        return bool(found) and found[0].get() is not None

    spin_until(node, look, step)
    return found[0]


@pytest.fixture
def publisher(node: Any, topic: str) -> Any:
    return node.create_publisher(Image, topic, 10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_topic_becomes_a_pool_until_a_signal(
    number, start_bridge, node, topic, pool, publisher
) -> None:
    bridge = start_bridge("--topic", topic, "--pool", pool, "--history-len", 3)
    spin_until(node, publisher.get_subscription_count)
    publisher.publish(image(5))
    with attach(node, pool) as consumer:
        np.testing.assert_array_equal(consumer.get(), pixels(5))
        frame = consumer.get_frame()
        assert frame.timestamp_ns == 1005 * 10**9 + 5
        assert frame.user_metadata == {"encoding": "rgb8", "frame_id": "lens"}
        assert consumer.metadata.history_len == 3

        code, output = ended(bridge, by=number)

        assert code == 0, output
        assert "Traceback" not in output
        assert not consumer.connected
    assert tensor_ipc.list_pools() == []


def test_pool_becomes_a_topic(start_bridge, node, topic, pool) -> None:
    heard: list[Any] = []
    node.create_subscription(Image, topic, heard.append, qos(reliability="best_effort"))
    bridge = start_bridge(
        *("--topic", topic, "--pool", pool, "--to-ros", "--encoding", "bgr8"),
        *("--qos", "sensor_data", "--depth", 2),
    )
    with TensorProducer.from_sample(pool, pixels(0)) as producer:
        spin_until(node, lambda: heard, lambda: producer.put(pixels(3), timestamp_ns=9 * 10**9))
        code, output = ended(bridge, by=signal.SIGTERM)

    assert code == 0, output
    assert (heard[0].encoding, heard[0].header.stamp.sec) == ("bgr8", 9)
    assert bytes(heard[0].data) == pixels(3).tobytes()


def test_messages_of_every_type_go_into_a_pool_and_come_out_equal(
    start_bridge, node, topic, pool
) -> None:
    """One bridge, twice as many links as there are types."""
    rng = np.random.default_rng(7)
    latched = qos(reliability="reliable", durability="transient_local")
    names = types_that_exist()
    sent = {name: filled(name, rng) for name in names}
    got: dict[str, Any] = {}
    links = []
    publishers = {}
    for index, name in enumerate(names):
        common = {"type": name, "pool": f"{pool}-{index}"}
        links.append({**common, "topic": f"{topic}_in_{index}"})
        links.append(
            {
                **common,
                "topic": f"{topic}_out_{index}",
                "direction": "to_ros",
                "qos": {"durability": "transient_local"},
            }
        )
        publishers[name] = node.create_publisher(type(sent[name]), f"{topic}_in_{index}", 10)
        node.create_subscription(
            type(sent[name]),
            f"{topic}_out_{index}",
            lambda message, name=name: got.setdefault(name, message),
            latched,
        )
    bridge = start_bridge({"topics": links})

    spin_until(node, lambda: all(each.get_subscription_count() for each in publishers.values()))
    for name, message in sent.items():
        publishers[name].publish(message)
    spin_until(node, lambda: len(got) == len(names) or bridge.poll() is not None)

    assert len(names) > 50
    for name in names:
        if name == "sensor_msgs/msg/CompressedImage":  # is encoded anew
            np.testing.assert_array_equal(to_frame(got[name]).array, to_frame(sent[name]).array)
            assert got[name].header == sent[name].header
        else:
            assert got[name] == sent[name], name
    code, output = ended(bridge, by=signal.SIGTERM)
    assert code == 0, output


def test_cloud_of_varying_size_and_one_field_of_a_message(
    start_bridge, node, topic, pool
) -> None:
    rng = np.random.default_rng(3)
    joints = filled("sensor_msgs/msg/JointState", rng)
    cloud = filled("sensor_msgs/msg/PointCloud2", rng)
    to_joints = node.create_publisher(type(joints), f"{topic}_joints", 10)
    to_cloud = node.create_publisher(PointCloud2, topic, 10)
    start_bridge(
        {
            "topics": [
                {
                    "topic": topic,
                    "pool": pool,
                    "type": "sensor_msgs/msg/PointCloud2",
                    "fields": ["z", "x"],
                    "capacity": 100,
                },
                {
                    "topic": f"{topic}_joints",
                    "pool": f"{pool}-joints",
                    "type": "sensor_msgs/msg/JointState",
                    "path": "velocity",
                },
            ]
        }
    )
    spin_until(
        node, lambda: to_cloud.get_subscription_count() and to_joints.get_subscription_count()
    )

    to_cloud.publish(cloud)
    to_joints.publish(joints)

    points = np.frombuffer(cloud.data, np.float32).reshape(-1, 4)
    with attach(node, pool) as consumer:
        np.testing.assert_array_equal(consumer.get(), points[:, [2, 0]])
        cloud.width, cloud.row_step, cloud.data = 2, 32, cloud.data[:32]
        to_cloud.publish(cloud)
        spin_until(node, lambda: consumer.get_frame().index == 1)
        np.testing.assert_array_equal(consumer.get(), points[:2, [2, 0]])
        assert consumer.metadata.shape == (100, 2)
    with attach(node, f"{pool}-joints") as consumer:
        np.testing.assert_array_equal(consumer.get(), joints.velocity)


def test_wrong_messages_are_on_the_log_and_in_diagnostics_and_the_rest_goes_on(
    start_bridge, node, topic, pool, publisher
) -> None:
    statuses: list[Any] = []
    node.create_subscription(
        DiagnosticArray, "/diagnostics", lambda heard: statuses.extend(heard.status), 10
    )
    bridge = start_bridge(
        {
            "report_period_s": 0.2,
            "node": "camera_bridge",
            "topics": [{"topic": topic, "pool": pool, "encoding": "rgb8"}],
        }
    )
    spin_until(node, publisher.get_subscription_count)
    spin_until(node, lambda: statuses)
    name = f"camera_bridge: {topic} -> pool {pool}"
    assert (statuses[0].name, statuses[0].level) == (name, DiagnosticStatus.OK)

    broken = image(1)
    broken.encoding = "nonsense"
    publisher.publish(broken)
    publisher.publish(image(2, encoding="bgr8"))
    publisher.publish(image(3))
    with attach(node, pool) as consumer:
        np.testing.assert_array_equal(consumer.get(), pixels(3))
    spin_until(node, lambda: any(each.level == DiagnosticStatus.WARN for each in statuses))
    spin_until(node, lambda: said(bridge, "messages 3, frames 1, conversion_errors 2"))

    values = {each.key: each.value for each in statuses[-1].values}
    assert values["conversion_errors"] == "2"
    assert said(bridge, "nonsense")
    assert bridge.poll() is None


def test_bridge_that_is_killed_and_started_again_goes_on_with_its_pool(
    start_bridge, node, topic, pool, publisher
) -> None:
    args = ("--topic", topic, "--pool", pool)
    first = start_bridge(*args)
    spin_until(node, publisher.get_subscription_count)
    publisher.publish(image(1))
    with attach(node, pool) as consumer:
        first.kill()
        first.wait()
        assert not consumer.connected
        np.testing.assert_array_equal(consumer.get(), pixels(1))

        start_bridge(*args)
        spin_until(
            node, lambda: consumer.get()[0, 0, 0] == 2, lambda: publisher.publish(image(2))
        )
        assert consumer.connected


def test_rate_limit_leaves_messages_out(start_bridge, node, topic, pool, publisher) -> None:
    bridge = start_bridge(
        {
            "report_period_s": 0.1,
            "topics": [{"topic": topic, "pool": pool, "rate_limit_hz": 0.001}],
        }
    )
    spin_until(node, publisher.get_subscription_count)
    for value in range(4):
        publisher.publish(image(value))
    spin_until(node, lambda: said(bridge, "messages 4, frames 1, limited 3"))


def test_ros_arguments_remap_rename_and_set_parameters(
    start_bridge, node, topic, pool, publisher
) -> None:
    start_bridge(
        *("--topic", "image", "--pool", pool, "--ros-args"),
        *("-r", f"image:={topic}", "-r", "__node:=renamed", "-r", "__ns:=/robot"),
        *("-p", "use_sim_time:=true"),
    )
    spin_until(node, publisher.get_subscription_count)

    spin_until(node, lambda: ("renamed", "/robot") in node.get_node_names_and_namespaces())
    unstamped = image(4)
    unstamped.header.stamp.sec = unstamped.header.stamp.nanosec = 0
    publisher.publish(unstamped)
    with attach(node, pool) as consumer:
        assert consumer.get_frame().timestamp_ns == 0  # no /clock yet


def test_file_names_node_clock_and_shape(start_bridge, node, topic, pool) -> None:
    latched = qos(durability="transient_local")
    publisher = node.create_publisher(Image, f"/robot{topic}", latched)
    unstamped = image(4)
    unstamped.header.stamp.sec = unstamped.header.stamp.nanosec = 0
    entry = {"pool": pool, "shape": [4, 6, 3], "dtype": "uint8", "history_len": 2}
    start_bridge(
        {
            "node": "from_file",
            "namespace": "/robot",
            "use_sim_time": True,
            "topics": [{**entry, "topic": topic[1:], "qos": {"durability": "transient_local"}}],
        }
    )
    spin_until(node, lambda: ("from_file", "/robot") in node.get_node_names_and_namespaces())
    spin_until(node, lambda: attached(pool))  # before there was any message
    publisher.publish(unstamped)
    with attach(node, pool) as consumer:
        assert consumer.get_frame().timestamp_ns == 0
        assert consumer.metadata.history_len == 2


def test_pool_that_is_taken_is_tried_again(start_bridge, node, topic, pool, publisher) -> None:
    with TensorProducer.from_sample(pool, pixels(0)):
        bridge = start_bridge("--topic", topic, "--pool", pool)
        spin_until(node, publisher.get_subscription_count)
        spin_until(
            node,
            lambda: said(bridge, "a living producer"),
            lambda: publisher.publish(image(1)),
        )
    with attach(node, pool, lambda: publisher.publish(image(2))) as consumer:
        # Images of before may have waited in the queue.
        spin_until(node, lambda: consumer.get()[0, 0, 0] == 2)
        np.testing.assert_array_equal(consumer.get(), pixels(2))


def test_reliable_bridge_says_that_a_best_effort_camera_does_not_match(
    start_bridge, node, topic, pool
) -> None:
    publisher = node.create_publisher(Image, topic, qos(reliability="best_effort"))
    reliable = start_bridge("--topic", topic, "--pool", pool)
    spin_until(node, lambda: said(reliable, "reliability"), lambda: publisher.publish(image(1)))
    assert attached(pool) is None
    reliable.kill()
    reliable.wait()

    start_bridge("--topic", topic, "--pool", pool, "--qos", "sensor_data")
    with attach(node, pool, lambda: publisher.publish(image(2))) as consumer:
        np.testing.assert_array_equal(consumer.get(), pixels(2))


@pytest.mark.parametrize(("height", "width"), [(480, 640), (1080, 1920)])
def test_large_images_arrive_whole(
    height, width, start_bridge, node, topic, pool, publisher
) -> None:
    start_bridge("--topic", topic, "--pool", pool)
    spin_until(node, publisher.get_subscription_count)

    publisher.publish(image(9, height, width))

    with attach(node, pool) as consumer:
        np.testing.assert_array_equal(consumer.get(), pixels(9, height, width))


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        ((), 2, "--config FILE, or --topic and --pool"),
        (("--topic", "/t"), 2, "--config FILE, or --topic and --pool"),
        (("--config", "x.yaml", "--topic", "/t"), 2, "leave out topic"),
        (("--topic", "/t", "--pool", "p", "--nonsense"), 2, "--nonsense"),
        (("--topic", "/t", "--pool", "no pool!"), 1, "command line: topics[0].pool"),
        (("--config", "nowhere.yaml"), 1, "nowhere.yaml: cannot be read"),
        (
            ({"topics": [{"topic": "/t", "pool": "p", "qs": 1}]},),
            1,
            "topics[0].qs: unknown key",
        ),
        (
            ("--topic", "/t", "--pool", "p", "--type", "no_such_msgs/msg/Thing"),
            1,
            "no_such_msgs of no_such_msgs/msg/Thing cannot be imported",
        ),
        (
            ("--topic", "/t", "--pool", "p", "--type", "std_msgs/msg/Thing"),
            1,
            "no message Thing",
        ),
        (("--topic", "no topic!", "--pool", "p"), 1, "no topic!"),
        (("--topic", "/t", "--pool", "p", "--ros-args", "-r", "x"), 1, "-r"),
    ],
)
def test_what_cannot_work_ends_with_an_error_that_says_why(
    start_bridge, args, code, text
) -> None:
    found, output = ended(start_bridge(*args))

    assert text in output
    assert found == code
    assert "Traceback" not in output


def test_check_opens_nothing(start_bridge) -> None:
    entry = {"topic": "/t", "pool": "p"}
    code, output = ended(start_bridge({"topics": [entry]}, "--check"))

    assert (code, output) == (0, "/t -> pool p (sensor_msgs/msg/Image)\n")
    assert rclpy.ok() is False  # nothing of this process's either
