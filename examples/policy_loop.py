"""A policy that reads two cameras and a state vector, as they were at one time, at 30 Hz.

Each sensor is a process with a rate, a delay and an unsteadiness of its own, as real ones have. The
policy asks for the newest set of frames that belong together: the last four pictures of each camera
and the state at that time, all of them views of the sensors' memory.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tensor_ipc import MetadataCreator, TensorConsumer, TensorProducer, synchronized

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

RATE_HZ = 30
STEPS = 60
HISTORY_LEN = 4
# The cameras run free, so the nearest picture of the other one is up to half a period away.
TOLERANCE_S = 0.5 / RATE_HZ + 0.004


class Sensor(NamedTuple):
    """What a sensor publishes, and how well it keeps time."""

    pool: str
    sample: np.ndarray
    rate_hz: float
    jitter_s: float
    delay_s: float  # from capture to publication
    history_len: int  # more than the policy reads: it reads what was, and holds some meanwhile


PICTURE = np.zeros((240, 320, 3), dtype=np.uint8)
SENSORS = (
    Sensor("example-left", PICTURE, RATE_HZ, jitter_s=0.002, delay_s=0.010, history_len=8),
    Sensor("example-right", PICTURE, RATE_HZ, jitter_s=0.002, delay_s=0.004, history_len=8),
    Sensor("example-state", np.zeros(14, np.float32), 200, 0.001, 0.0, history_len=32),
)


def mark(timestamp_ns: int) -> int:
    """Return what every element of a frame captured then is set to, to recognise it by."""
    return timestamp_ns // 1000 % 251


def publish(sensor: Sensor, stop: Event) -> None:
    """Run in a process of its own until told to stop."""
    with TensorProducer.from_sample(
        sensor.pool, sensor.sample, sensor.history_len, spare=8
    ) as producer:
        due = time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())):
            captured_ns = time.monotonic_ns()
            data = np.full_like(sensor.sample, mark(captured_ns))
            time.sleep(sensor.delay_s)
            producer.put(data, timestamp_ns=captured_ns)
            due += 1 / sensor.rate_hz + random.uniform(-sensor.jitter_s, sensor.jitter_s)


def policy(left: np.ndarray, right: np.ndarray, state: np.ndarray) -> np.ndarray:
    """Stand in for a network."""
    return state * 0.5 + left.mean() - right.mean()


def run(consumers: list[TensorConsumer]) -> list[int]:
    """Act at the policy's rate, each time on a new set; return how far the frames were apart."""
    spreads_ns: list[int] = []
    last_ns = None
    due = time.monotonic()
    while len(spreads_ns) < STEPS:
        time.sleep(max(0.0, due - time.monotonic()))
        due += 1 / RATE_HZ
        found = synchronized(
            consumers,
            tolerance=TOLERANCE_S,
            timeout=10.0,
            history_len=[HISTORY_LEN, HISTORY_LEN, 1],
            after_ns=last_ns,  # wait for a set that was not acted on yet
        )
        assert found is not None, "no frames that belong together for ten seconds"
        last_ns = found.timestamp_ns
        left, right, state = found
        if min(len(left), len(right)) < HISTORY_LEN:
            continue  # the cameras have just begun
        action = policy(left.data, right.data, state.data)
        assert action.shape == state.data.shape

        # What was promised: close together, not copied, and each payload that of its time.
        assert found.spread_s <= TOLERANCE_S
        for window in (left, right):
            for picture, timestamp_ns in zip(window.data, window.timestamps_ns):
                assert picture[0, 0, 0] == picture[-1, -1, -1] == mark(timestamp_ns)
        assert (state.data == mark(state.timestamp_ns)).all()
        spreads_ns.append(found.spread_ns)
    return spreads_ns


def main() -> None:
    """Start the sensors, run the policy, and tell how it went."""
    processes = multiprocessing.get_context("spawn")
    stop = processes.Event()
    children = [
        processes.Process(target=publish, args=(sensor, stop), daemon=True)
        for sensor in SENSORS
    ]
    for child in children:
        child.start()
    consumers = [
        TensorConsumer(MetadataCreator.from_sample(each.pool, each.sample, each.history_len))
        for each in SENSORS
    ]
    try:
        spreads_ns = run(consumers)
        copied = sum(consumer.stats.copied_frames for consumer in consumers)
        print(f"{len(spreads_ns)} steps of {[sensor.pool for sensor in SENSORS]}")
        print(f"frames of one step at most {max(spreads_ns) / 1e6:.1f} ms apart")
        print(f"frames copied: {copied}")
    finally:
        stop.set()
        for child in children:
            child.join()
        for consumer in consumers:
            consumer.cleanup()


if __name__ == "__main__":
    main()
