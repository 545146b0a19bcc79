"""put() of what speaks DLPack or the buffer protocol."""

from __future__ import annotations

import array
import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from support import MakeConsumer, MakeProducer

SAMPLE = np.zeros((2, 3), np.float32)
VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


def sample_of(kind: str) -> Any:
    if kind == "torch":
        return pytest.importorskip("torch").zeros(2, 3)
    return SAMPLE


def from_jax() -> Any:
    return pytest.importorskip("jax").numpy.asarray(VALUES)


def from_array_api() -> Any:
    xp = pytest.importorskip("array_api_strict")
    return xp.asarray(VALUES)


def from_transposed_array_api() -> Any:
    xp = pytest.importorskip("array_api_strict")
    return xp.permute_dims(xp.asarray(VALUES.T.copy()), (1, 0))


def from_memoryview() -> Any:
    return memoryview(VALUES)


def from_ctypes() -> Any:
    return (ctypes.c_float * 3 * 2)(*((ctypes.c_float * 3)(*row) for row in VALUES.tolist()))


class Dlpack:
    """Speaks DLPack of some version, and is nothing else."""

    def __init__(self, data: Any, *, knows_versions: bool) -> None:
        self.data = data
        self.knows_versions = knows_versions

    def __dlpack_device__(self) -> Any:
        return self.data.__dlpack_device__()

    def __dlpack__(self, **arguments: Any) -> Any:
        if arguments and not self.knows_versions:
            msg = "unexpected keyword argument"
            raise TypeError(msg)
        return self.data.__dlpack__(**arguments)


def from_unversioned() -> Any:
    return Dlpack(with_dlpack(VALUES), knows_versions=False)


def from_versioned() -> Any:
    data = with_dlpack(VALUES)
    if np.lib.NumpyVersion(np.__version__) < "2.1.0":
        pytest.skip(f"NumPy {np.__version__} knows no versions of DLPack")
    return Dlpack(data, knows_versions=True)


def from_strided() -> Any:
    return Dlpack(with_dlpack(np.repeat(VALUES, 2, axis=1)[:, ::2]), knows_versions=False)


def with_dlpack(data: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if not hasattr(data, "__dlpack__"):
        pytest.skip(f"NumPy {np.__version__} speaks no DLPack")
    return data


FOREIGN = {
    "jax": from_jax,
    "array_api_strict": from_array_api,
    "array_api_strict, transposed": from_transposed_array_api,
    "memoryview": from_memoryview,
    "ctypes": from_ctypes,
    "DLPack before 1.0": from_unversioned,
    "DLPack 1": from_versioned,
    "DLPack with strides": from_strided,
}


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize("case", sorted(FOREIGN))
def test_what_belongs_to_no_pools_framework_is_taken_by_all(
    new_producer: MakeProducer, new_consumer: MakeConsumer, case: str, kind: str
) -> None:
    sample = sample_of(kind)
    producer = new_producer(sample)
    consumer = new_consumer(sample)

    producer.put(FOREIGN[case]())

    np.testing.assert_array_equal(consumer.get(as_numpy=True), VALUES)
    assert producer.stats.copied_bytes == VALUES.nbytes


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_frame_of_one_pool_can_be_put_into_another(
    new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str, kind: str
) -> None:
    source = new_producer(SAMPLE)
    source.put(VALUES)
    frame = new_consumer(SAMPLE).get_frame()
    sample = sample_of(kind)
    producer = new_producer(sample, name=f"{pool}-2")
    consumer = new_consumer(sample, name=f"{pool}-2")

    producer.put(frame)

    np.testing.assert_array_equal(consumer.get(as_numpy=True), VALUES)


@pytest.mark.parametrize("data", [b"\1\2\3", bytearray(b"\1\2\3"), array.array("B", [1, 2, 3])])
def test_bytes_are_arrays_of_uint8(
    new_producer: MakeProducer, new_consumer: MakeConsumer, data: Any
) -> None:
    sample = np.zeros(3, np.uint8)
    producer = new_producer(sample)
    consumer = new_consumer(sample)

    producer.put(data)

    frame = consumer.get()
    assert frame.tolist() == [1, 2, 3]


def test_arrow_buffer_is_taken(new_producer: MakeProducer, new_consumer: MakeConsumer) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    sample = np.zeros(4, np.int8)  # as Arrow describes its bytes
    producer = new_producer(sample)
    consumer = new_consumer(sample)

    producer.put(pyarrow.py_buffer(b"abcd"))
    assert consumer.get().tobytes() == b"abcd"
    producer.put(pyarrow.array([1, 2, 3, 4], pyarrow.int8()))
    assert consumer.get().tolist() == [1, 2, 3, 4]


class Elsewhere:
    """Says that it lies on a GPU."""

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 1)

    def __dlpack__(self, **_: Any) -> Any:
        msg = "nobody should ask"
        raise AssertionError(msg)


class Broken:
    """Speaks DLPack and fails."""

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __dlpack__(self, **_: Any) -> Any:
        msg = "export failed"
        raise BufferError(msg)


class NoCapsule(Broken):
    """Returns something else than a capsule."""

    def __dlpack__(self, **_: Any) -> Any:
        return 7


REFUSED = {
    "device": (Elsewhere(), TypeError, "cuda:1"),
    "its own error": (Broken(), BufferError, "export failed"),
    "no capsule": (NoCapsule(), ValueError, "."),
    "dtype": (Dlpack(np.zeros((2, 3)), knows_versions=False), TypeError, "float32.*float64"),
    "shape": (memoryview(VALUES.T.copy()), ValueError, r"\(2, 3\).*\(3, 2\)"),
    "text": ("text", TypeError, "numpy.ndarray, got str"),
    "dict": ({}, TypeError, "numpy.ndarray, got dict"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_refusal_names_what_was_expected_and_leaves_the_pool_as_it_was(
    new_producer: MakeProducer, new_consumer: MakeConsumer, case: str
) -> None:
    data, error, text = REFUSED[case]
    if isinstance(data, Dlpack):
        with_dlpack(data.data)
    producer = new_producer(SAMPLE, 2)
    consumer = new_consumer(SAMPLE, 2)
    producer.put(VALUES)

    for _ in range(10):
        with pytest.raises(error, match=text):
            producer.put(data)

    assert producer.put(VALUES) == 1
    history = consumer.get(2)
    assert history.shape == (2, 2, 3)
