"""Producers and consumers of pools on a GPU: other processes, forks, ends, and whoever is killed."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from cuda_pools import frame_of, values_of
from support import HANG_S, segments_of

from tensor_ipc import (
    CudaUnavailableError,
    MetadataCreator,
    MetadataMismatchError,
    PoolInUseError,
    PoolMetadata,
    PoolNotFoundError,
    TensorConsumer,
    TensorProducer,
)

if TYPE_CHECKING:
    from conftest import MakeArray
    from device_arrays import Driver
    from support import MakeConsumer, MakeProducer, StartChild

# Owns a pool on a GPU; puts what it reads, and says the number.
PRODUCER = """
import sys
import numpy as np
from tensor_ipc import PoolMetadata, TensorProducer

name, memory = sys.argv[1:3]
metadata = PoolMetadata(name, (2, 3), "int32", "cuda", 2, "cuda:0")
with TensorProducer(metadata, device_memory=memory) as producer:
    print("ready", flush=True)
    for line in sys.stdin:
        producer.put(np.full((2, 3), int(line), np.int32))
        producer.synchronize()
        print("put", flush=True)
"""

CONSUMER = """
import sys
from tensor_ipc import TensorConsumer

consumer = TensorConsumer.attach(sys.argv[1])
held = []
print("ready", flush=True)
for line in sys.stdin:
    frame = consumer.get_frame()
    held.append(frame.data)
    print(int(frame.numpy()[0, 0]), flush=True)
"""


def metadata_of(pool: str) -> PoolMetadata:
    return PoolMetadata(pool, (2, 3), "int32", "cuda", 2, "cuda:0")


@pytest.mark.parametrize("memory", ["ipc", "vmm"])
def test_two_processes(driver: Driver, start_child: StartChild, pool: str, memory: str) -> None:
    child = start_child(PRODUCER, pool, memory)
    assert child.read() == "ready"
    with TensorConsumer(metadata_of(pool)) as consumer:
        for value in range(20):
            child.write(value)
            assert child.read() == "put"
            assert (values_of(driver, consumer.get()) == value).all()
            assert (consumer.get(as_numpy=True) == value).all()
        held = consumer.get()
        child.finish()
        assert consumer.get() is None  # ended in order
        assert not consumer.connected
        if memory == "vmm":
            assert (values_of(driver, held) == 19).all()
        del held


@pytest.mark.parametrize("memory", ["ipc", "vmm"])
def test_killed_producer_has_a_successor(
    driver: Driver, start_child: StartChild, pool: str, memory: str
) -> None:
    first = start_child(PRODUCER, pool, memory)
    assert first.read() == "ready"
    consumer = TensorConsumer(metadata_of(pool))
    first.write(1)
    first.read()
    view = consumer.get()
    assert (values_of(driver, view) == 1).all()

    first.kill()
    assert not consumer.connected
    left = consumer.get()
    assert (left is None) == (memory == "ipc")  # whose memory goes with its creator
    del left

    second = start_child(PRODUCER, pool, memory)
    assert second.read() == "ready"
    second.write(2)
    second.read()
    assert consumer.wait(HANG_S)
    assert (values_of(driver, consumer.get()) == 2).all()
    assert consumer.connected
    del view
    consumer.cleanup()
    second.finish()


@pytest.mark.parametrize("memory", ["ipc", "vmm"])
def test_killed_consumer_gives_its_slots_back(
    start_child: StartChild, pool: str, on_device: MakeArray, memory: str
) -> None:
    data = on_device(frame_of(0))
    with TensorProducer(metadata_of(pool), device_memory=memory) as producer:
        for _ in range(5):
            child = start_child(CONSUMER, pool)
            assert child.read() == "ready"
            for value in range(3):
                data.set(frame_of(value))
                producer.put(data)
                producer.synchronize()
                child.write()
                assert child.read() == str(value)
            child.kill()
        for _ in range(20):
            producer.put(data)


@pytest.mark.parametrize("sync", ["stream", "block"])
def test_end_of_the_interpreter(
    start_child: StartChild, pool: str, sync: str, namespace: str
) -> None:
    child = start_child(
        """
        import sys
        import numpy as np
        from tensor_ipc import PoolMetadata, TensorConsumer, TensorProducer

        metadata = PoolMetadata(sys.argv[1], (2, 3), "int32", "cuda", 2, "cuda:0")
        producer = TensorProducer(metadata, sync=sys.argv[2])
        consumer = TensorConsumer(metadata, on_new_data_callback=lambda data: None)
        for value in range(10):
            producer.put(np.full((2, 3), value, np.int32))
        held = consumer.get(), consumer.get_frame(), consumer.get_frames(2)
        loan = producer.loan()
        array = loan.__enter__()
        """,
        pool,
        sync,
    )

    code, _, errors = child.finish()

    assert errors == ""
    assert code == 0
    assert segments_of(namespace) == []


def test_pickled_consumer_and_producer(
    driver: Driver, on_device: MakeArray, new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    data = on_device(frame_of(4))
    producer = new_producer(data, 2, device_memory="ipc", sync="block")
    producer.put(data)
    consumer = new_consumer(data, 2)

    copy = pickle.loads(pickle.dumps(consumer))
    assert (values_of(driver, copy.get()) == 4).all()
    copy.cleanup()
    heir = pickle.loads(pickle.dumps(producer))
    with pytest.raises(PoolInUseError):
        heir.put(data)
    producer.cleanup()
    heir.put(data)
    assert heir._native.memory_kind == "ipc"
    assert heir._options.sync == "block"
    assert (values_of(driver, consumer.get()) == 4).all()
    heir.cleanup()


def test_a_frame_cannot_be_pickled(
    on_device: MakeArray, new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    data = on_device(frame_of(4))
    producer = new_producer(data, sync="block")
    producer.put(data)

    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(new_consumer(data).get())


def test_forked_child_is_told(
    driver: Driver, on_device: MakeArray, new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    data = on_device(frame_of(4))
    producer = new_producer(data, 2)
    consumer = new_consumer(data, 2)
    producer.put(data)
    producer.synchronize()
    held = consumer.get(), consumer.get_frame()
    loan = producer.loan()
    loan.__enter__()
    stop = threading.Event()
    other = np.full((2, 3), 4, np.int32)
    busy = threading.Thread(
        target=lambda: [producer.put(other) for _ in iter(stop.is_set, True)]
    )
    busy.start()
    read_end, write_end = os.pipe()

    child = os.fork()
    if child == 0:
        said = []
        for use in (
            lambda: producer.put(other),
            lambda: producer.loan().__enter__(),
            consumer.get,
            lambda: TensorConsumer.attach(producer.metadata.name),
            lambda: loan.__exit__(None, None, None),
        ):
            try:
                use()
                said.append("nothing")
            except Exception as error:  # noqa: BLE001 - all is told
                said.append(type(error).__name__)
        del held, loan
        producer.cleanup()
        consumer.cleanup()
        gc.collect()
        os.write(write_end, " ".join(said).encode())
        os._exit(0)
    os.close(write_end)
    said = b"".join(iter(lambda: os.read(read_end, 1000), b"")).decode().split()
    os.close(read_end)
    _, status = os.waitpid(child, 0)
    stop.set()
    busy.join()
    loan.__exit__(KeyError, None, None)

    assert status == 0
    assert said == ["CudaUnavailableError"] * 5
    # The parent lost nothing.
    producer.put(data)
    producer.synchronize()
    assert (values_of(driver, consumer.get()) == 4).all()
    assert (values_of(driver, held[0]) == 4).all()


def test_fork_before_cuda_was_used(start_child: StartChild, pool: str) -> None:
    child = start_child(
        """
        import os, sys
        import numpy as np
        from tensor_ipc import PoolMetadata, TensorConsumer, TensorProducer

        metadata = PoolMetadata(sys.argv[1], (2, 3), "int32", "cuda", 1, "cuda:0")
        consumer = TensorConsumer(metadata)
        ready, go = os.pipe()
        if os.fork() == 0:
            with TensorProducer(metadata, sync="block") as producer:
                producer.put(np.full((2, 3), 9, np.int32))
                os.read(ready, 1)
            os._exit(0)
        assert consumer.wait(60)
        print(consumer.get(as_numpy=True)[0, 0])
        os.write(go, b".")
        os.wait()
        consumer.cleanup()
        """,
        pool,
    )
    code, output, errors = child.finish()
    assert (code, output, errors) == (0, "9\n", "")


def test_callback(driver: Driver, on_device: MakeArray, new_producer: MakeProducer) -> None:
    data = on_device(frame_of(0))
    producer = new_producer(data)
    found: list[int] = []
    arrived = threading.Condition()

    def on_frame(array: Any) -> None:
        value = int(values_of(driver, array)[0, 0])
        with arrived:
            found.append(value)
            arrived.notify_all()

    with TensorConsumer(producer.metadata, on_new_data_callback=on_frame):
        for value in range(5):
            data.set(frame_of(value))
            producer.put(data)
            with arrived:
                assert arrived.wait_for(lambda: found and found[-1] == value, HANG_S)  # noqa: B023
    assert found == list(range(5))


def test_iteration(
    driver: Driver, on_device: MakeArray, new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    data = on_device(frame_of(0))
    producer = new_producer(data, sync="block")
    consumer = new_consumer(data)
    producer.put(data)
    seen = []
    for array in consumer:
        seen.append(int(values_of(driver, array)[0, 0]))
        if len(seen) == 3:
            break
        data.set(frame_of(len(seen)))
        producer.put(data)
    assert seen == [0, 1, 2]

    async def first() -> Any:
        async for array in consumer:
            return array
        return None

    producer.put(data)
    assert (values_of(driver, asyncio.run(first())) == 2).all()


def test_metadata_that_differs(
    on_device: MakeArray, new_producer: MakeProducer, pool: str
) -> None:
    new_producer(on_device(frame_of(0)), 2)

    for other in (
        PoolMetadata(pool, (2, 3), "int32", "numpy", 2),
        PoolMetadata(pool, (2, 3), "int64", "cuda", 2, "cuda:0"),
        PoolMetadata(pool, (2, 3), "int32", "torch_cuda", 2, "cuda:0"),
        PoolMetadata(pool, (2, 3), "int32", "cuda", 2, "cuda:1"),
    ):
        with pytest.raises(MetadataMismatchError):
            TensorConsumer(other)


def test_numbers_of_gpus_are_each_process_s_own(
    start_child: StartChild, pool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CUDA_DEVICES", "2")
    program = """
        import sys
        import numpy as np
        from tensor_ipc import PoolMetadata, TensorConsumer, TensorProducer

        metadata = PoolMetadata(sys.argv[1], (2, 3), "int32", "cuda", 1, "cuda:1")
        with TensorProducer(metadata, sync="block") as producer:
            producer.put(np.full((2, 3), 9, np.int32))
            print(TensorConsumer.attach(sys.argv[1]).metadata.device, flush=True)
            sys.stdin.readline()
    """
    reader = """
        import sys
        from tensor_ipc import TensorConsumer
        with TensorConsumer.attach(sys.argv[1]) as consumer:
            print(consumer.metadata.device, consumer.get().device, consumer.get(as_numpy=True)[0, 0])
    """
    producer = start_child(program, pool)
    assert producer.read() == "cuda:1"
    for visible, expected in (("0,1", "cuda:1 cuda:1 9"), ("1,0", "cuda:0 cuda:0 9")):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        code, output, errors = start_child(reader, pool).finish()
        assert (code, output, errors) == (0, expected + "\n", "")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    code, _, errors = start_child(reader, pool).finish()
    assert code == 1
    assert "CudaUnavailableError" in errors
    assert "CUDA_VISIBLE_DEVICES" in errors
    producer.finish()


@pytest.mark.parametrize("peer_copy", [False, True])
def test_data_of_another_gpu(
    start_child: StartChild, pool: str, monkeypatch: pytest.MonkeyPatch, peer_copy: bool
) -> None:
    monkeypatch.setenv("FAKE_CUDA_DEVICES", "2")
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(__file__))  # noqa: PTH120
    child = start_child(
        """
        import sys
        import numpy as np
        from device_arrays import DeviceArray, Driver
        from tensor_ipc import PoolMetadata, TensorConsumer, TensorProducer

        driver = Driver()
        there = DeviceArray(driver, np.full((2, 3), 5, np.int32), device=1)
        metadata = PoolMetadata(sys.argv[1], (2, 3), "int32", "cuda", 1, "cuda:0")
        with TensorProducer(metadata, sync="block", peer_copy=sys.argv[2] == "True") as producer:
            try:
                producer.put(there)
                print(TensorConsumer(metadata).get(as_numpy=True)[0, 0])
            except TypeError as error:
                print(error)
        """,
        pool,
        peer_copy,
    )
    code, output, errors = child.finish()
    assert (code, errors) == (0, "")
    if peer_copy:
        assert output == "5\n"
    else:
        assert "lies on cuda:0, got data on cuda:1: move it there first, or" in output


def test_cleaned_up_consumer(
    on_device: MakeArray, new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    data = on_device(frame_of(4))
    new_producer(data)
    consumer = new_consumer(data)
    consumer.cleanup()

    with pytest.raises(PoolNotFoundError):
        consumer.get()


def test_nothing_is_left_with_the_driver(
    driver: Driver, on_device: MakeArray, pool: str
) -> None:
    data = on_device(frame_of(4))
    TensorConsumer(MetadataCreator.from_sample(pool, data)).cleanup()
    before = driver.used_bytes()
    for memory in ("ipc", "vmm"):
        for _ in range(10):
            producer = TensorProducer.from_sample(pool, data, 2, device_memory=memory)
            consumer = TensorConsumer(producer.metadata)
            producer.put(data)
            producer.synchronize()
            frame = consumer.get_frame()
            array = frame.data
            array.record_stream(1)
            del frame, array
            consumer.cleanup()
            producer.cleanup()
            del consumer, producer
            gc.collect()
            driver.drain()
    TensorConsumer(
        MetadataCreator.from_sample(pool, data)
    ).cleanup()  # lets go of what the GPU was done with last
    assert driver.used_bytes() == before


def test_cuda_unavailable_is_an_import_of_nothing(start_child: StartChild, pool: str) -> None:
    child = start_child(
        """
        import os, sys
        os.environ["TENSOR_IPC_CUDA_DRIVER"] = "/nowhere/libcuda.so.1"
        import numpy as np
        import tensor_ipc
        with tensor_ipc.TensorProducer.from_sample(sys.argv[1], np.zeros(3)) as producer:
            producer.put(np.ones(3))
        metadata = tensor_ipc.PoolMetadata(sys.argv[1], (2, 3), "int32", "cuda", 1, "cuda:0")
        try:
            tensor_ipc.TensorProducer(metadata)
        except tensor_ipc.CudaUnavailableError as error:
            print(error)
        """,
        pool,
    )
    code, output, errors = child.finish()
    assert (code, errors) == (0, "")
    assert "/nowhere/libcuda.so.1" in output
    assert issubclass(CudaUnavailableError, RuntimeError)
