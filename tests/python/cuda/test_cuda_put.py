"""Frames on their way into a pool on a GPU."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from cuda_pools import frame_of, values_of
from device_arrays import BothArray, DeviceArray, Driver, InterfaceArray, OnDevice, Stream

from tensor_ipc import CudaError, PoolNotFoundError, TensorProducer

if TYPE_CHECKING:
    from conftest import MakeArray
    from support import MakeConsumer, MakeProducer

KINDS = [DeviceArray, InterfaceArray, BothArray]
OPTIONS = [
    {"device_memory": memory, "sync": sync}
    for memory in ("ipc", "vmm")
    for sync in ("stream", "block")
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda each: "-".join(each.values()))
@pytest.mark.parametrize("kind", KINDS)
def test_frames_arrive(
    driver: Driver,
    on_device: MakeArray,
    new_producer: MakeProducer,
    new_consumer: MakeConsumer,
    kind: type[OnDevice],
    options: dict[str, str],
) -> None:
    sample = on_device(frame_of(0), kind=kind)
    producer = new_producer(sample, 2, **options)
    consumer = new_consumer(sample, 2)
    assert consumer.get() is None

    for index in range(10):
        sample.set(frame_of(index))
        assert producer.put(sample) == index
        producer.synchronize()
        assert (values_of(driver, consumer.get()) == index).all()
        assert (consumer.get(as_numpy=True) == index).all()

    assert producer.stats.frames == 10
    assert producer.stats.copied_bytes == 10 * frame_of(0).nbytes


def test_auto_takes_vmm_where_there_is_vmm(
    monkeypatch: pytest.MonkeyPatch,
    driver: Driver,
    on_device: MakeArray,
    new_producer: MakeProducer,
) -> None:
    assert new_producer(on_device(frame_of(0)))._native.memory_kind == "vmm"
    monkeypatch.setenv("FAKE_CUDA_WITHOUT", "vmm")
    driver.reset()
    assert new_producer(on_device(frame_of(0)), name="other")._native.memory_kind == "ipc"


def test_stream_of_the_array_is_what_the_copy_waits_for(
    driver: Driver,
    on_device: MakeArray,
    new_producer: MakeProducer,
    new_consumer: MakeConsumer,
    stream: Stream,
) -> None:
    for place, kind in enumerate(KINDS):
        data = on_device(frame_of(0), kind=kind, stream=stream)
        producer = new_producer(data, name=f"pool{place}")
        consumer = new_consumer(data, name=f"pool{place}")
        driver.hold(True)
        data.set(frame_of(1))  # the stream will do that later

        assert producer.put(data) == 0
        assert consumer.get() is None  # complete frames only
        if kind is not DeviceArray:  # which tells nobody its stream
            data.set(frame_of(2))  # in stream order after the copy

        driver.hold(False)
        producer.synchronize()
        assert (consumer.get(as_numpy=True) == 1).all(), kind
        stream.synchronize()


@pytest.mark.parametrize(
    "named",
    [lambda s: s.ptr, lambda s: s, "torch", "protocol"],
    ids=["int", "ptr", "torch", "cuda"],
)
def test_stream_that_is_named(
    driver: Driver,
    on_device: MakeArray,
    new_producer: MakeProducer,
    new_consumer: MakeConsumer,
    stream: Stream,
    named: Any,
) -> None:
    class TorchStream:
        cuda_stream = stream.ptr

    class ProtocolStream:
        def __cuda_stream__(self) -> tuple[int, int]:
            return (0, stream.ptr)

    data = on_device(frame_of(0), kind=InterfaceArray)
    producer = new_producer(data)
    consumer = new_consumer(data)
    driver.hold(True)
    driver.write(data.address, frame_of(1).tobytes(), stream=stream.ptr)
    objects = {"torch": TorchStream(), "protocol": ProtocolStream()}

    producer.put(data, stream=objects[named] if isinstance(named, str) else named(stream))

    driver.write(data.address, frame_of(2).tobytes(), stream=stream.ptr)
    driver.hold(False)
    producer.synchronize()
    assert (consumer.get(as_numpy=True) == 1).all()
    stream.synchronize()


@pytest.mark.parametrize("wrong", ["1", 1.0, True, -1, 2**70, object()])
def test_what_is_no_stream(
    on_device: MakeArray, new_producer: MakeProducer, wrong: Any
) -> None:
    data = on_device(frame_of(0))
    producer = new_producer(data)

    with pytest.raises(TypeError, match="stream: expected a handle as an int"):
        producer.put(data, stream=wrong)
    assert producer.put(data) == 0  # no number was used up


def test_dlpack_is_asked_with_the_stream(
    on_device: MakeArray, new_producer: MakeProducer, stream: Stream
) -> None:
    data = on_device(frame_of(0))
    producer = new_producer(data)
    data.streams.clear()

    producer.put(data)
    producer.put(data, stream=stream)
    producer.put(data, stream=0)
    producer.put(data, stream=2)

    assert data.streams == [1, stream.ptr, 1, 2]


def test_stream_of_the_interface_is_used_before_the_default_one(
    on_device: MakeArray, new_producer: MakeProducer, stream: Stream
) -> None:
    data = on_device(frame_of(0), kind=BothArray, stream=stream)
    producer = new_producer(data)
    data.streams.clear()

    producer.put(data)

    assert data.streams == [stream.ptr]


def test_interface_with_stream_0(on_device: MakeArray, new_producer: MakeProducer) -> None:
    data = on_device(frame_of(0), kind=InterfaceArray)
    producer = new_producer(data)
    data.stream_key = 0

    with pytest.raises(ValueError, match="stream is None, 1, 2 or a handle, got 0"):
        producer.put(data)


def test_source_is_kept_until_the_gpu_has_read_it(
    driver: Driver, on_device: MakeArray, new_producer: MakeProducer
) -> None:
    data = on_device(frame_of(0))
    producer = new_producer(data, 2)
    before = data.deleted
    driver.hold(True)

    producer.put(data)
    producer.put(data)
    assert data.deleted == before

    driver.hold(False)
    producer.synchronize()
    assert data.deleted == before + 2


def test_host_data_is_copied_to_the_gpu(
    on_device: MakeArray, new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    sample = on_device(frame_of(0))
    producer = new_producer(sample)
    consumer = new_consumer(sample)
    plain = np.arange(6, dtype=np.int32).reshape(2, 3)
    for data in (plain, np.asfortranarray(plain), plain[::-1], memoryview(plain)):
        source = np.array(data)
        producer.put(data)
        producer.synchronize()
        np.testing.assert_array_equal(consumer.get(as_numpy=True), source)


def test_frames_of_no_axis(
    driver: Driver, on_device: MakeArray, new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    data = on_device(np.float64(7))
    producer = new_producer(data)
    consumer = new_consumer(data)

    producer.put(data)
    producer.synchronize()

    assert values_of(driver, consumer.get()) == 7
    assert consumer.get().shape == ()


REFUSED = {
    "shape": (np.zeros((3, 2), np.int32), {}, ValueError, r"shape \(2, 3\), got \(3, 2\)"),
    "dtype": (np.zeros((2, 3), np.int64), {}, TypeError, "dtype int32, got int64"),
    "host dtype": (None, {}, TypeError, "dtype int32, got float64"),
    "strides": (frame_of(0), {"strides": (4, 8)}, ValueError, r"in one piece \(C order\)"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_fit(
    on_device: MakeArray, new_producer: MakeProducer, kind: type[OnDevice], case: str
) -> None:
    values, options, error, message = REFUSED[case]
    producer = new_producer(on_device(frame_of(0)))
    wrong = np.zeros((2, 3)) if values is None else on_device(values, kind=kind, **options)

    with pytest.raises(error, match=message):
        producer.put(wrong)

    assert producer.put(on_device(frame_of(0))) == 0
    assert producer.stats.frames <= 1


@pytest.mark.parametrize("wrong", [None, [1, 2, 3], "text", object()])
def test_what_is_no_array(on_device: MakeArray, new_producer: MakeProducer, wrong: Any) -> None:
    producer = new_producer(on_device(frame_of(0)))

    with pytest.raises(TypeError, match=r"takes arrays in the memory of a GPU, got"):
        producer.put(wrong)


def test_gpu_data_into_a_host_pool(on_device: MakeArray, new_producer: MakeProducer) -> None:
    producer = new_producer(frame_of(0))

    with pytest.raises(TypeError, match=r"expected data in host memory, got some on cuda:0"):
        producer.put(on_device(frame_of(0)))


def test_masked_arrays(on_device: MakeArray, new_producer: MakeProducer) -> None:
    data = on_device(frame_of(0), kind=InterfaceArray)
    producer = new_producer(data)

    class Masked:
        __cuda_array_interface__ = {**data.__cuda_array_interface__, "mask": data}  # noqa: RUF012

    with pytest.raises(TypeError, match="masked arrays cannot be shared"):
        producer.put(Masked())


def test_stream_that_records_a_graph(
    driver: Driver, on_device: MakeArray, new_producer: MakeProducer, stream: Stream
) -> None:
    data = on_device(frame_of(0), stream=stream)
    producer = new_producer(data)
    driver.set_capturing(stream.ptr, True)

    with pytest.raises(ValueError, match="graph"):
        producer.put(data, stream=stream)

    driver.set_capturing(stream.ptr, False)
    assert producer.put(data, stream=stream) == 0


def test_metadata_of_frames(
    on_device: MakeArray, new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    data = on_device(frame_of(0))
    producer = new_producer(data)
    consumer = new_consumer(data)

    producer.put(data, timestamp_ns=17, user_metadata={"frame_id": "left"})
    producer.synchronize()

    frame = consumer.get_frame()
    assert frame.index == 0
    assert frame.timestamp_ns == 17
    assert frame.user_metadata == {"frame_id": "left"}
    assert not frame.copied
    with pytest.raises(ValueError, match="254"):
        producer.put(data, user_metadata={"key": "x" * 300})


def test_after_cleanup(on_device: MakeArray, pool: str) -> None:
    data = on_device(frame_of(0))
    producer = TensorProducer.from_sample(pool, data)
    producer.cleanup()

    with pytest.raises(PoolNotFoundError, match="cleaned up"):
        producer.put(data)
    producer.cleanup()


def test_broken_context(
    driver: Driver, on_device: MakeArray, new_producer: MakeProducer
) -> None:
    data = on_device(frame_of(0))
    producer = new_producer(data)
    producer.put(data)
    producer.synchronize()

    driver.break_context()
    try:
        with pytest.raises(CudaError, match="ILLEGAL_ADDRESS"):
            producer.put(data)
    finally:
        driver.reset()


def test_threads_put_at_once(
    on_device: MakeArray, new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    arrays = [on_device(frame_of(value)) for value in range(4)]
    producer = new_producer(arrays[0], 4, spare=6)
    consumer = new_consumer(arrays[0], 4)
    indices: list[int] = []

    def put(array: DeviceArray) -> None:
        for _ in range(100):
            indices.append(producer.put(array))

    threads = [threading.Thread(target=put, args=(array,)) for array in arrays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    producer.synchronize()

    assert sorted(indices) == list(range(400))
    assert consumer.get_frame().index == 399
    for frame in consumer.get(4, as_numpy=True):
        assert len(np.unique(frame)) == 1
