"""Commands and bridges beside a pool on a GPU: they show it, copy it to the host, or refuse it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from cuda_pools import frame_of

import tensor_ipc
from tensor_ipc import PoolMetadata, TensorConsumer
from tensor_ipc.rosext.message_writer import as_numpy
from tensor_ipc.rosext.native import TopicToPool

if TYPE_CHECKING:
    from conftest import MakeArray
    from device_arrays import Driver
    from support import MakeProducer, StartChild


def command(*args: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "tensor_ipc.cli", *args],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_list_and_info(on_device: MakeArray, new_producer: MakeProducer, pool: str) -> None:
    data = on_device(frame_of(0))
    producer = new_producer(data, 2)
    producer.put(data)
    producer.synchronize()

    (listed,) = json.loads(command("list", "--json"))
    assert listed["name"] == pool
    assert listed["device"] == "cuda:0"
    assert listed["backend_type"] == "cuda"
    assert listed["frame_bytes"] == 24
    assert listed["latest_frame"] == 0
    assert listed["producer_alive"] is True
    assert listed["device_bytes"] >= 5 * 512
    assert listed["segment_bytes"] < 1_000_000
    assert json.loads(command("info", pool, "--json")) == {**listed, "rate_hz": 0.0}
    assert "24 B on cuda:0" in command("info", pool)
    assert " GPU" in command("info", pool)
    assert " GPU" in command("list")


def test_host_pools_take_no_memory_of_a_gpu(new_producer: MakeProducer, pool: str) -> None:
    new_producer()

    assert tensor_ipc.inspect(pool).device_bytes == 0
    assert "GPU" not in command("info", pool)


def test_clean(start_child: StartChild, pool: str) -> None:
    child = start_child(
        """
        import sys
        import numpy as np
        from tensor_ipc import PoolMetadata, TensorProducer
        metadata = PoolMetadata(sys.argv[1], (2, 3), "int32", "cuda", 2, "cuda:0")
        producer = TensorProducer(metadata, device_memory="vmm")
        print("ready", flush=True)
        sys.stdin.readline()
        """,
        pool,
    )
    assert child.read() == "ready"
    assert json.loads(command("clean", "--json")) == []
    child.kill()
    (cleaned,) = json.loads(command("clean", "--json"))
    assert cleaned["name"] == pool
    assert tensor_ipc.list_pools() == []


def test_watch(on_device: MakeArray, new_producer: MakeProducer, pool: str) -> None:
    data = on_device(frame_of(0))
    producer = new_producer(data, 2)
    producer.put(data)
    producer.synchronize()

    shown = command("watch", pool, "--seconds", "0.2", "--json")

    assert pool in shown


def test_what_ros_publishes_is_on_the_host(
    on_device: MakeArray, new_producer: MakeProducer
) -> None:
    data = on_device(frame_of(3))
    producer = new_producer(data, sync="block")
    producer.put(data)
    with TensorConsumer(producer.metadata) as consumer:
        frame = consumer.get_frame()
        assert as_numpy(frame.numpy()).tolist() == frame_of(3).tolist()
        with pytest.raises(TypeError, match="memory of a GPU"):
            as_numpy(frame.data)


def test_native_ros_engine_refuses(pool: str) -> None:
    metadata = PoolMetadata(pool, (4, 4, 3), "uint8", "cuda", 1, "cuda:0")

    with pytest.raises(ValueError, match="use ROSTensorConsumer, which copies to the GPU"):
        TopicToPool("/camera", pool, metadata=metadata)


def test_rosext_consumer_s_way_into_the_pool(driver: Driver, pool: str) -> None:
    metadata = PoolMetadata(pool, (2, 3), "int32", "cuda", 2, "cuda:0")
    with tensor_ipc.TensorProducer(metadata, accept_any=True, sync="block") as producer:
        producer.put(np.ones((2, 3), np.int32), timestamp_ns=5, user_metadata={"frame_id": "a"})
        with TensorConsumer(metadata) as consumer:
            found: Any = consumer.get_frame()
            assert found.user_metadata == {"frame_id": "a"}
            assert (found.numpy() == 1).all()
    driver.drain()
