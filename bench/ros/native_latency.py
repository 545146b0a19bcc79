"""Latency and processor time of images from a ROS node: rclpy, our bridge with it, and without it.

    python -m bench.ros.native_latency [--frames 60] [--repeats 2]

Needs rclpy and tensor_ipc with its native engine in one environment. One rclpy node publishes; at the
other end is one of

rclpy
    a node that subscribes and copies each message into an array of its own
rclpy bridge
    ``tensor-ipc ros-bridge --engine rclpy``, and a process that reads the pool
native bridge
    ``tensor-ipc ros-bridge --engine native``, and the same process

The time of a frame is from before it is put into the message until its reader has it; the processor
time is that of all processes at the receiving end, for each frame that arrived. Both nodes use
examples/fastdds_large_messages.xml.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import textwrap
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_SIZES = {"VGA": (480, 640, 30), "1080p": (1080, 1920, 20), "4K": (2160, 3840, 5)}
_ENDS = ("rclpy", "rclpy bridge", "native bridge")

_PUBLISHER = """
    import sys, time
    import numpy as np, rclpy
    from rclpy.qos import QoSProfile
    from sensor_msgs.msg import Image
    import array
    topic, height, width, hz, frames = sys.argv[1], *map(int, sys.argv[2:6])
    rclpy.init(); node = rclpy.create_node("source")
    publisher = node.create_publisher(Image, topic, 5)
    while publisher.get_subscription_count() == 0:
        time.sleep(0.01)
    time.sleep(1.0)
    message = Image(height=height, width=width, step=3 * width, encoding="rgb8")
    message.data = array.array("B", bytes(height * width * 3))
    pixels = np.frombuffer(message.data, np.uint8)
    source = np.random.default_rng(1).integers(0, 256, pixels.size, np.uint8)
    due = time.monotonic()
    for _ in range(frames):
        stamp = time.time_ns()
        np.copyto(pixels, source)
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 10**9)
        publisher.publish(message)
        due += 1 / hz
        time.sleep(max(0.0, due - time.monotonic()))
    time.sleep(2.0)
"""

# Prints `ready`, later the latencies in ns; ends when nothing has come for two seconds.
_RCLPY = """
    import json, sys, time
    import numpy as np, rclpy
    from sensor_msgs.msg import Image
    topic = sys.argv[1]
    rclpy.init(); node = rclpy.create_node("sink")
    latencies, into, last = [], None, None
    def on_image(message):
        global into, last
        if into is None:
            into = np.empty(len(message.data), np.uint8)
        np.copyto(into, np.frombuffer(message.data, np.uint8))
        stamp = message.header.stamp
        latencies.append(time.time_ns() - stamp.sec * 10**9 - stamp.nanosec)
        last = time.monotonic()
    node.create_subscription(Image, topic, on_image, 5)
    print("ready", flush=True)
    while last is None or time.monotonic() - last < 2:
        rclpy.spin_once(node, timeout_sec=0.1)
    print(json.dumps(latencies), flush=True)
"""
_READER = """
    import json, sys, time
    from tensor_ipc import PoolNotFoundError, TensorConsumer
    pool = sys.argv[1]
    print("ready", flush=True)
    consumer = None
    while consumer is None:
        try:
            consumer = TensorConsumer.attach(pool)
        except PoolNotFoundError:
            time.sleep(0.01)
    latencies = []
    while consumer.wait(timeout=2.0):
        frame = consumer.get_frame()
        if frame is not None:
            latencies.append(time.time_ns() - frame.timestamp_ns)
    print(json.dumps(latencies), flush=True)
"""


def _python(program: str, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _run(end: str, size: str, frames: int) -> tuple[list[int], float]:
    """Return the latencies, and the processor time of the receiving end."""
    height, width, hz = _SIZES[size]
    topic, pool = f"/bench_{os.getpid()}_{time.monotonic_ns()}", f"bench-{time.monotonic_ns()}"
    processes: list[subprocess.Popen[str]] = []
    try:
        if end == "rclpy":
            reader = _python(_RCLPY, topic)
        else:
            reader = _python(_READER, pool)
            engine = end.split(maxsplit=1)[0]
            command = [sys.executable, "-m", "tensor_ipc.cli", "ros-bridge", "--engine", engine]
            processes.append(
                subprocess.Popen(
                    [*command, "--topic", topic, "--pool", pool], stderr=subprocess.DEVNULL
                )
            )
        processes.append(reader)
        assert reader.stdout is not None
        reader.stdout.readline()
        receiving = [process.pid for process in processes]
        processes.append(_python(_PUBLISHER, topic, height, width, hz, frames))
        time.sleep(2.5)  # imports and discovery are not part of it
        before = sum(map(_cpu_s, receiving))
        publisher = processes[-1]
        publisher.wait()
        after = sum(map(_cpu_s, receiving))
        return json.loads(reader.stdout.readline() or "[]"), after - before
    finally:
        for process in processes:
            process.kill()
            process.wait()
        subprocess.run(
            [sys.executable, "-m", "tensor_ipc.cli", "clean"],
            stdout=subprocess.DEVNULL,
            check=False,
        )


def main() -> None:
    """Run all and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--sizes", nargs="*", choices=_SIZES, default=list(_SIZES))
    options = parser.parse_args()
    os.environ.setdefault("TENSOR_IPC_NAMESPACE", f"bench.{os.getpid()}")
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "SYSTEM_DEFAULT"
    os.environ["FASTDDS_DEFAULT_PROFILES_FILE"] = str(
        _ROOT / "examples" / "fastdds_large_messages.xml"
    )
    os.environ.setdefault("ROS_DOMAIN_ID", str(80 + os.getpid() % 10))
    print("| size | receiving end | arrived | p50 ms | p90 ms | CPU ms per frame |")
    print("| --- | --- | --- | --- | --- | --- |")
    for size in options.sizes:
        for _ in range(options.repeats):
            for end in _ENDS:
                latencies, cpu_s = _run(end, size, options.frames)
                count = len(latencies)
                if count < 2:
                    print(f"| {size} | {end} | {count} of {options.frames} | | | |", flush=True)
                    continue
                p90 = statistics.quantiles(latencies, n=10)[-1]
                print(
                    f"| {size} | {end} | {count} of {options.frames} | "
                    f"{statistics.median(latencies) / 1e6:.1f} | {p90 / 1e6:.1f} | "
                    f"{cpu_s / count * 1e3:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
