"""A topic becomes a pool: what another process publishes is in shared memory, with its stamp."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np
import pytest
from ros_support import Image, image, pixels, qos, rclpy, spin_until

from tensor_ipc import (
    MetadataCreator,
    PoolInUseError,
    PoolMetadata,
    TensorConsumer,
    TensorProducer,
)
from tensor_ipc.rosext import ROSTensorConsumer

# Publishes an image at each line, to who is there: value, encoding, seconds of the stamp.
PUBLISHER = """
    import sys
    import rclpy
    from sensor_msgs.msg import Image

    topic, reliability = sys.argv[1], sys.argv[2].upper()
    rclpy.init()
    node = rclpy.create_node("publisher")
    qos = rclpy.qos.QoSProfile(depth=10, reliability=rclpy.qos.ReliabilityPolicy[reliability])
    publisher = node.create_publisher(Image, topic, qos)
    print("ready", flush=True)
    for line in sys.stdin:
        while not publisher.get_subscription_count() and reliability == "RELIABLE":
            rclpy.spin_once(node, timeout_sec=0.02)
        value, encoding, seconds = line.split()
        message = Image(height=4, width=6, encoding=encoding)
        message.header.stamp.sec = int(seconds)
        message.header.stamp.nanosec = 5
        message.header.frame_id = "lens"
        message.step = 6 * {"rgb8": 3, "bgr8": 3, "mono8": 1}[encoding]
        message.data = bytes([int(value)]) * (4 * message.step)
        publisher.publish(message)
"""


@pytest.fixture
def metadata(pool: str) -> PoolMetadata:
    return MetadataCreator.from_numpy_sample(pool, np.zeros((4, 6, 3), np.uint8), history_len=5)


@pytest.fixture
def bridged(metadata: PoolMetadata, node: Any, topic: str) -> Iterator[ROSTensorConsumer]:
    with ROSTensorConsumer(metadata, node, topic, Image) as consumer:
        yield consumer


@pytest.fixture
def publisher(node: Any, topic: str) -> Any:
    return node.create_publisher(Image, topic, 10)


def publish(node: Any, publisher: Any, *messages: Any) -> None:
    spin_until(node, publisher.get_subscription_count)
    for message in messages:
        publisher.publish(message)


def test_message_of_another_process_becomes_a_frame(
    bridged, node, topic, start_ros_child, metadata
) -> None:
    child = start_ros_child(PUBLISHER, topic, "reliable")
    spin_until(node, lambda: node.count_publishers(topic))
    child.write("7 rgb8 1007")
    spin_until(node, lambda: bridged.stats.frames)

    np.testing.assert_array_equal(bridged.get(), pixels(7))
    with TensorConsumer(metadata) as elsewhere:
        frame = elsewhere.get_frame()
        assert frame.timestamp_ns == 1007 * 10**9 + 5
        assert frame.user_metadata == {"encoding": "rgb8", "frame_id": "lens"}
        np.testing.assert_array_equal(frame.data, pixels(7))


def test_history_has_the_messages_in_order(bridged, node, publisher) -> None:
    publish(node, publisher, *(image(value) for value in range(5)))
    spin_until(node, lambda: bridged.stats.frames == 5)

    assert bridged.get(5)[:, 0, 0, 0].tolist() == [4, 3, 2, 1, 0]
    assert bridged.get(3, latest_first=False)[:, 0, 0, 0].tolist() == [2, 3, 4]


def test_callback_gets_each_array(metadata, node, topic, publisher) -> None:
    seen = []
    with ROSTensorConsumer(
        metadata, node, topic, Image, on_new_data_callback=lambda data: seen.append(data.copy())
    ):
        publish(node, publisher, image(1), image(2))
        spin_until(node, lambda: len(seen) == 2)

    np.testing.assert_array_equal(seen, [pixels(1), pixels(2)])


def test_what_a_callback_raises_goes_to_the_executor_and_the_frame_is_there(
    metadata, node, topic, publisher
) -> None:
    def refuse(_: Any) -> None:
        raise KeyError(topic)

    with ROSTensorConsumer(
        metadata, node, topic, Image, on_new_data_callback=refuse
    ) as consumer:
        publish(node, publisher, image(1))
        with pytest.raises(KeyError, match=topic):
            spin_until(node, lambda: False)

        assert consumer.stats.frames == 1
        np.testing.assert_array_equal(consumer.get(), pixels(1))


def test_wrong_messages_are_counted_and_the_next_good_one_is_taken(
    bridged, node, publisher
) -> None:
    broken = image(1)
    broken.step = 1
    unknown = image(2)
    unknown.encoding = "no such encoding"
    publish(
        node,
        publisher,
        broken,
        unknown,
        image(3, height=5),
        image(4, encoding="mono8"),
        image(9),
    )
    spin_until(node, lambda: bridged.stats.messages == 5)

    assert bridged.stats.conversion_errors == 4
    assert bridged.stats.frames == 1
    np.testing.assert_array_equal(bridged.get(), pixels(9))


def test_other_encodings_than_the_one_asked_for_are_refused(
    metadata, node, topic, publisher
) -> None:
    with ROSTensorConsumer(metadata, node, topic, Image, encoding="bgr8") as consumer:
        publish(node, publisher, image(1), image(2, encoding="bgr8"))
        spin_until(node, lambda: consumer.stats.messages == 2)

        assert consumer.stats.conversion_errors == 1
        assert consumer.get_frame().user_metadata["encoding"] == "bgr8"


def test_message_without_stamp_gets_the_time_of_the_node(bridged, node, publisher) -> None:
    before_ns = node.get_clock().now().nanoseconds
    unstamped = image(1)
    unstamped.header.stamp.sec = unstamped.header.stamp.nanosec = 0
    publish(node, publisher, unstamped)
    spin_until(node, lambda: bridged.stats.frames)

    now_ns = node.get_clock().now().nanoseconds
    assert before_ns <= bridged.get_frame().timestamp_ns <= now_ns


def test_pool_of_tensors_takes_messages(node, topic, publisher, pool) -> None:
    torch = pytest.importorskip("torch")
    sample = torch.zeros(4, 6, 3, dtype=torch.uint8)
    metadata = MetadataCreator.from_torch_sample(pool, sample)
    with ROSTensorConsumer(metadata, node, topic, Image) as consumer:
        publish(node, publisher, image(3))
        spin_until(node, lambda: consumer.stats.frames)

        assert torch.equal(consumer.get(), torch.full((4, 6, 3), 3, dtype=torch.uint8))


def test_cleanup_ends_subscription_and_pool(metadata, node, topic) -> None:
    consumer = ROSTensorConsumer(metadata, node, topic, Image)
    assert node.count_subscribers(topic) == 1

    consumer.cleanup()

    spin_until(node, lambda: node.count_subscribers(topic) == 0)
    TensorProducer(metadata).cleanup()  # the name is free
    assert consumer.topic is None


def test_name_that_is_taken_is_an_error_and_leaves_no_subscription(
    metadata, node, topic
) -> None:
    with TensorProducer(metadata), pytest.raises(PoolInUseError):
        ROSTensorConsumer(metadata, node, topic, Image)

    assert node.count_subscribers(topic) == 0


def test_topic_that_is_no_name_leaves_no_pool(metadata, node) -> None:
    with pytest.raises(rclpy.exceptions.InvalidTopicNameException):
        ROSTensorConsumer(metadata, node, "no topic!", Image)

    TensorProducer(metadata).cleanup()


def test_type_may_be_a_name(metadata, node, topic) -> None:
    with ROSTensorConsumer(metadata, node, topic, "sensor_msgs/msg/Image") as consumer:
        assert consumer.topic == topic


def test_topic_is_remapped_and_in_the_namespace_of_the_node(metadata, context, topic) -> None:
    node = rclpy.create_node(
        "remapped",
        namespace="/robot",
        context=context,
        cli_args=["--ros-args", "-r", f"image:={topic}"],
    )
    try:
        with ROSTensorConsumer(metadata, node, "image", Image) as consumer:
            assert consumer.topic == topic
        with ROSTensorConsumer(metadata, node, "depth", Image) as consumer:
            assert consumer.topic == "/robot/depth"
    finally:
        node.destroy_node()


def test_profile_of_qos_is_kept(metadata, node, topic) -> None:
    profile = qos(3, reliability="best_effort")
    with ROSTensorConsumer(metadata, node, topic, Image, profile):
        (found,) = node.get_subscriptions_info_by_topic(topic)
        assert found.qos_profile.reliability == profile.reliability


def test_reliable_subscription_says_that_a_best_effort_publisher_does_not_match(
    bridged, node, topic, metadata, start_ros_child
) -> None:
    child = start_ros_child(PUBLISHER, topic, "best_effort")
    spin_until(node, lambda: bridged.stats.incompatible_qos)
    assert bridged.stats.messages == 0
    bridged.cleanup()

    with ROSTensorConsumer(
        metadata, node, topic, Image, qos(reliability="best_effort")
    ) as matching:
        spin_until(node, lambda: matching.stats.frames, lambda: child.write("5 rgb8 1"))

        np.testing.assert_array_equal(matching.get(), pixels(5))


def test_publisher_that_is_killed_and_comes_again_is_heard_again(
    bridged, node, topic, start_ros_child
) -> None:
    for value in (1, 2):
        child = start_ros_child(PUBLISHER, topic, "reliable")
        assert child.read() == "ready"
        spin_until(
            node,
            lambda value=value: bridged.stats.frames and bridged.get()[0, 0, 0] == value,
            lambda child=child, value=value: child.write(f"{value} rgb8 1"),
        )
        child.kill()
