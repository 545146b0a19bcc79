"""Pools of torch tensors: what goes in comes out, and what cannot go in is refused with a reason."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import numpy as np
import pytest
from support import HANG_S, MakeConsumer, MakeProducer, StartChild

from tensor_ipc import (
    MetadataCreator,
    MetadataMismatchError,
    PoolMetadata,
    TensorConsumer,
    TensorProducer,
    synchronized,
)

torch = pytest.importorskip("torch")

# All that carry plain numbers; which of them there are depends on the version of torch.
DTYPE_NAMES = (
    *("bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "bfloat16", "complex32", "complex64", "complex128"),
    *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
)
DTYPES = [name for name in DTYPE_NAMES if hasattr(torch, name)]
CARRIERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def tensor(value: float = 0.0, dtype: Any = torch.float32) -> Any:
    return torch.full((2, 3), value, dtype=dtype)


def every_bit_pattern(name: str) -> Any:
    """A (4, 5) tensor with many bit patterns, NaNs included."""
    dtype = getattr(torch, name)
    if name == "bool":
        return torch.arange(20).reshape(4, 5) % 3 == 0
    bits = torch.from_numpy(np.random.default_rng(7).integers(0, 256, 20 * 16, dtype=np.uint8))
    return bits.view(dtype)[:20].reshape(4, 5)


def bits_of(data: Any) -> bytes:
    contiguous = data.contiguous()
    if data.dtype is torch.bool:
        contiguous = contiguous.to(torch.uint8)
    flat = contiguous.reshape(-1)
    item_bytes = flat.element_size()
    carrier = CARRIERS.get(item_bytes, torch.float64)
    view = flat.view(carrier) if flat.dtype is not carrier else flat
    return bytes(view.numpy().tobytes())


def test_snippet_of_the_specification(pool: str) -> None:
    sample = torch.zeros(3, 224, 224, dtype=torch.float32)
    with TensorProducer.from_sample(pool, sample) as producer:
        data = torch.randn(3, 224, 224, dtype=torch.float32)
        producer.put(data)
        metadata = MetadataCreator.from_torch_sample(pool, sample)
        with TensorConsumer(metadata) as consumer:
            result = consumer.get(as_numpy=False)
            array = consumer.get(as_numpy=True)
            assert consumer.backend == "torch"

    assert isinstance(result, torch.Tensor)
    assert torch.equal(result, data)
    assert isinstance(array, np.ndarray)
    np.testing.assert_array_equal(array, data.numpy())
    assert not array.flags.writeable


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_goes_through_unchanged(
    new_producer: MakeProducer, new_consumer: MakeConsumer, name: str
) -> None:
    data = every_bit_pattern(name)
    producer = new_producer(data)
    consumer = new_consumer(data)

    producer.put(data)
    producer.put(data.t().contiguous().t())  # the same values from strided memory

    for _ in range(2):
        result = consumer.get()
        assert result.dtype is data.dtype
        assert result.shape == data.shape
        assert bits_of(result) == bits_of(data)
    assert bits_of(consumer.get(copy=True)) == bits_of(data)
    assert PoolMetadata.from_json(producer.metadata.to_json()) == producer.metadata
    assert TensorConsumer.attach(producer.metadata.name).get().dtype is data.dtype


@pytest.mark.parametrize("name", DTYPES)
def test_loan_of_every_dtype_can_be_written(
    new_producer: MakeProducer, new_consumer: MakeConsumer, name: str
) -> None:
    data = every_bit_pattern(name)
    producer = new_producer(data)
    consumer = new_consumer(data)

    with producer.loan() as slot:
        assert slot.dtype is data.dtype
        slot.copy_(data)

    assert bits_of(consumer.get()) == bits_of(data)
    assert producer.stats.copied_bytes == 0


def inference_tensor() -> Any:
    with torch.inference_mode():
        return torch.arange(6.0).reshape(2, 3) + 1


STRIDED = {
    "transposed": lambda: torch.arange(6.0).reshape(3, 2).t(),
    "every other column": lambda: torch.arange(12.0).reshape(2, 6)[:, ::2],
    "expanded": lambda: torch.tensor([1.0, 2.0, 3.0]).expand(2, 3),
    "offset": lambda: torch.arange(20.0)[3:9].reshape(2, 3),
    "flipped": lambda: torch.arange(6.0).reshape(2, 3).flip(0),
    "requires grad": lambda: torch.arange(6.0).reshape(2, 3).requires_grad_(),
    "has a graph": lambda: torch.arange(6.0).reshape(2, 3).requires_grad_() * 2,
    "parameter": lambda: torch.nn.Parameter(torch.arange(6.0).reshape(2, 3)),
    "negative bit": lambda: torch.complex(torch.ones(2, 3), torch.ones(2, 3)).conj().imag,
    "inference": inference_tensor,
}


@pytest.mark.parametrize("case", sorted(STRIDED))
def test_tensor_of_any_kind_is_put_by_value(
    new_producer: MakeProducer, new_consumer: MakeConsumer, case: str
) -> None:
    data = STRIDED[case]()
    producer = new_producer(tensor())
    consumer = new_consumer(tensor())

    producer.put(data)

    result = consumer.get()
    assert not result.requires_grad
    assert torch.equal(result, data.detach().clone())


def test_conjugate_is_resolved(new_producer: MakeProducer, new_consumer: MakeConsumer) -> None:
    data = torch.complex(torch.arange(6.0), torch.arange(6.0) + 1).reshape(2, 3)
    producer = new_producer(data)
    consumer = new_consumer(data)

    producer.put(data.conj())

    result = consumer.get()
    assert not result.is_conj()
    assert torch.equal(result.imag, -data.imag)


def test_channels_last_is_put_by_value(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    data = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    producer = new_producer(data)
    consumer = new_consumer(data)

    producer.put(data)

    assert torch.equal(consumer.get(), data)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1), (5, 1), (2,) * 12])
def test_any_shape_goes_through(
    new_producer: MakeProducer, new_consumer: MakeConsumer, shape: tuple[int, ...]
) -> None:
    data = torch.randn(shape)
    producer = new_producer(data, 2)
    consumer = new_consumer(data, 2)
    producer.put(data)
    producer.put(data + 1)

    assert torch.equal(consumer.get(), data + 1)
    assert torch.equal(consumer.get(2), torch.stack([data + 1, data]))


def test_history_newest_first_is_a_view(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(tensor(), 4)
    consumer = new_consumer(tensor(), 4)

    for value in range(30):
        producer.put(tensor(value))
        history = consumer.get(4)
        assert history[:, 0, 0].tolist() == list(range(value, max(value - 4, -1), -1))

    assert history.shape == (4, 2, 3)
    assert consumer.stats.copied_frames == 0


def test_history_oldest_first_is_a_counted_copy(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(tensor(), 3)
    consumer = new_consumer(tensor(), 3)
    for value in range(5):
        producer.put(tensor(value))

    history = consumer.get(3, latest_first=False)

    assert history[:, 0, 0].tolist() == [2, 3, 4]
    assert consumer.stats.copied_frames == 3
    assert consumer.stats.copied_bytes == 3 * 6 * 4
    assert consumer.get(1, latest_first=False)[0, 0] == 4
    assert consumer.stats.copied_frames == 3


def test_window_of_tensors_in_the_other_order_is_a_counted_copy(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(tensor(), 3)
    consumer = new_consumer(tensor(), 3)
    for value in range(5):
        producer.put(tensor(value))

    window = consumer.get_frames(3, latest_first=False)

    assert window is not None
    assert consumer.stats.copied_frames == 0
    assert window.data[:, 0, 0].tolist() == [2, 3, 4]
    assert window.data is window.data
    assert consumer.stats.copied_frames == 3


def test_frames_by_time_are_tensors(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(tensor(), 3)
    consumer = new_consumer(tensor(), 3)
    for value in range(1, 4):
        producer.put(tensor(value), timestamp_ns=100 * value)

    at = consumer.get_at(250)
    between = consumer.between(150, 400)
    together = synchronized([consumer], tolerance=0.0, history_len=2)

    assert at is not None
    assert torch.equal(at.data, tensor(2))
    assert between is not None
    assert between.data[:, 0, 0].tolist() == [3, 2]
    assert together is not None
    assert together[0].data[:, 0, 0].tolist() == [3, 2]
    assert consumer.stats.copied_frames == 0


def test_history_oldest_first_is_a_view_in_a_chronological_pool(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(tensor(), 3, chronological=True)
    consumer = new_consumer(tensor(), 3)
    for value in range(20):
        producer.put(tensor(value))
        history = consumer.get(3, latest_first=False)
        assert history[:, 0, 0].tolist() == list(range(max(value - 2, 0), value + 1))

    assert consumer.stats.copied_frames == 0
    assert consumer.get(3)[:, 0, 0].tolist() == [19, 18, 17]
    assert consumer.stats.copied_frames == 3


def test_copy_is_a_tensor_of_ones_own(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(tensor(), 3)
    consumer = new_consumer(tensor(), 3)
    producer.put(tensor(1))

    copy = consumer.get(copy=True)
    padded = consumer.get(3, pad="zero")
    repeated = consumer.get(3, pad="repeat")
    for value in range(2, 20):
        producer.put(tensor(value))

    assert copy.is_contiguous()
    assert torch.equal(copy, tensor(1))
    assert padded[:, 0, 0].tolist() == [1, 0, 0]
    assert repeated[:, 0, 0].tolist() == [1, 1, 1]
    assert consumer.stats.copied_frames == 0  # they were asked for


def test_callback_and_iteration_give_tensors(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    got: list[Any] = []
    arrived = threading.Event()

    def on_new_data(data: Any) -> None:
        got.append(data)
        arrived.set()

    producer = new_producer(tensor())
    new_consumer(tensor(), callback=on_new_data)
    consumer = new_consumer(tensor())
    producer.put(tensor(5))

    assert arrived.wait(HANG_S)
    assert torch.equal(got[0], tensor(5))
    assert torch.equal(next(iter(consumer)), tensor(5))
    frame = consumer.get_frame()
    assert frame is not None
    assert torch.equal(frame.data, tensor(5))
    assert frame.data is frame.data
    window = consumer.get_frames(1)
    assert window is not None
    assert window.data.shape == (1, 2, 3)


REFUSED = {
    "numpy array": (lambda: np.zeros((2, 3), np.float32), TypeError, "torch.Tensor.*numpy"),
    "list": (lambda: [[1.0]], TypeError, "torch.Tensor, got list"),
    "None": (lambda: None, TypeError, "torch.Tensor, got NoneType"),
    "dtype": (lambda: tensor(dtype=torch.float64), TypeError, "float32, got float64"),
    "shape": (lambda: torch.zeros(3, 2), ValueError, r"\(2, 3\), got \(3, 2\)"),
    "dimensions": (lambda: torch.zeros(6), ValueError, r"\(2, 3\), got \(6,\)"),
    "sparse": (lambda: tensor().to_sparse(), TypeError, "sparse.*to_dense"),
    "meta": (lambda: torch.zeros(2, 3, device="meta"), TypeError, "a GPU, got one on meta"),
    "quantized": (
        lambda: torch.quantize_per_tensor(tensor(), 0.1, 0, torch.quint8),
        TypeError,
        "quantized.*dequantize",
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_cannot_go_in_is_refused_with_a_reason(
    new_producer: MakeProducer, new_consumer: MakeConsumer, case: str
) -> None:
    make, error, text = REFUSED[case]
    producer = new_producer(tensor(), 3)
    consumer = new_consumer(tensor(), 3)
    producer.put(tensor(1))

    for _ in range(10):  # more often than there are slots
        with pytest.raises(error, match=text):
            producer.put(make())

    assert producer.put(tensor(2)) == 1
    assert consumer.get(2)[:, 0, 0].tolist() == [2, 1]


def test_tensor_in_a_numpy_pool_is_refused_naming_both(new_producer: MakeProducer) -> None:
    producer = new_producer(np.zeros((2, 3), np.float32))

    with pytest.raises(TypeError, match=r"numpy\.ndarray, got torch\.Tensor.*accept_any"):
        producer.put(tensor())


def test_accept_any_takes_arrays_of_the_other_framework(
    new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str
) -> None:
    for sample in (tensor(), tensor().numpy()):
        name = f"{pool}-{type(sample).__name__}"
        producer = new_producer(sample, 2, name=name, accept_any=True)
        consumer = new_consumer(sample, 2, name=name)

        for value, data in enumerate(
            [
                np.full((2, 3), 0, np.float32),
                tensor(1),
                np.full((3, 2), 2, np.float32).T,
                torch.full((3, 2), 3.0).t(),
            ]
        ):
            producer.put(data)
            assert consumer.get()[1, 2] == value
        with pytest.raises(TypeError, match=r"float32.*float64"):
            producer.put(np.zeros((2, 3)))
        with pytest.raises(TypeError, match=r"float32.*float64"):
            producer.put(torch.zeros(2, 3, dtype=torch.float64))


def test_consumer_of_the_other_framework_is_a_mismatch(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    new_producer(tensor())

    with pytest.raises(MetadataMismatchError, match="backend: expected numpy, found torch"):
        new_consumer(tensor().numpy())


def test_sample_that_cannot_be_shared_is_refused() -> None:
    create = MetadataCreator.from_torch_sample
    with pytest.raises(TypeError, match=r"expected torch\.Tensor, got ndarray"):
        create("a", np.zeros(3))
    with pytest.raises(ValueError, match="cpu, got one on meta"):
        create("a", torch.zeros(3, device="meta"))
    with pytest.raises(ValueError, match="at least one element"):
        create("a", torch.zeros(3, 0))
    with pytest.raises(ValueError, match="at least 1"):
        create("a", torch.zeros(3), 0)
    with pytest.raises(TypeError, match="to_dense"):
        create("a", torch.eye(3).to_sparse())


@pytest.mark.filterwarnings("ignore")
def test_sample_of_a_quantized_dtype_is_refused() -> None:
    quantized = torch.quantize_per_tensor(tensor(), 0.1, 0, torch.qint8)

    with pytest.raises(TypeError, match=r"quantized.*int_repr"):
        MetadataCreator.from_torch_sample("a", quantized)


@pytest.mark.skipif(not hasattr(torch, "bits8"), reason="this torch has no dtypes of bits")
def test_dtype_of_no_numbers_is_refused() -> None:
    with pytest.raises(TypeError, match="bits8 cannot be shared"):
        MetadataCreator.from_torch_sample(
            "a", torch.zeros(3, dtype=torch.uint8).view(torch.bits8)
        )


def test_metadata_says_torch() -> None:
    metadata = MetadataCreator.from_sample("a", torch.zeros(2, 3, dtype=torch.bfloat16), 4)

    assert metadata.backend_type == "torch"
    assert metadata.device == "cpu"
    assert metadata.dtype_str == "bfloat16"
    assert metadata.element_size == 2
    assert metadata.total_size == 2 * 6 * 4


def test_consumer_goes_through_a_pickle(new_producer: MakeProducer, pool: str) -> None:
    producer = new_producer(tensor())
    producer.put(tensor(3))
    with TensorConsumer.attach(pool, torch_views="readonly") as consumer:
        copy = pickle.loads(pickle.dumps(consumer))

    with copy:
        assert torch.equal(copy.get(), tensor(3))


def test_torch_is_imported_only_when_it_is_used(start_child: StartChild, pool: str) -> None:
    child = start_child(
        """
        import sys
        import numpy as np
        from tensor_ipc import TensorConsumer, TensorProducer

        producer = TensorProducer.from_sample(sys.argv[1], np.zeros(3))
        consumer = TensorConsumer.attach(sys.argv[1])
        producer.put(np.ones(3))
        assert consumer.get().sum() == 3
        assert np.from_dlpack is None or consumer.get_frame() is not None
        assert "torch" not in sys.modules
        """,
        pool,
    )

    code, _, errors = child.finish()

    assert errors == ""
    assert code == 0


def test_reading_without_torch_says_what_to_do(
    new_producer: MakeProducer, start_child: StartChild, pool: str
) -> None:
    producer = new_producer(tensor())
    producer.put(tensor(3))
    child = start_child(
        """
        import sys
        sys.modules["torch"] = None  # as if it were not installed
        from tensor_ipc import MissingFrameworkError, TensorConsumer

        consumer = TensorConsumer.attach(sys.argv[1])
        assert consumer.get(as_numpy=True).tolist() == [[3, 3, 3]] * 2
        try:
            consumer.get()
        except ImportError as error:
            assert isinstance(error, MissingFrameworkError)
            assert "as_numpy=True" in str(error)
        else:
            raise AssertionError
        """,
        pool,
    )

    code, _, errors = child.finish()

    assert errors == ""
    assert code == 0


def test_torch_views_out_of_range_is_a_value_error(new_consumer: MakeConsumer) -> None:
    with pytest.raises(ValueError, match="torch_views must be 'private' or 'readonly'"):
        new_consumer(tensor(), torch_views="writable")


def test_stubborn_tensors_at_exit_are_silent(start_child: StartChild, pool: str) -> None:
    child = start_child(
        """
        import sys, torch
        from tensor_ipc import TensorConsumer, TensorProducer

        producer = TensorProducer.from_sample(sys.argv[1], torch.zeros(1000, 10), 3)
        producer.put(torch.ones(1000, 10))
        consumer = TensorConsumer.attach(sys.argv[1])
        view = consumer.get()
        frame = consumer.get_frame()
        view.add_(1)
        cycle = [view]
        cycle.append(cycle)
        """,
        pool,
    )

    code, _, errors = child.finish()

    assert errors == ""
    assert code == 0
