"""Both ends without ROS: what `tensor_ipc.rosext.native` offers, and what it refuses."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from typing import Any, Callable

import numpy as np
import pytest
from native_support import KEPT, attached, eventually, frame_of, picture
from support import Child

from tensor_ipc import PoolMetadata, TensorProducer
from tensor_ipc.errors import BridgeConfigError, MissingFrameworkError, PoolInUseError
from tensor_ipc.rosext import native
from tensor_ipc.rosext.bridge.config import BridgeConfig, config_from
from tensor_ipc.rosext.native import PoolToTopic, TopicToPool, run_native

pytestmark = pytest.mark.usefixtures("ros_environment")

Start = Callable[..., Child]

# Publishes a pool on a topic, and puts the picture of each seed that it reads.
SENDER = """
    import sys
    import numpy as np
    from tensor_ipc import TensorProducer
    from tensor_ipc.rosext.bridge.config import QoS
    from tensor_ipc.rosext.native import PoolToTopic

    kept = QoS(depth=5, durability="transient_local")
    pool, topic, height, width = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with TensorProducer.from_sample(pool, np.zeros((height, width, 3), np.uint8)) as producer:
        with PoolToTopic(pool, topic, qos=kept) as link:
            print("ready", flush=True)
            for line in sys.stdin:
                if line.strip() == "subscriptions":
                    print(link.stats.subscriptions, flush=True)
                    continue
                data = np.random.default_rng(int(line)).bytes(height * width * 3)
                pixels = np.frombuffer(data, np.uint8).reshape(height, width, 3)
                producer.put(pixels, timestamp_ns=int(line), user_metadata={"frame_id": "left"})
                print("put", flush=True)
"""


@pytest.mark.parametrize("size", [(480, 640), (1080, 1920), (2160, 3840)])
def test_frames_of_another_process_arrive_whole(
    start: Start, topic: str, pool: str, size: tuple[int, int]
) -> None:
    with TopicToPool(topic, pool, qos=KEPT) as link:
        sender = start(f"{pool}-source", topic, *size, program=SENDER)
        assert sender.read() == "ready"
        eventually(lambda: link.stats.publishers == 1)
        eventually(lambda: _asked(sender) == "1")

        for seed in range(1, 6):
            sender.write(seed)
            assert sender.read() == "put"
            consumer = attached(pool)
            frame = frame_of(consumer, seed)
            np.testing.assert_array_equal(frame.data, picture(seed, *size))
            assert frame.user_metadata == {"encoding": "rgb8", "frame_id": "left"}
            del frame
            consumer.cleanup()
        assert link.stats.frames == link.stats.messages == 5


def _asked(sender: Child) -> str:
    sender.write("subscriptions")
    return sender.read()


def test_given_metadata_makes_the_pool_at_once(topic: str, pool: str) -> None:
    wanted = PoolMetadata(pool, (4, 6), "uint16", history_len=3)

    with TopicToPool(topic, pool, metadata=wanted) as link:
        assert link.metadata == wanted
        consumer = attached(pool)
        assert consumer.connected
        assert consumer.metadata == wanted
        with pytest.raises(PoolInUseError):
            TopicToPool(topic, pool, metadata=wanted)
        consumer.cleanup()


def test_a_message_makes_the_pool_and_the_end_takes_it_away(topic: str, pool: str) -> None:
    source = f"{pool}-source"
    with TensorProducer.from_sample(source, np.zeros((4, 6), np.float32)) as producer:
        out = PoolToTopic(source, topic, qos=KEPT)
        link = TopicToPool(topic, pool, qos=KEPT)
        eventually(lambda: out.stats.subscriptions == 1)
        assert link.metadata is None
        producer.put(np.full((4, 6), 2.5, np.float32), timestamp_ns=11)
        consumer = attached(pool)
        view = frame_of(consumer, 11).data
        assert link.metadata == PoolMetadata(pool, (4, 6), "float32")

        link.cleanup()
        out.cleanup()

        assert consumer.get() is None
        np.testing.assert_array_equal(view, np.full((4, 6), 2.5, np.float32))
        assert link.stats.frames == 1
        assert (link.last_error, out.last_error) == ("", "")
        link.cleanup()
        consumer.cleanup()


def test_options_of_the_way_out(topic: str, pool: str) -> None:
    source = f"{pool}-source"
    with TensorProducer.from_sample(
        source, np.zeros((4, 6, 3), np.uint8)
    ) as producer, TopicToPool(topic, pool, qos=KEPT) as link, PoolToTopic(
        source, topic, qos=KEPT, encoding="bgr8", frame_id="right", stamps="publication"
    ) as out:
        eventually(lambda: out.stats.subscriptions == 1)
        producer.put(np.ones((4, 6, 3), np.uint8), timestamp_ns=11)
        eventually(lambda: link.stats.frames == 1)
        consumer = attached(pool)
        frame = consumer.get_frame()
        assert frame is not None
        assert frame.user_metadata == {"encoding": "bgr8", "frame_id": "right"}
        assert frame.timestamp_ns > 10**18
        del frame
        consumer.cleanup()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"topic": "/a b"}, "topic"),
        ({"message_type": "sensor_msgs/msg/Imu"}, "Imu"),
        ({"qos": 0}, "depth"),
    ],
)
def test_what_cannot_be_is_refused(topic: str, pool: str, change: Any, says: str) -> None:
    arguments = {"topic": topic, "pool": pool, **change}

    with pytest.raises(ValueError, match=says):
        TopicToPool(**arguments)
    with pytest.raises(ValueError, match=says):
        PoolToTopic(**arguments)


def test_unknown_stamps_are_refused(topic: str, pool: str) -> None:
    with pytest.raises(ValueError, match="stamps"):
        PoolToTopic(pool, topic, stamps="whenever")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"path": "position"}, "path"),
        ({"type": "sensor_msgs/msg/Imu"}, "type sensor_msgs/msg/Imu"),
        ({"nan": "drop", "fields": ["x", "y"]}, "fields, nan"),
    ],
)
def test_run_native_refuses_what_only_rclpy_does(
    topic: str, pool: str, change: Any, says: str
) -> None:
    config = config_from({"topics": [{"topic": topic, "pool": pool, **change}]}, "test")

    with pytest.raises(BridgeConfigError, match=says):
        run_native(config, threading.Event())


def test_run_native_bridges_both_ways_and_reports(
    topic: str, pool: str, caplog: pytest.LogCaptureFixture
) -> None:
    source, stop = f"{pool}-source", threading.Event()
    entry_in = {"topic": topic[1:], "pool": pool, "history_len": 2, "qos": {"depth": 3}}
    entry_out = {"topic": f"/robot{topic}", "pool": source, "direction": "to_ros"}
    config: BridgeConfig = config_from(
        {"namespace": "/robot", "report_period_s": 0.01, "topics": [entry_in, entry_out]},
        "test",
    )
    caplog.set_level(logging.INFO, logger="tensor_ipc.rosext.native")
    thread = threading.Thread(target=run_native, args=(config, stop))
    with TensorProducer.from_sample(source, np.zeros((4, 6), np.uint8)) as producer:
        thread.start()
        try:
            value = 0

            def has_arrived() -> bool:
                nonlocal value
                value = value % 255 + 1
                producer.put(np.full((4, 6), value, np.uint8))
                return any(
                    f"pool {pool}: " in text and "frames" in text for text in caplog.messages
                )

            eventually(has_arrived)
            consumer = attached(pool)
            assert consumer.metadata is not None
            assert consumer.metadata.history_len == 2
            consumer.cleanup()
        finally:
            stop.set()
            thread.join()


def test_needs_no_rclpy_and_no_numpy_of_ros(topic: str, pool: str) -> None:
    program = (
        "import sys, tensor_ipc.rosext.native as native\n"
        f"native.TopicToPool({topic!r}, {pool!r}).cleanup()\n"
        "print(sorted(name for name in sys.modules if name.startswith(('rclpy', 'sensor_msgs'))))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, text=True
    )

    assert done.stdout.strip() == "[]"


def test_says_what_is_missing_where_it_is(monkeypatch: Any, topic: str, pool: str) -> None:
    monkeypatch.setitem(sys.modules, "tensor_ipc._dds", None)

    with pytest.raises(MissingFrameworkError, match="cyclonedds-dev"):
        native.TopicToPool(topic, pool)
