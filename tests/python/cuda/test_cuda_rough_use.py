"""Too many views, threads that get in each other's way, and cleaning up under their feet."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from cuda_pools import frame_of, taken, values_of

from tensor_ipc import PoolExhaustedError, PoolNotFoundError, TensorConsumer, TensorProducer

if TYPE_CHECKING:
    from conftest import MakeArray
    from device_arrays import Driver
    from support import MakeConsumer, MakeProducer


def test_views_of_every_frame(
    driver: Driver, on_device: MakeArray, new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    data = on_device(frame_of(0))
    producer = new_producer(data, sync="block")
    consumer = new_consumer(data)
    held = []
    for value in range(20):
        data.set(frame_of(value))
        producer.put(data)
        held.append(consumer.get())

    assert consumer.stats.copied_frames > 10  # so that the producer is not starved
    for value, array in enumerate(held):
        assert (values_of(driver, array) == value).all()
    copied = consumer.get_frame()
    assert copied.copied
    assert copied.data.device == "cuda:0"


def test_loans_of_every_slot(
    on_device: MakeArray, new_producer: MakeProducer, driver: Driver
) -> None:
    data = on_device(frame_of(0))
    producer = new_producer(data, 1, spare=2)
    loans = [producer.loan() for _ in range(3)]
    arrays = [loan.__enter__() for loan in loans]
    for use in (lambda: producer.put(data), lambda: producer.loan().__enter__()):
        try:
            use()
        except PoolExhaustedError as error:
            assert "on loan" in str(error)  # noqa: PT017
        else:
            raise AssertionError
    for loan in loans:
        loan.__exit__(None, None, None)
    driver.drain()
    assert producer.put(data) == 3
    del arrays


def test_cleanup_while_others_put_and_get(on_device: MakeArray, pool: str) -> None:
    data = on_device(frame_of(5))
    for _ in range(10):
        producer = TensorProducer.from_sample(pool, data, 2)
        consumer = TensorConsumer(producer.metadata)
        begun = threading.Barrier(4)
        trouble: list[BaseException] = []
        ended: list[str] = []

        def put(producer: TensorProducer, begun: Any, trouble: Any, ended: Any) -> None:
            begun.wait()
            try:
                while True:
                    producer.put(data)
                    with producer.loan():
                        pass
            except PoolNotFoundError:
                ended.append("put")
            except BaseException as error:  # noqa: BLE001 - told by the test
                trouble.append(error)

        def get(consumer: TensorConsumer, begun: Any, trouble: Any, ended: Any) -> None:
            begun.wait()
            try:
                while True:
                    found = consumer.get(as_numpy=True)
                    assert found is None or found.shape == (2, 3)
            except PoolNotFoundError:
                ended.append("get")
            except BaseException as error:  # noqa: BLE001 - told by the test
                trouble.append(error)

        threads = [
            threading.Thread(target=put, args=(producer, begun, trouble, ended)),
            threading.Thread(target=put, args=(producer, begun, trouble, ended)),
            threading.Thread(target=get, args=(consumer, begun, trouble, ended)),
        ]
        for thread in threads:
            thread.start()
        begun.wait()
        while producer.stats.frames < 5:
            pass
        producer.cleanup()
        consumer.cleanup()
        for thread in threads:
            thread.join()
        assert trouble == []
        assert sorted(ended) == ["get", "put", "put"]


def test_arrays_die_in_other_threads(
    driver: Driver, on_device: MakeArray, new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    data = on_device(frame_of(1))
    producer = new_producer(data, 3, spare=6)
    consumer = new_consumer(data, 3)
    for _ in range(20):
        producer.put(data)
        producer.synchronize()
        tensors = [taken(driver, consumer.get(3)), taken(driver, consumer.get_frame())]
        threads = [threading.Thread(target=tensor.delete) for tensor in tensors]
        del tensors
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    gc.collect()
    driver.drain()
    assert (consumer.get(as_numpy=True) == 1).all()


def test_larger_frames(
    driver: Driver, on_device: MakeArray, new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    values = np.arange(3 * 480 * 640, dtype=np.float32).reshape(3, 480, 640)
    data = on_device(values)
    producer = new_producer(data, 2)
    consumer = new_consumer(data, 2)
    producer.put(data)
    producer.put(values[:, ::-1])  # from the host, and not in one piece
    producer.synchronize()

    window = consumer.get(2, as_numpy=True)
    np.testing.assert_array_equal(window[0], values[:, ::-1])
    np.testing.assert_array_equal(window[1], values)
    np.testing.assert_array_equal(values_of(driver, consumer.get(2))[1], values)
