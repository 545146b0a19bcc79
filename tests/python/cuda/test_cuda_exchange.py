"""Processes that exchange frames through a pool on a GPU as fast as they can: none torn, none stale."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support import StartChild

FRAMES = 300
ROWS, COLUMNS = 8, 64

# The device takes its time: who looks too early sees parts of two frames.
SLOW = {"FAKE_CUDA_DELAY_US": "300"}

PRODUCER = """
import sys
import numpy as np
from device_arrays import BothArray, DeviceArray, Driver, Stream
from tensor_ipc import PoolMetadata, TensorProducer

name, memory, sync, how, frames = sys.argv[1:6]
driver = Driver()
stream = Stream(driver)
shape = (8, 64)
data = BothArray(driver, np.zeros(shape, np.int32), stream=stream)
metadata = PoolMetadata(name, shape, "int32", "cuda", 3, "cuda:0")
with TensorProducer(metadata, device_memory=memory, sync=sync, spare=12) as producer:
    print("ready", flush=True)
    sys.stdin.readline()
    for index in range(int(frames)):
        values = np.full(shape, index, np.int32)
        if how == "put":
            data.set(values)  # in stream order: after the copy of the frame before
            assert producer.put(data) == index
        else:
            with producer.loan(stream=stream) as array:
                address = array.__cuda_array_interface__["data"][0]
                driver.write(address, values.tobytes(), stream=stream.ptr)
    producer.synchronize()
    print("done", producer.stats.frames, flush=True)
    sys.stdin.readline()
"""

CONSUMER = """
import sys
import numpy as np
from device_arrays import Driver, Stream, Taken
from tensor_ipc import TensorConsumer

name, frames = sys.argv[1], int(sys.argv[2])
driver = Driver()
stream = Stream(driver)
consumer = TensorConsumer.attach(name)
history = TensorConsumer.attach(name)  # a place of its own, so that it takes no news away
print("ready", flush=True)
seen = torn = stale = 0
last = -1
while last < frames - 1 and consumer.wait(30):
    frame = consumer.get_frame()
    if frame is None:
        continue
    index = frame.index
    tensor = Taken(driver, frame.__dlpack__(stream=stream.ptr, max_version=(1, 0)))
    del frame
    values = tensor.values(stream.ptr)
    tensor.delete()  # in the order of the stream
    seen += 1
    torn += len(np.unique(values)) != 1
    stale += int(values[0, 0]) != index
    last = index
    window = history.get(3, as_numpy=True)
    if window is not None:
        firsts = window[:, 0, 0].tolist()
        torn += any(len(np.unique(each)) != 1 for each in window)
        stale += firsts != list(range(firsts[0], firsts[0] - len(firsts), -1))
print(last, torn, stale, seen, flush=True)
"""


@pytest.mark.parametrize(
    ("memory", "sync", "how"),
    [
        ("vmm", "stream", "put"),
        ("ipc", "stream", "put"),
        ("vmm", "block", "put"),
        ("ipc", "stream", "loan"),
    ],
)
def test_no_frame_is_torn_or_stale(
    monkeypatch: pytest.MonkeyPatch,
    start_child: StartChild,
    pool: str,
    memory: str,
    sync: str,
    how: str,
) -> None:
    for name, value in SLOW.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(__file__))  # noqa: PTH120
    producer = start_child(PRODUCER, pool, memory, sync, how, FRAMES)
    assert producer.read() == "ready"
    consumers = [start_child(CONSUMER, pool, FRAMES) for _ in range(2)]
    for consumer in consumers:
        assert consumer.read() == "ready"

    producer.write()

    assert producer.read() == f"done {FRAMES}"
    for consumer in consumers:
        last, torn, stale, seen = (int(each) for each in consumer.read().split())
        assert (last, torn, stale) == (FRAMES - 1, 0, 0)
        assert seen >= 1
    producer.write()
    assert producer.finish()[0] == 0
