"""The snippets of the users' specification, run exactly as they are printed."""

from __future__ import annotations

import os
import re
import signal

import pytest
from support import REPOSITORY, StartChild

USAGE = REPOSITORY.parent / "shared" / "USAGE.md"

# Each block by what it begins with.
CUDA = "import torch\nfrom tensor_ipc.core.producer import TensorProducer\n\n# CUDA"
TORCH = (
    "import torch\nfrom tensor_ipc.core.producer import TensorProducer\nfrom tensor_ipc.core.c"
)
PRODUCER = "import numpy as np\nimport time\nfrom tensor_ipc.core.producer"
CONSUMER = "from tensor_ipc.core.consumer import TensorConsumer"
FROM_ROS = "import rclpy"
TO_ROS = "from tensor_ipc.rosext import ROSTensorProducer"
CALLBACK = "def on_new_data(data):"
HISTORY = "# Get last 5 frames in chronological order"

pytestmark = pytest.mark.skipif(
    not USAGE.exists(), reason="the users' specification is not beside this repository"
)


def blocks() -> list[str]:
    text = USAGE.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def block(beginning: str) -> str:
    (found,) = [each for each in blocks() if each.startswith(beginning)]
    return found


def test_every_snippet_is_run() -> None:
    known = (CUDA, TORCH, PRODUCER, CONSUMER, CALLBACK, HISTORY, FROM_ROS, TO_ROS)

    for each in blocks():
        assert len([each for beginning in known if each.startswith(beginning)]) == 1, each
    assert len(blocks()) == len(known)


def test_numpy_snippets_run_as_printed(start_child: StartChild) -> None:
    flush = "import sys; sys.stdout.reconfigure(line_buffering=True)\n"
    wait_for_more = "\nsys.stdin.readline()\n"
    producer = start_child(flush + block(PRODUCER))
    # The consumer of the callback snippet stays for the history snippet, which uses its name.
    follower = start_child(
        flush
        + block(CONSUMER)
        + block(CALLBACK)
        + "\nconsumer.wait()\n"
        + block(HISTORY)
        + "\nassert history is None or history.shape[1:] == (480, 640, 3)"
        + "\nassert recent is None or recent.shape[1:] == (480, 640, 3)"
        + wait_for_more
    )
    for index in range(6):
        assert producer.read() == f"Published frame {index}"

    reader = start_child(block(CONSUMER))
    code, output, errors = reader.finish()

    assert errors == ""
    assert code == 0
    assert output == "Received frame with shape: (480, 640, 3)\nReceived 5 frames\n"
    for _ in range(5):
        line = follower.read()
        while line.startswith("Received"):  # it may have come before or after the producer
            line = follower.read()
        assert line == "Callback triggered with data shape: (480, 640, 3)"
    code, output, errors = producer.finish()
    assert errors == ""
    assert code == 0
    assert output.splitlines()[-1] == "Published frame 99"
    code, _, errors = follower.finish()
    assert errors == ""
    assert code == 0


def test_history_snippet_gives_the_frames_in_both_orders(start_child: StartChild) -> None:
    child = start_child(
        """
import numpy as np
from tensor_ipc import TensorConsumer, TensorProducer
producer = TensorProducer.from_sample("camera_feed", np.zeros(3), history_len=10)
consumer = TensorConsumer(producer.metadata)
for value in range(20):
    producer.put(np.full(3, float(value)))
"""
        + block(HISTORY)
        + """
assert history[:, 0].tolist() == [15, 16, 17, 18, 19]
assert recent[:, 0].tolist() == [19, 18, 17]
"""
    )

    code, _, errors = child.finish()

    assert errors == ""
    assert code == 0


def test_torch_snippet_runs_as_printed(start_child: StartChild) -> None:
    pytest.importorskip("torch")
    child = start_child(
        block(TORCH)
        + """
assert isinstance(result, torch.Tensor)
assert torch.equal(result, data)
assert consumer.get(as_numpy=True).shape == (3, 224, 224)
"""
    )

    code, _, errors = child.finish()

    assert errors == ""
    assert code == 0


def test_cuda_snippet_runs_as_printed(start_child: StartChild) -> None:
    """Without a GPU it does nothing; tests/python/cuda runs it with stand-ins for driver and torch."""
    pytest.importorskip("torch")

    code, _, errors = start_child(block(CUDA)).finish()

    assert errors == ""
    assert code == 0


# Publishes images until it is killed, and tells of those that come.
ROS_PEER = """
import rclpy
from sensor_msgs.msg import Image

rclpy.init()
node = rclpy.create_node("peer")
publisher = node.create_publisher(Image, "/camera/image_raw", 10)
message = Image(height=480, width=640, encoding="rgb8", step=1920, data=bytes(480 * 1920))
node.create_timer(0.1, lambda: publisher.publish(message))
node.create_subscription(
    Image,
    "/processed_images",
    lambda found: print(found.encoding, found.height, found.width, flush=True),
    10,
)
rclpy.spin(node)
"""


def test_ros_snippets_run_as_printed(
    start_child: StartChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.environ.get("TENSOR_IPC_REQUIRE_ROS"):
        pytest.importorskip("rclpy", reason="needs ROS 2 (rclpy)")
    # On loopback, without shared memory of the middleware that a killed process would leave.
    profile = REPOSITORY / "tests" / "python" / "ros" / "live" / "fastdds_udp.xml"
    monkeypatch.setenv("FASTDDS_DEFAULT_PROFILES_FILE", str(profile))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "SYSTEM_DEFAULT")
    monkeypatch.setenv("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    peer = start_child(ROS_PEER)
    flush = "import sys; sys.stdout.reconfigure(line_buffering=True)\n"
    bridge = start_child(flush + block(FROM_ROS))
    try:
        assert bridge.read() == "New image: (480, 640, 3)"
        bridge.process.send_signal(signal.SIGINT)
        bridge.process.wait()
        # Its `node`, `metadata` and `np` are those of the snippet before it.
        to_ros = start_child(
            flush
            + block(FROM_ROS).split("# Bridge ROS topic")[0]
            + "import time\nwhile not node.count_subscribers('/processed_images'):\n"
            + "    time.sleep(0.01)\n"
            + block(TO_ROS)
            + "while True:\n    ros_producer.put(data); time.sleep(0.05)\n"
        )
        assert peer.read() == "rgb8 480 640"
        to_ros.process.send_signal(signal.SIGTERM)
        to_ros.process.wait()
    finally:
        for child in (peer, bridge):
            child.kill()
