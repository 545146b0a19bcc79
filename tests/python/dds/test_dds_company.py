"""Other participants in the same process: of `cyclonedds`, and of ROS 2."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest
from support import REPOSITORY

if TYPE_CHECKING:
    from support import StartChild

needs_cyclonedds = pytest.mark.skipif(
    importlib.util.find_spec("cyclonedds") is None,
    reason="needs the package cyclonedds (extra test-dds)",
)
needs_rclpy = pytest.mark.skipif(
    importlib.util.find_spec("rclpy") is None,
    reason="needs rclpy: source a ROS 2 installation, or use a virtual environment with it",
)

OURS = """
    import sys, time
    import numpy as np
    from tensor_ipc import TensorConsumer, TensorProducer, discover

    pool, domain, tests = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    sys.path[:0] = [f"{tests}/python", f"{tests}/python/dds"]
    sample = np.zeros((2, 3), np.int32)

    def begin():
        global producer, consumer
        producer = TensorProducer.from_sample(pool, sample, 4, domain)
        consumer = TensorConsumer.attach(pool, notify="dds", dds_participant=domain)
        while producer._announcement.readers == 0:
            time.sleep(0.002)

    def exchange():
        for value in range(20):
            producer.put(sample + value)
            assert consumer.wait(60) and consumer.get()[0, 0] == value
        while consumer._progress.samples == 0:
            time.sleep(0.002)
        while [each.name for each in discover(0.2)] != [pool]:
            pass
"""


@needs_cyclonedds
@pytest.mark.parametrize("order", ["ours first", "theirs first"])
def test_participant_of_cyclonedds_beside_ours(
    start_child: StartChild, pool: str, domain: int, order: str
) -> None:
    theirs = """
    import independent

    def begin_theirs():
        global peer, reader
        peer = independent.Peer(domain)
        reader = peer.progress(f"tensoripc_{pool.replace('-', '_')}_progress")
    """
    steps = ["begin()", "begin_theirs()"]
    if order != "ours first":
        steps.reverse()
    child = start_child(
        OURS.rstrip()
        + theirs
        + f"""
    {steps[0]}; {steps[1]}
    while not reader.get_matched_publications():
        time.sleep(0.002)
    exchange()
    seen = -1
    while seen < 19:
        seen = max([seen, *(each.latest_frame for each in reader.take(N=50))])
    libraries = {{line.split()[-1] for line in open("/proc/self/maps") if "libddsc" in line}}
    print(seen, len(libraries))
        """,
        pool,
        domain,
        REPOSITORY / "tests",
    )

    code, output, errors = child.finish()

    assert (code, errors) == (0, "")
    assert output.split()[0] == "19"
    assert output.split()[1] in ("1", "2")  # ours may be linked statically


@needs_rclpy
@pytest.mark.parametrize("order", ["ours first", "ROS first"])
def test_node_of_ros_beside_ours(
    start_child: StartChild,
    pool: str,
    domain: int,
    order: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    ros = """
    def begin_ros():
        global rclpy, node, publisher, received, Time
        import rclpy
        from builtin_interfaces.msg import Time
        rclpy.init()
        node = rclpy.create_node("beside")
        received = []
        publisher = node.create_publisher(Time, "/beside", 5)
        node.create_subscription(Time, "/beside", received.append, 5)
    """
    steps = ["begin()", "begin_ros()"]
    if order != "ours first":
        steps.reverse()
    child = start_child(
        OURS.rstrip()
        + ros
        + f"""
    {steps[0]}; {steps[1]}
    exchange()
    while not received:
        publisher.publish(Time(sec=7))
        rclpy.spin_once(node, timeout_sec=0.05)
    print(received[0].sec)
    node.destroy_node()
    rclpy.shutdown()
        """,
        pool,
        domain,
        "",
    )

    code, output, errors = child.finish()

    assert (code, output) == (0, "7\n"), errors
