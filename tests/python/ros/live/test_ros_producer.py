"""Frames are published: those that are put, and those of a pool that somebody else fills."""

from __future__ import annotations

import os
import select
import threading
from typing import Any, Iterator

import numpy as np
import pytest
from ros_support import Image, pixels, rclpy, spin_until
from std_msgs.msg import Header
from support import HANG_S, segment_path

from tensor_ipc import MetadataCreator, PoolMetadata, TensorConsumer, TensorProducer
from tensor_ipc.errors import ROSConversionError
from tensor_ipc.rosext import ROSTensorProducer

NS = 10**9

# Prints what it hears: first byte, encoding, frame_id, stamp, shape.
LISTENER = """
    import sys
    import rclpy
    from sensor_msgs.msg import Image

    rclpy.init()
    node = rclpy.create_node("listener")

    def on_image(message):
        stamp = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        print(
            message.data[0], message.encoding, message.header.frame_id or "-", stamp,
            message.height, message.width, len(message.data), flush=True,
        )

    subscription = node.create_subscription(Image, sys.argv[1], on_image, 10)
    rclpy.spin(node)
"""

# Fills a pool: one frame for each line, which is its value and its time of capture or "now".
FILLER = """
    import sys
    import numpy as np
    from tensor_ipc import TensorProducer

    with TensorProducer.from_sample(sys.argv[1], np.zeros((4, 6, 3), np.uint8)) as producer:
        print("ready", flush=True)
        for line in sys.stdin:
            value, time_ns = line.split()
            producer.put(
                np.full((4, 6, 3), int(value), np.uint8),
                timestamp_ns=None if time_ns == "now" else int(time_ns),
                user_metadata={"encoding": "bgr8", "frame_id": "filler"},
            )
            print("put", flush=True)
"""


@pytest.fixture
def metadata(pool: str) -> PoolMetadata:
    return MetadataCreator.from_numpy_sample(pool, np.zeros((4, 6, 3), np.uint8), history_len=3)


@pytest.fixture
def heard(node: Any, topic: str) -> Iterator[list[Any]]:
    """What this process hears on the topic."""
    messages: list[Any] = []
    subscription = node.create_subscription(Image, topic, messages.append, 10)
    yield messages
    node.destroy_subscription(subscription)


@pytest.fixture
def producer(metadata: PoolMetadata, node: Any, topic: str) -> Iterator[ROSTensorProducer]:
    with ROSTensorProducer(metadata, node, topic, Image) as producer:
        yield producer


def stamp_of(message: Any) -> int:
    return message.header.stamp.sec * NS + message.header.stamp.nanosec


def test_put_goes_into_the_pool_and_to_another_process(
    producer, node, topic, start_ros_child, metadata
) -> None:
    child = start_ros_child(LISTENER, topic)
    spin_until(node, lambda: producer.subscribers)

    assert producer.put(pixels(5), "bgr8", stamp=7 * NS + 1, frame_id="lens") == 0

    assert child.read() == f"5 bgr8 lens {7 * NS + 1} 4 6 72"
    with TensorConsumer(metadata) as consumer:
        frame = consumer.get_frame()
        np.testing.assert_array_equal(frame.data, pixels(5))
        assert frame.timestamp_ns == 7 * NS + 1
        assert frame.user_metadata == {"encoding": "bgr8", "frame_id": "lens"}


def test_listener_that_is_killed_and_comes_again_hears_again(
    producer, node, topic, start_ros_child
) -> None:
    for value in (1, 2):
        child = start_ros_child(LISTENER, topic)
        # Nobody is told of a kill for seconds, so the listeners cannot be counted.
        spin_until(
            node,
            lambda child=child: select.select([child.process.stdout], [], [], 0)[0],
            lambda value=value: producer.put(pixels(value)),
        )
        assert child.read().startswith(f"{value} rgb8 ")
        child.kill()


def test_put_infers_the_encoding_and_takes_the_time_of_the_node(producer, node, heard) -> None:
    spin_until(node, lambda: producer.subscribers)
    before_ns = node.get_clock().now().nanoseconds

    producer.put(pixels(1))
    spin_until(node, lambda: heard)

    assert heard[0].encoding == "rgb8"
    assert before_ns <= stamp_of(heard[0]) <= node.get_clock().now().nanoseconds


def test_put_takes_stamp_and_frame_id_of_a_header(producer, node, heard) -> None:
    spin_until(node, lambda: producer.subscribers)
    header = Header(frame_id="lens")
    header.stamp.sec = 3

    producer.put(pixels(1), header=header)
    producer.put(pixels(1), header=header, frame_id="other", stamp=rclpy.time.Time(seconds=4))
    spin_until(node, lambda: len(heard) == 2)

    assert [(m.header.frame_id, stamp_of(m)) for m in heard] == [
        ("lens", 3 * NS),
        ("other", 4 * NS),
    ]


def test_message_is_used_again_without_what_the_last_frame_said(producer, node, heard) -> None:
    spin_until(node, lambda: producer.subscribers)

    producer.put(pixels(1), "bgr8", frame_id="lens")
    producer.put(pixels(2))
    spin_until(node, lambda: len(heard) == 2)

    assert (heard[1].encoding, heard[1].header.frame_id) == ("rgb8", "")
    assert bytes(heard[1].data) == pixels(2).tobytes()


def test_refused_put_leaves_pool_and_topic_alone(producer, node, heard) -> None:
    spin_until(node, lambda: producer.subscribers)

    with pytest.raises(ROSConversionError):
        producer.put(pixels(1), "mono8")
    with pytest.raises(ValueError, match="shape"):
        producer.put(pixels(1, height=5))
    with pytest.raises(TypeError):
        producer.put(pixels(1), stamp="yesterday")
    assert producer.put(pixels(2)) == 0
    assert producer.stats.frames == 1
    spin_until(node, lambda: heard)

    assert bytes(heard[0].data) == pixels(2).tobytes()


def test_put_from_several_threads_mixes_no_messages(producer, node, heard) -> None:
    spin_until(node, lambda: producer.subscribers)
    threads = [
        threading.Thread(target=producer.put, args=(pixels(value),)) for value in range(8)
    ]
    for thread in threads:
        thread.start()
    spin_until(node, lambda: len(heard) == 8)
    for thread in threads:
        thread.join()

    assert sorted(message.data[0] for message in heard) == list(range(8))
    assert all(len(set(message.data)) == 1 for message in heard)


def test_cleanup_ends_publisher_and_pool(producer, node, topic, metadata) -> None:
    producer.cleanup()

    spin_until(node, lambda: node.count_publishers(topic) == 0)
    TensorProducer(metadata).cleanup()


@pytest.mark.parametrize("driver", ["thread", "executor"])
def test_pool_of_another_process_is_followed(
    driver, node, topic, pool, heard, start_ros_child
) -> None:
    child = start_ros_child(FILLER, pool)
    assert child.read() == "ready"
    with ROSTensorProducer.follow(pool, node, topic, Image, driver=driver) as follower:
        spin_until(node, lambda: follower.subscribers)
        for value in (1, 2, 3):
            child.write(f"{value} {value * NS}")
            spin_until(node, lambda value=value: len(heard) == value)

        assert follower.stats.messages == follower.stats.frames == 3
    assert [(m.data[0], m.encoding, m.header.frame_id, stamp_of(m)) for m in heard] == [
        (value, "bgr8", "filler", value * NS) for value in (1, 2, 3)
    ]


@pytest.mark.parametrize("driver", ["thread", "executor"])
def test_pool_may_come_later_and_its_producer_may_be_killed(
    driver, node, topic, pool, heard, start_ros_child
) -> None:
    with ROSTensorProducer.follow(pool, node, topic, Image, driver=driver) as follower:
        spin_until(node, lambda: follower.subscribers)
        for value in (1, 2):
            child = start_ros_child(FILLER, pool)
            assert child.read() == "ready"
            child.write(f"{value} {NS}")
            spin_until(node, lambda value=value: len(heard) == value)
            child.kill()

    assert [message.data[0] for message in heard] == [1, 2]


def test_frames_without_time_of_capture_get_the_time_of_the_node(
    node, topic, pool, heard, start_ros_child
) -> None:
    child = start_ros_child(FILLER, pool)
    assert child.read() == "ready"
    with ROSTensorProducer.follow(pool, node, topic, Image) as follower:
        spin_until(node, lambda: follower.subscribers)
        before_ns = node.get_clock().now().nanoseconds
        child.write("1 now")
        spin_until(node, lambda: heard)

    # Both clocks are read one after the other, hence the millisecond.
    assert before_ns - 10**6 <= stamp_of(heard[0]) <= node.get_clock().now().nanoseconds + 10**6


def test_follower_stamps_publication_on_request(
    node, topic, pool, heard, start_ros_child
) -> None:
    child = start_ros_child(FILLER, pool)
    assert child.read() == "ready"
    with ROSTensorProducer.follow(pool, node, topic, Image, stamps="publication") as follower:
        spin_until(node, lambda: follower.subscribers)
        before_ns = node.get_clock().now().nanoseconds
        child.write(f"1 {NS}")
        spin_until(node, lambda: heard)

    assert stamp_of(heard[0]) >= before_ns - 10**6


def test_frames_that_are_no_message_are_counted_and_following_goes_on(
    node, topic, pool, heard
) -> None:
    sample = np.zeros((2, 2, 7), np.uint8)  # seven channels have no encoding of their own
    with TensorProducer.from_sample(pool, sample) as producer, ROSTensorProducer.follow(
        pool, node, topic, Image, encoding="rgb8", frame_id="lens"
    ) as follower:
        spin_until(node, lambda: follower.subscribers)
        producer.put(sample)
        spin_until(node, lambda: follower.stats.conversion_errors)
        producer.cleanup()
        with TensorProducer.from_sample(pool, pixels(0)) as successor:
            successor.put(pixels(4))
            spin_until(node, lambda: heard)
        assert "rgb8" in follower.last_error

    assert (heard[0].encoding, heard[0].header.frame_id) == ("rgb8", "lens")


@pytest.mark.parametrize("driver", ["thread", "executor"])
def test_pool_that_is_damaged_is_said_and_looked_at_again(
    driver, node, topic, pool, heard, start_ros_child
) -> None:
    child = start_ros_child(FILLER, pool)
    assert child.read() == "ready"
    with ROSTensorProducer.follow(pool, node, topic, Image, driver=driver) as follower:
        spin_until(node, lambda: follower.subscribers)
        child.write(f"1 {NS}")
        spin_until(node, lambda: heard)
        child.kill()
        os.truncate(segment_path(pool), 100)
        spin_until(node, lambda: follower.last_error)
        segment_path(pool).unlink()
        with TensorProducer.from_sample(pool, pixels(0)) as successor:
            successor.put(pixels(2))
            spin_until(node, lambda: len(heard) == 2)

    assert [message.data[0] for message in heard] == [1, 2]


@pytest.mark.parametrize("driver", ["thread", "executor"])
def test_follower_ends_when_its_node_is_gone(driver, context, topic, pool) -> None:
    doomed = rclpy.create_node("doomed", context=context)
    with TensorProducer.from_sample(pool, pixels(0)) as producer:
        follower = ROSTensorProducer.follow(pool, doomed, topic, Image, driver=driver)
        doomed.destroy_node()
        producer.put(pixels(1))

        def threads() -> list[threading.Thread]:
            return [each for each in threading.enumerate() if each.name == f"tensor-ipc {pool}"]

        if driver == "thread":  # the executor's callbacks are gone with the node
            for thread in threads():
                thread.join(HANG_S)
            assert threads() == []
        follower.cleanup()
        assert threads() == []


def test_follower_leaves_out_what_comes_faster_than_its_limit(node, topic, pool, heard) -> None:
    with TensorProducer.from_sample(pool, pixels(0)) as producer, ROSTensorProducer.follow(
        pool, node, topic, Image, rate_limit_hz=0.001
    ) as follower:
        spin_until(node, lambda: follower.subscribers)
        for value in (1, 2, 3):
            producer.put(pixels(value))
            spin_until(node, lambda value=value: follower.stats.frames == value)
        spin_until(node, lambda: heard)

        assert follower.stats.messages == 1
        assert follower.stats.limited == 2
    assert [message.data[0] for message in heard] == [1]


def test_follower_refuses_what_it_does_not_know(node, topic, pool) -> None:
    with pytest.raises(ValueError, match="driver"):
        ROSTensorProducer.follow(pool, node, topic, Image, driver="magic")
    with pytest.raises(ValueError, match="stamps"):
        ROSTensorProducer.follow(pool, node, topic, Image, stamps="soon")

    assert node.count_publishers(topic) == 0


def test_process_ends_well_with_all_of_it_open(start_ros_child, topic, pool) -> None:
    """No cleanup, no destroy_node, no shutdown: what remains is a thread and two pools."""
    child = start_ros_child(
        """
        import sys
        import numpy as np, rclpy
        from sensor_msgs.msg import Image
        from tensor_ipc import MetadataCreator, TensorProducer
        from tensor_ipc.rosext import ROSTensorConsumer, ROSTensorProducer

        topic, pool = sys.argv[1:]
        sample = np.zeros((4, 6, 3), np.uint8)
        rclpy.init()
        node = rclpy.create_node("careless")
        metadata = MetadataCreator.from_numpy_sample(pool, sample)
        consumer = ROSTensorConsumer(metadata, node, topic, Image)
        followed = TensorProducer.from_sample(pool + "-2", sample)
        followers = [
            ROSTensorProducer.follow(pool + "-2", node, topic, Image, driver=driver)
            for driver in ("thread", "executor")
        ]
        followed.put(sample)
        print("ready", flush=True)
        """,
        topic,
        pool,
    )

    code, output, errors = child.finish()

    assert (code, output) == (0, "ready\n"), errors
