"""Element types: exact round trips, bit for bit, and refusals that say why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support import MakeConsumer, MakeProducer, bits_of

from tensor_ipc import MetadataCreator, TensorProducer

NUMPY = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]
ML_DTYPES = [
    "bfloat16",
    "float8_e3m4",
    "float8_e4m3",
    "float8_e4m3b11fnuz",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
]


def bit_patterns(dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Every bit pattern where there are few, random ones otherwise: NaNs of all kinds included."""
    if dtype == np.dtype(bool):
        return np.array([True, False] * 128)
    if dtype.itemsize == 1:
        return np.arange(256, dtype=np.uint8).view(dtype)
    if dtype.itemsize == 2:
        return np.arange(2**16, dtype=np.uint16).view(dtype)
    generator = np.random.RandomState(0)
    return np.frombuffer(generator.bytes(dtype.itemsize * 1024), dtype=dtype)


def check_round_trip(
    new_producer: MakeProducer, new_consumer: MakeConsumer, dtype: np.dtype[Any]
) -> None:
    data = bit_patterns(dtype)
    producer = new_producer(data, history_len=2)
    consumer = new_consumer(data, history_len=2)

    producer.put(data)
    producer.put(data[::-1])  # the way through NumPy's own copy

    history = consumer.get(2, latest_first=False)
    padded = consumer.get(2, latest_first=False, copy=True)
    assert history is not None
    assert padded is not None
    assert history.dtype == dtype
    assert producer.metadata.dtype_str == dtype.name
    assert producer.metadata.element_size == dtype.itemsize
    for frames in (history, padded):
        assert bits_of(frames[0]) == bits_of(data)
        assert bits_of(frames[1]) == bits_of(data[::-1])


@pytest.mark.parametrize("name", NUMPY)
def test_numpy_types_arrive_bit_for_bit(
    new_producer: MakeProducer, new_consumer: MakeConsumer, name: str
) -> None:
    check_round_trip(new_producer, new_consumer, np.dtype(name))


@pytest.mark.parametrize("name", ML_DTYPES)
def test_ml_dtypes_arrive_bit_for_bit(
    new_producer: MakeProducer, new_consumer: MakeConsumer, name: str
) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    if not hasattr(ml_dtypes, name):
        pytest.skip(f"the installed ml_dtypes has no {name}")

    check_round_trip(new_producer, new_consumer, np.dtype(getattr(ml_dtypes, name)))


def test_aliases_of_a_type_are_the_same_type(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(np.zeros(3, dtype=np.longlong))
    consumer = new_consumer(np.zeros(3, dtype=np.int64))

    producer.put(np.arange(3, dtype="<i8"))

    np.testing.assert_array_equal(consumer.get(), [0, 1, 2])


def _record() -> np.dtype[Any]:
    return np.dtype([("x", "f4"), ("y", "i2")])


UNSHAREABLE = {
    "byte-swapped": (np.dtype(np.float32).newbyteorder(), "byte-swapped"),
    "object": (np.dtype(object), "pointers into this process"),
    "structured": (_record(), "structured"),
    "object in a structure": (np.dtype([("o", object)]), "pointers into this process"),
    "text": (np.dtype("U5"), "fixed size"),
    "bytes": (np.dtype("S5"), "fixed size"),
    "raw": (np.dtype("V7"), "fixed size"),
    "time": (np.dtype("M8[ns]"), "fixed size"),
    "duration": (np.dtype("m8[s]"), "fixed size"),
    "long double": (np.dtype(np.longdouble), "fixed size"),
    "complex long double": (np.dtype(np.clongdouble), "fixed size"),
}


@pytest.mark.parametrize("case", sorted(UNSHAREABLE))
def test_type_that_cannot_be_shared_is_a_type_error_that_says_why(pool: str, case: str) -> None:
    dtype, reason = UNSHAREABLE[case]
    sample = np.zeros(3, dtype=dtype)

    with pytest.raises(TypeError, match=f"cannot be shared.*{reason}"):
        TensorProducer.from_sample(pool, sample)
    with pytest.raises(TypeError, match=f"cannot be shared.*{reason}"):
        MetadataCreator.from_numpy_sample(pool, sample)


@pytest.mark.parametrize("shape", [(0,), (2, 0, 3), (0, 0)])
def test_frame_without_elements_is_a_value_error(pool: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least one element"):
        TensorProducer.from_sample(pool, np.zeros(shape))
