"""Frames of a pool on a GPU as arrays."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from cuda_pools import VERSIONED, frame_of, taken, values_of
from device_arrays import BothArray, Driver, Stream, Taken, interface_values

from tensor_ipc import DeviceArray, TensorConsumer, TensorProducer

if TYPE_CHECKING:
    from conftest import MakeArray
    from support import MakeConsumer, MakeProducer

HISTORY = 5


class Pool:
    """A producer and a consumer of one pool, and an array to put."""

    def __init__(self, producer: TensorProducer, consumer: TensorConsumer, data: Any) -> None:
        self.producer = producer
        self.consumer = consumer
        self.data = data

    def put(self, *values: int) -> None:
        for value in values:
            self.data.set(frame_of(value))
            self.producer.put(self.data)
        self.producer.synchronize()


@pytest.fixture(params=["ipc", "vmm"])
def of(
    request: pytest.FixtureRequest,
    on_device: MakeArray,
    new_producer: MakeProducer,
    new_consumer: MakeConsumer,
) -> Pool:
    data = on_device(frame_of(0), kind=BothArray)
    producer = new_producer(data, HISTORY, device_memory=request.param)
    return Pool(producer, new_consumer(data, HISTORY), data)


def test_array(of: Pool) -> None:
    of.put(7)

    array = of.consumer.get()

    assert isinstance(array, DeviceArray)
    assert array.shape == (2, 3)
    assert array.strides == (12, 4)
    assert array.ndim == 2
    assert array.nbytes == 24
    assert array.dtype == np.int32
    assert array.device == "cuda:0"
    assert array.__dlpack_device__() == (2, 0)
    assert repr(array) == "DeviceArray(shape=(2, 3), dtype=int32, device=cuda:0)"


def test_interface(driver: Driver, of: Pool) -> None:
    of.put(7)

    array = of.consumer.get()

    interface = array.__cuda_array_interface__
    assert interface["version"] == 3
    assert interface["stream"] is None  # the data is complete
    assert interface["strides"] is None
    assert interface["typestr"] == "<i4"
    assert interface["data"][1] is True  # read-only
    assert (interface_values(driver, array) == 7).all()
    frame = of.consumer.get_frame()
    assert frame.__cuda_array_interface__["data"] == interface["data"]


def test_versioned_capsule(driver: Driver, of: Pool) -> None:
    of.put(7)

    tensor = taken(driver, of.consumer.get())

    assert tensor.versioned
    assert tensor.read_only
    assert not tensor.copied
    assert tensor.device == (2, 0)
    assert tensor.shape == (2, 3)
    assert tensor.dtype == np.int32
    assert tensor.address % 512 == 0
    assert (tensor.values() == 7).all()
    tensor.delete()


def test_capsules_from_before_dlpack_1(driver: Driver, of: Pool) -> None:
    """They cannot say that memory is read-only, so they are for memory where the GPU sees to it."""
    of.put(7)
    array = of.consumer.get()

    if of.producer._native.memory_kind == "vmm":
        tensor = Taken(driver, array.__dlpack__(stream=1))  # as JAX asks
        assert not tensor.versioned
        assert (tensor.values() == 7).all()
        tensor.delete()
        return
    for arguments in ({}, {"max_version": None}, {"max_version": (0, 8)}):
        with pytest.raises(BufferError, match=r"read-only, which only DLPack 1\.0 can say"):
            array.__dlpack__(**arguments)


@pytest.mark.parametrize("named", [None, -1, 1, 2, "own"])
def test_streams_of_dlpack(driver: Driver, of: Pool, named: Any, stream: Stream) -> None:
    of.put(7)
    number = stream.ptr if named == "own" else named

    for array in (of.consumer.get(), of.consumer.get_frame(), of.consumer.get_frames(2)):
        tensor = Taken(driver, array.__dlpack__(stream=number, max_version=VERSIONED))
        assert (tensor.values() == 7).all()
        tensor.delete()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"stream": 0}, ValueError, "got 0, which could be either default stream"),
        ({"stream": -2}, ValueError, "or a handle, got -2"),
        ({"stream": 2**70}, ValueError, "or a handle"),
        ({"stream": "1"}, BufferError, "expected None or an int, got '1'"),
        ({"stream": True}, BufferError, "expected None or an int, got True"),
        ({"dl_device": (2, 1)}, BufferError, r"lies on device \(2, 0\)"),
        ({"dl_device": (10, 0)}, BufferError, r"lies on device \(2, 0\)"),
        ({"copy": True}, BufferError, "no copy is made in the memory of a GPU"),
    ],
)
def test_what_dlpack_refuses(
    of: Pool, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    of.put(7)
    for array in (of.consumer.get(), of.consumer.get_frame()):
        with pytest.raises(error, match=message):
            array.__dlpack__(max_version=VERSIONED, **arguments)


def test_dlpack_with_the_own_device_and_without_a_copy(driver: Driver, of: Pool) -> None:
    of.put(7)
    array = of.consumer.get()

    capsule = array.__dlpack__(max_version=VERSIONED, dl_device=(2, 0), copy=False)

    Taken(driver, capsule).delete()


def test_frames_on_the_host(of: Pool) -> None:
    of.put(7)
    frame = of.consumer.get_frame()

    assert (frame.numpy() == 7).all()
    assert frame.numpy().flags.writeable
    if hasattr(np, "astype"):  # NumPy 2.1 asks for devices
        assert (np.from_dlpack(frame, device="cpu") == 7).all()
    with pytest.raises(BufferError, match="copy=False forbids that"):
        frame.__dlpack__(max_version=VERSIONED, dl_device=(1, 0), copy=False)
    window = of.consumer.get_frames(1)
    assert window.numpy().shape == (1, 2, 3)


def test_numpy_is_told_that_it_cannot_look(of: Pool) -> None:
    of.put(7)
    for array in (of.consumer.get(), of.consumer.get_frame(), of.consumer.get_frames(1)):
        with pytest.raises(TypeError, match=r"get\(as_numpy=True\)"):
            np.asarray(array)
    with pytest.raises(BufferError, match="memory of a GPU"):
        memoryview(of.consumer.get_frame())
    with pytest.raises(AttributeError):
        _ = of.consumer.get_frame().__array_interface__


def test_host_frames_have_nothing_of_a_gpu(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    with new_producer() as producer, new_consumer() as consumer:
        producer.put(frame_of(3))
        frame = consumer.get_frame()
        assert not hasattr(frame, "__cuda_array_interface__")
        assert not hasattr(frame, "__array__")
        assert (frame.numpy() == 3).all()
        assert not frame.numpy().flags.writeable
        with pytest.raises(ValueError, match="have no stream"):
            frame.record_stream(1)
        with pytest.raises(ValueError, match="have no stream"):
            frame.release(1)
        frame.release()
        for use in (lambda: frame.data, lambda: frame.index, lambda: repr(frame)):
            with pytest.raises(ValueError, match="was released"):
                use()
        with pytest.raises(BufferError, match="was released"):
            memoryview(frame)
        frame.release()


@pytest.mark.parametrize("latest_first", [True, False])
def test_windows_are_one_strided_view(driver: Driver, of: Pool, latest_first: bool) -> None:
    for last in range(4, 30):
        of.put(*range(last - 4, last + 1))
        expected = [*range(last, last - 3, -1)]
        if not latest_first:
            expected.reverse()

        window = of.consumer.get(3, latest_first=latest_first)
        copied = of.consumer.get(3, latest_first=latest_first, as_numpy=True)
        frames = of.consumer.get_frames(3, latest_first=latest_first)

        assert window.shape == copied.shape == (3, 2, 3)
        assert abs(window.strides[0]) % 512 == 0
        assert (window.strides[0] > 0) == latest_first
        for found in (values_of(driver, window), copied, interface_values(driver, window)):
            assert found[:, 0, 0].tolist() == expected
            assert found[:, 1, 2].tolist() == expected
        assert values_of(driver, frames.data)[:, 0, 0].tolist() == expected
        assert frames.numpy()[:, 0, 0].tolist() == expected
        del window, frames
        driver.drain()  # so that no slot has to be gone round
    is_vmm = of.producer._native.memory_kind == "vmm"
    assert (of.consumer.stats.copied_frames == 0) == is_vmm


def test_padding_is_for_the_host(of: Pool) -> None:
    of.put(7)
    padded = of.consumer.get(3, as_numpy=True, pad="repeat")
    assert padded[:, 0, 0].tolist() == [7, 7, 7]
    padded = of.consumer.get(3, as_numpy=True, pad="zero")
    assert padded[:, 0, 0].tolist() == [7, 0, 0]
    with pytest.raises(ValueError, match=r"use pad=None, or get\(as_numpy=True\)"):
        of.consumer.get(3, pad="repeat")
    with pytest.raises(ValueError, match=r"copy the array with your framework"):
        of.consumer.get(copy=True)
    assert of.consumer.get(copy=True, as_numpy=True).flags.writeable


def test_get_calls_nothing_of_cuda(driver: Driver, of: Pool) -> None:
    of.put(1, 2, 3)
    consumer = of.consumer
    consumer.get()
    driver.drain()
    before = driver.calls()

    for _ in range(2000):  # nobody asks where they are, so nothing has to be waited for
        assert consumer.get_frame().index == 2
        assert consumer.get().shape == (2, 3)
        assert not consumer.wait(0)
    held = [consumer.get(), consumer.get(3)]
    for array in held:
        assert array.__cuda_array_interface__["data"][0] != 0
    assert driver.calls() == before

    held.clear()
    assert driver.calls() > before


def test_views_outlive_consumer_and_producer(driver: Driver, of: Pool) -> None:
    of.put(7)
    array = of.consumer.get()
    tensor = taken(driver, array)
    window = of.consumer.get_frames(1)

    of.consumer.cleanup()
    of.producer.cleanup()
    del array
    gc.collect()

    assert (tensor.values() == 7).all()
    assert (values_of(driver, window.data)[0] == 7).all()
    tensor.delete()


def test_held_frames_are_never_overwritten(driver: Driver, of: Pool) -> None:
    of.put(1)
    held = taken(driver, of.consumer.get())

    of.put(*range(2, 30))

    assert (held.values() == 1).all()
    held.delete()


def test_release(driver: Driver, of: Pool) -> None:
    of.put(1)
    frame = of.consumer.get_frame()
    array = frame.data
    assert pinned_slots(of.producer) == 1

    frame.release()
    driver.drain()
    assert pinned_slots(of.producer) == 1  # the array of it holds it
    array.release()
    driver.drain()

    assert pinned_slots(of.producer) == 0
    for use in (
        lambda: frame.data,
        lambda: frame.index,
        lambda: array.shape,
        lambda: array.__dlpack__(max_version=VERSIONED),
        lambda: array.record_stream(1),
    ):
        with pytest.raises(ValueError, match="was released"):
            use()
    frame.release(1)
    array.release(stream=2)


@pytest.mark.parametrize("how", ["record_stream", "release", "dlpack", "array"])
def test_slot_comes_back_in_stream_order(
    driver: Driver,
    on_device: MakeArray,
    new_producer: MakeProducer,
    new_consumer: MakeConsumer,
    stream: Stream,
    how: str,
) -> None:
    data = on_device(frame_of(1))
    producer = new_producer(data, 1, spare=2)
    consumer = new_consumer(data, 1, max_pins=3)
    producer.put(data)
    producer.synchronize()
    frame = consumer.get_frame()
    driver.hold(True)
    driver.write(data.address, frame_of(1).tobytes(), stream=stream.ptr)  # it has work to do

    if how == "record_stream":
        frame.record_stream(stream)
    elif how == "array":
        frame.data.record_stream(stream.ptr)
    elif how == "dlpack":
        taken(driver, frame, stream.ptr).delete()
    frame.release(stream if how == "release" else None)

    assert pinned_slots(producer) == 1
    driver.hold(False)
    driver.drain()
    assert pinned_slots(producer) == 0


def pinned_slots(producer: TensorProducer) -> int:
    from tensor_ipc import inspect  # noqa: PLC0415

    return sum(each.pinned_slots for each in inspect(producer.metadata.name).consumers)


def test_capturing_stream_keeps_the_slot(driver: Driver, of: Pool, stream: Stream) -> None:
    of.put(1)
    frame = of.consumer.get_frame()
    driver.set_capturing(stream.ptr, True)

    frame.release(stream)
    driver.set_capturing(stream.ptr, False)
    driver.drain()

    # The graph may run again, so nothing may overwrite the frame while the consumer is there.
    assert pinned_slots(of.producer) == 1


@pytest.mark.parametrize("wrong", [None, "1", 1.5, object()])
def test_record_stream_needs_a_stream(of: Pool, wrong: Any) -> None:
    of.put(1)
    for array in (of.consumer.get(), of.consumer.get_frame()):
        with pytest.raises(TypeError, match="stream"):
            array.record_stream(wrong)


def test_attach(driver: Driver, of: Pool) -> None:
    of.put(3)
    with TensorConsumer.attach(of.producer.metadata.name) as consumer:
        assert consumer.metadata == of.producer.metadata
        assert consumer.backend == "cuda"
        assert (values_of(driver, consumer.get()) == 3).all()


def test_by_time(of: Pool) -> None:
    for value in range(4):
        of.data.set(frame_of(value))
        of.producer.put(of.data, timestamp_ns=1000 + value)
    of.producer.synchronize()

    found = of.consumer.get_at(1002)
    assert (found.numpy() == 2).all()
    window = of.consumer.between(1001, 1002)
    assert window.numpy()[:, 0, 0].tolist() == [2, 1]


def test_varying_extent(
    driver: Driver, on_device: MakeArray, new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    sample = on_device(np.zeros((4, 3), np.int32))
    producer = new_producer(sample, 3, varying_extent=True)
    consumer = new_consumer(sample, 3, varying_extent=True)
    for rows in (1, 4, 2):
        producer.put(on_device(np.full((rows, 3), rows, np.int32)))
    producer.synchronize()

    arrays = consumer.get(3)

    assert [array.shape for array in arrays] == [(2, 3), (4, 3), (1, 3)]
    for array in arrays:
        assert (values_of(driver, array) == array.shape[0]).all()
    copies = consumer.get(3, as_numpy=True, latest_first=False)
    assert [int(copy[0, 0]) for copy in copies] == [1, 4, 2]
    assert [len(each) for each in consumer.get_frames(3).numpy()] == [2, 4, 1]
    with pytest.raises(BufferError, match="no one array"):
        consumer.get_frames(3).__dlpack__(max_version=VERSIONED)
