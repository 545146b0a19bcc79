"""Slots on a GPU that are written in place."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from cuda_pools import frame_of, taken, values_of
from device_arrays import Driver, Stream, Taken, interface_values

from tensor_ipc import (
    DeviceArray,
    PoolNotFoundError,
    ProducerStats,
    TensorConsumer,
    TensorProducer,
)

if TYPE_CHECKING:
    from conftest import MakeArray
    from support import MakeConsumer, MakeProducer


@pytest.fixture
def producer(on_device: MakeArray, new_producer: MakeProducer) -> TensorProducer:
    return new_producer(on_device(frame_of(0)), 3)


@pytest.fixture
def consumer(producer: TensorProducer) -> Any:
    with TensorConsumer(producer.metadata) as made:
        yield made


def write(driver: Driver, array: Any, value: int, stream: int = 0) -> None:
    address = array.__cuda_array_interface__["data"][0]
    driver.write(address, frame_of(value).tobytes(), stream=stream)


def test_written_in_place(
    driver: Driver, producer: TensorProducer, consumer: TensorConsumer
) -> None:
    with producer.loan() as array:
        assert isinstance(array, DeviceArray)
        assert array.shape == (2, 3)
        interface = array.__cuda_array_interface__
        assert interface["data"][1] is False  # writable
        write(driver, array, 5)
    producer.synchronize()

    found = consumer.get()
    assert found.__cuda_array_interface__["data"][0] == interface["data"][0]
    assert (interface_values(driver, found) == 5).all()
    assert producer.stats == ProducerStats(1, 0, 0)  # nothing was copied


def test_exports_are_writable(driver: Driver, producer: TensorProducer) -> None:
    with producer.loan() as array:
        tensor = taken(driver, array)
        assert not tensor.read_only
        old = Taken(driver, array.__dlpack__())  # before DLPack 1.0, as writing needs no flag
        assert not old.versioned
        assert old.address == tensor.address
        with pytest.raises(BufferError, match="no copy"):
            array.__dlpack__(copy=True)
        with pytest.raises(ValueError, match="not released but published"):
            array.release()
    old.delete()
    tensor.delete()


@pytest.mark.parametrize("how", ["loan", "attribute", "publish", "dlpack", "record_stream"])
def test_published_in_stream_order(
    driver: Driver,
    producer: TensorProducer,
    consumer: TensorConsumer,
    stream: Stream,
    how: str,
) -> None:
    driver.hold(True)
    loan = producer.loan(stream=stream if how == "loan" else None)
    with loan as array:
        write(driver, array, 5, stream.ptr)  # done later
        if how == "attribute":
            loan.stream = stream.ptr
        elif how == "publish":
            assert loan.publish(stream) == 0
        elif how == "dlpack":
            taken(driver, array, stream.ptr).delete()
        elif how == "record_stream":
            array.record_stream(stream)
    assert consumer.get() is None

    driver.hold(False)
    producer.synchronize()
    assert (consumer.get(as_numpy=True) == 5).all()


def test_published_once(producer: TensorProducer, consumer: TensorConsumer) -> None:
    with producer.loan() as _:
        pass
    loan = producer.loan(timestamp_ns=4, user_metadata={"a": "b"})
    with pytest.raises(ValueError, match="in its block only"):
        loan.publish()
    with loan:
        assert loan.publish() == 1
        with pytest.raises(ValueError, match="published once"):
            loan.publish()
    producer.synchronize()

    assert consumer.get_frame().index == 1
    assert consumer.get_frame().timestamp_ns == 4
    assert consumer.get_frame().user_metadata == {"a": "b"}


def test_publish_before_the_end_on_the_host(new_producer: MakeProducer) -> None:
    producer = new_producer()
    loan = producer.loan()
    with loan as array:
        array[:] = 3
        assert loan.publish() == 0
        assert not array.flags.writeable


def test_block_that_raises(
    driver: Driver, producer: TensorProducer, consumer: TensorConsumer
) -> None:
    with pytest.raises(KeyError), producer.loan() as array:  # noqa: PT012
        write(driver, array, 5)
        raise KeyError
    driver.drain()

    assert consumer.get() is None
    with producer.loan() as array:
        write(driver, array, 6)
    producer.synchronize()
    assert consumer.get_frame().index == 0
    assert (values_of(driver, consumer.get()) == 6).all()


def test_capturing_stream(driver: Driver, producer: TensorProducer, stream: Stream) -> None:
    driver.set_capturing(stream.ptr, True)
    with pytest.raises(ValueError, match="graph"), producer.loan(stream=stream):
        pass
    driver.set_capturing(stream.ptr, False)
    with producer.loan(stream=stream):
        pass
    producer.synchronize()
    assert producer.stats.frames == 1


def test_memory_outlives_the_producer(driver: Driver, producer: TensorProducer) -> None:
    with pytest.raises(PoolNotFoundError, match="closed"), producer.loan() as array:  # noqa: PT012
        tensor = taken(driver, array)
        producer.cleanup()
    driver.write(tensor.address, frame_of(3).tobytes())
    assert (tensor.values() == 3).all()
    tensor.delete()


def test_fewer_rows(
    driver: Driver, on_device: MakeArray, new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    sample = on_device(np.zeros((4, 3), np.int32))
    producer = new_producer(sample, varying_extent=True)
    consumer = new_consumer(sample, varying_extent=True)

    loan = producer.loan()
    with loan as array:
        assert array.shape == (4, 3)
        write(driver, array, 8)
        loan.extent = 2
    producer.synchronize()

    assert consumer.get().shape == (2, 3)
    assert (values_of(driver, consumer.get()) == 8).all()
    with producer.loan(3) as array:
        assert array.shape == (3, 3)


def test_host_code_faults_at_a_device_address(producer: TensorProducer) -> None:
    """What makes the other tests mean something: nothing here is host memory by mistake."""
    with producer.loan() as array:
        address = array.__cuda_array_interface__["data"][0]
        in_maps = False
        with open("/proc/self/maps", encoding="utf-8") as maps:  # noqa: PTH123
            for line in maps:
                first, last = (int(part, 16) for part in line.split()[0].split("-"))
                if first <= address < last:
                    assert line.split()[1].startswith("---")
                    in_maps = True
        assert in_maps
    assert ctypes.sizeof(ctypes.c_void_p) == 8
