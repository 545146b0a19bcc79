"""Frames with an extent of their own as torch tensors and in other frameworks."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from frames_of import pins

if TYPE_CHECKING:
    from support import MakeConsumer, MakeProducer

    from tensor_ipc import TensorConsumer, TensorProducer

torch = pytest.importorskip("torch")

CAPACITY = 2000  # several pages
SAMPLE = torch.zeros(CAPACITY, 3)


def cloud(points: int) -> Any:
    return torch.full((points, 3), float(points))


def are_clouds(tensors: Any, *points: int) -> bool:
    assert isinstance(tensors, list)
    assert [tuple(tensor.shape) for tensor in tensors] == [(n, 3) for n in points]
    return all(torch.equal(tensor, cloud(n)) for tensor, n in zip(tensors, points))


@pytest.fixture
def producer(new_producer: MakeProducer) -> TensorProducer:
    return new_producer(SAMPLE, history_len=4, varying_extent=True)


@pytest.fixture(params=["private", "readonly"])
def consumer(new_consumer: MakeConsumer, request: pytest.FixtureRequest) -> TensorConsumer:
    return new_consumer(SAMPLE, 4, varying_extent=True, torch_views=request.param)


def test_tensors_have_the_extent_that_was_put(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    for points in (1, CAPACITY, 0, 7):
        producer.put(cloud(points))

        assert torch.equal(consumer.get(), cloud(points))
        assert torch.equal(consumer.get(copy=True), cloud(points))
        np.testing.assert_array_equal(consumer.get(as_numpy=True), cloud(points).numpy())


def test_history_is_a_list_of_tensors_without_a_copy(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    for points in (5, 0, 1999):
        producer.put(cloud(points))

    assert are_clouds(consumer.get(3), 1999, 0, 5)
    assert are_clouds(consumer.get(3, latest_first=False), 5, 0, 1999)
    assert are_clouds(consumer.get(3, copy=True), 1999, 0, 5)
    assert are_clouds(consumer.get(4, pad="repeat"), 1999, 0, 5, 5)
    assert are_clouds(consumer.get(4, pad="zero"), 1999, 0, 5, 0)
    assert all(isinstance(array, np.ndarray) for array in consumer.get(3, as_numpy=True))
    frames = consumer.get_frames(3)
    assert frames is not None
    assert are_clouds(frames.data, 1999, 0, 5)
    assert consumer.stats.copied_frames == 0


def test_pins_end_with_the_last_tensor_of_the_list(
    producer: TensorProducer, consumer: TensorConsumer, pool: str
) -> None:
    for points in (5, 6, 7):
        producer.put(cloud(points))

    tensors = consumer.get(3)
    last = tensors[-1]
    del tensors
    gc.collect()
    assert pins(pool) == 3

    del last
    gc.collect()
    assert pins(pool) == 0


def test_write_to_one_of_the_list_stays_here_and_is_gone_with_it(
    producer: TensorProducer, new_consumer: MakeConsumer
) -> None:
    consumer = new_consumer(SAMPLE, 4, varying_extent=True)
    other = new_consumer(SAMPLE, 4, varying_extent=True)
    for points in (1500, 1600):
        producer.put(cloud(points))

    tensors = consumer.get(2)
    for tensor in tensors:
        tensor.mul_(-1)

    assert (tensors[1] == -1500).all()
    assert are_clouds(other.get(2), 1600, 1500)
    del tensors, tensor
    gc.collect()
    assert are_clouds(consumer.get(2), 1600, 1500)


@pytest.mark.parametrize(
    ("data", "error", "found"),
    [
        (torch.zeros(CAPACITY + 1, 3), ValueError, r"\(<=2000, 3\), got \(2001, 3\)"),
        (torch.zeros(4, 4), ValueError, r"\(<=2000, 3\), got \(4, 4\)"),
        (torch.zeros(()), ValueError, r"\(<=2000, 3\), got \(\)"),
        (torch.zeros(4, 3, dtype=torch.float64), TypeError, "float64"),
    ],
)
def test_other_tensors_are_refused(
    producer: TensorProducer, data: Any, error: type[Exception], found: str
) -> None:
    with pytest.raises(error, match=found):
        producer.put(data)


def test_tensors_of_any_strides_are_taken(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    wide = torch.arange(48.0).view(6, 8)

    for source in (wide[::2, ::3], wide[:3, :3], wide[0:0, :3], wide.T[:, 3:]):
        producer.put(source)
        assert torch.equal(consumer.get(), source)


def test_loaned_tensor_is_as_long_as_asked_for(
    producer: TensorProducer, consumer: TensorConsumer
) -> None:
    loan = producer.loan(10)
    with loan as points:
        assert tuple(points.shape) == (10, 3)
        points.fill_(4)
        loan.extent = 4

    assert torch.equal(consumer.get(), cloud(4))


def test_jax_takes_a_frame_as_long_as_it_is(
    producer: TensorProducer, new_consumer: MakeConsumer
) -> None:
    jax = pytest.importorskip("jax")
    consumer = new_consumer(SAMPLE, 4, varying_extent=True)
    for points in (5, 0):
        producer.put(cloud(points))
        frame = consumer.get_frame()

        made = jax.numpy.from_dlpack(frame)

        assert made.shape == (points, 3)
        np.testing.assert_array_equal(made, cloud(points).numpy())
