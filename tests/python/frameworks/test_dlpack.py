"""Frames for every framework: DLPack, the buffer protocol, and pins that live as long as the data."""

from __future__ import annotations

import ctypes
import gc
import hashlib
from typing import TYPE_CHECKING, Any, Callable

import numpy as np
import pytest
from frames_of import SHAPE, numpy_frame, pins, put_numpy_frames
from support import MakeConsumer, MakeProducer, filled

if TYPE_CHECKING:
    from tensor_ipc import Frame, FrameWindow

READ_ONLY = 1
IS_COPIED = 2


class Raw:
    """A DLPack object that passes on what a frame answers to chosen arguments."""

    def __init__(self, frame: Any, **arguments: Any) -> None:
        self.frame = frame
        self.arguments = arguments

    def __dlpack_device__(self) -> Any:
        return self.frame.__dlpack_device__()

    def __dlpack__(self, **_: Any) -> Any:
        return self.frame.__dlpack__(**self.arguments)


class VersionedTensor(ctypes.Structure):
    """The beginning of a DLManagedTensorVersioned, by its specification."""

    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


def look_into(capsule: object) -> VersionedTensor:
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype = ctypes.c_void_p
    pointer.argtypes = (ctypes.py_object, ctypes.c_char_p)
    return VersionedTensor.from_address(pointer(capsule, b"dltensor_versioned"))


def name_of(capsule: object) -> str:
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype = ctypes.c_char_p
    name.argtypes = (ctypes.py_object,)
    return str(name(capsule).decode())


@pytest.fixture
def frame(new_producer: MakeProducer, new_consumer: MakeConsumer) -> Frame:
    producer = new_producer(numpy_frame(0), 3)
    consumer = new_consumer(numpy_frame(0), 3)
    put_numpy_frames(producer, range(1, 4))
    found = consumer.get_frame()
    assert found is not None
    return found


@pytest.fixture
def window(new_producer: MakeProducer, new_consumer: MakeConsumer) -> FrameWindow:
    producer = new_producer(numpy_frame(0), 3)
    consumer = new_consumer(numpy_frame(0), 3)
    put_numpy_frames(producer, range(1, 6))
    found = consumer.get_frames(3)
    assert found is not None
    return found


def to_numpy(frame: Any) -> Any:
    if not hasattr(np, "from_dlpack"):
        pytest.skip(f"NumPy {np.__version__} has no from_dlpack")
    return np.from_dlpack(frame)


def to_torch(frame: Any) -> Any:
    return pytest.importorskip("torch").from_dlpack(frame)


def to_jax(frame: Any) -> Any:
    return pytest.importorskip("jax").dlpack.from_dlpack(frame)


def to_array_api(frame: Any) -> Any:
    return pytest.importorskip("array_api_strict").from_dlpack(frame)


def to_memoryview(frame: Any) -> Any:
    return memoryview(frame)


def to_array_interface(frame: Any) -> Any:
    return np.asarray(ArrayInterface(frame))


class ArrayInterface:
    def __init__(self, frame: Any) -> None:
        self.__array_interface__ = frame.__array_interface__
        self.frame = frame


WAYS = {
    "np.asarray": np.asarray,
    "np.from_dlpack": to_numpy,
    "__array_interface__": to_array_interface,
    "memoryview": to_memoryview,
    "torch": to_torch,
    "jax": to_jax,
    "array_api_strict": to_array_api,
    ".data": lambda frame: frame.data,
}
#: JAX wants C order, which a window whose frames lie on pages of their own does not have.
NEED_C_ORDER = {"jax"}


@pytest.mark.parametrize("way", sorted(WAYS))
def test_frame_becomes_an_array_of_every_framework(frame: Frame, way: str) -> None:
    made = WAYS[way](frame)

    assert tuple(made.shape) == SHAPE
    np.testing.assert_array_equal(np.asarray(made), numpy_frame(3))


@pytest.mark.parametrize("way", sorted(set(WAYS) - NEED_C_ORDER))
def test_window_becomes_one_array_newest_first(window: FrameWindow, way: str) -> None:
    made = WAYS[way](window)

    assert len(window) == 3
    assert window.latest_first
    assert window.index == 4
    assert tuple(made.shape) == (3, *SHAPE)
    expected = np.stack([numpy_frame(value) for value in (5, 4, 3)])
    np.testing.assert_array_equal(np.asarray(made), expected)


def test_window_can_be_had_oldest_first(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(filled(0), 3)
    consumer = new_consumer(filled(0), 3)
    for value in range(5):
        producer.put(filled(value))

    window = consumer.get_frames(3, latest_first=False)

    assert window is not None
    assert not window.latest_first
    assert window.indices == (2, 3, 4)
    for made in (window.data, np.asarray(window), to_numpy(window), memoryview(window)):
        assert np.asarray(made)[:, 0, 0].tolist() == [2, 3, 4]
    assert np.shares_memory(window.data, np.asarray(window))


def test_window_of_a_chronological_pool_is_oldest_first(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(filled(0), 3, chronological=True)
    consumer = new_consumer(filled(0), 3)
    for value in range(5):
        producer.put(filled(value))

    window = consumer.get_frames(3)

    assert window is not None
    assert not window.latest_first
    assert window.index == 4
    assert np.asarray(window)[:, 0, 0].tolist() == [2, 3, 4]
    assert window.data[:, 0, 0].tolist() == [2, 3, 4]


def derive_slices(made: Any) -> list[Any]:
    return [made[1], made[0, 1:], made[..., 3]]


def derive_for_torch(made: Any) -> list[Any]:
    torch = pytest.importorskip("torch")
    return [
        *derive_slices(made),
        made.transpose(0, 1),
        made.view(-1),
        made.detach(),
        (made.untyped_storage if hasattr(made, "untyped_storage") else made.storage)(),
        made.numpy(),
        torch.from_numpy(made.numpy()),
        memoryview(made.numpy()),
    ]


def derive_for_numpy(made: Any) -> list[Any]:
    return [
        *derive_slices(made),
        made.T,
        made.reshape(-1),
        made.view(np.uint8),
        memoryview(made),
    ]


DERIVED: dict[str, Callable[[Any], list[Any]]] = {
    "torch": derive_for_torch,
    "np.asarray": derive_for_numpy,
    "np.from_dlpack": derive_for_numpy,
    ".data": derive_for_numpy,
    "memoryview": lambda made: [made[:], made.cast("B")],
}


@pytest.mark.parametrize("way", sorted(DERIVED))
def test_pin_goes_with_the_last_derived_view_and_not_before(
    new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str, way: str
) -> None:
    producer = new_producer(numpy_frame(0), 2)
    consumer = new_consumer(numpy_frame(0), 2)
    producer.put(numpy_frame(1))
    found = consumer.get_frame()
    made = WAYS[way](found)
    derived = DERIVED[way](made)
    del found, made
    gc.collect()

    while derived:
        assert pins(pool) == 1
        derived.pop()
        gc.collect()

    assert pins(pool) == 0


@pytest.mark.parametrize("way", ["torch", "jax", "np.from_dlpack", "array_api_strict"])
def test_data_outlives_frame_consumer_and_producer(
    new_producer: MakeProducer, new_consumer: MakeConsumer, way: str
) -> None:
    producer = new_producer(numpy_frame(0), 2)
    consumer = new_consumer(numpy_frame(0), 2)
    producer.put(numpy_frame(1))
    found = consumer.get_frame()
    made = WAYS[way](found)
    del found
    for value in range(2, 20):
        producer.put(numpy_frame(value))
    consumer.cleanup()
    producer.cleanup()
    del consumer, producer
    gc.collect()

    np.testing.assert_array_equal(np.asarray(made), numpy_frame(1))


def test_pyarrow_reads_a_frame_without_a_copy(
    new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str
) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    producer = new_producer(np.zeros(100))
    consumer = new_consumer(np.zeros(100))
    producer.put(np.arange(100.0))
    found = consumer.get_frame()

    buffer = pyarrow.py_buffer(found)
    array = pyarrow.Array.from_buffers(pyarrow.float64(), 100, [None, buffer])
    address = buffer.address
    assert found is not None
    assert address == found.__array_interface__["data"][0]
    del found, buffer
    gc.collect()

    assert array.to_pylist() == list(range(100))
    assert pins(pool) == 1
    del array
    gc.collect()
    assert pins(pool) == 0


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_capsule_that_nobody_takes_lets_go(
    new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str, version: Any
) -> None:
    producer = new_producer(filled(0))
    consumer = new_consumer(filled(0))
    producer.put(filled(1))
    found = consumer.get_frame()
    assert found is not None
    capsule = found.__dlpack__(max_version=version)
    del found
    gc.collect()
    assert pins(pool) == 1

    del capsule
    gc.collect()

    assert pins(pool) == 0


@pytest.mark.parametrize("version", [(1, 0), (1, 1), (2, 0)])
def test_versioned_capsule_says_what_it_is(frame: Frame, version: tuple[int, int]) -> None:
    capsule = frame.__dlpack__(max_version=version)
    tensor = look_into(capsule)

    assert (tensor.major, tensor.minor) == (1, 1)
    assert tensor.flags == READ_ONLY
    assert (tensor.device_type, tensor.device_id) == (1, 0)
    assert (tensor.code, tensor.bits, tensor.lanes) == (2, 32, 1)
    assert tensor.shape[: tensor.ndim] == list(SHAPE)
    assert tensor.strides[: tensor.ndim] == [50 * 41, 41, 1]
    assert tensor.data % 64 == 0
    assert tensor.byte_offset == 0


@pytest.mark.parametrize("version", [None, (0, 8)])
def test_older_callers_get_an_unversioned_capsule(frame: Frame, version: Any) -> None:
    assert name_of(frame.__dlpack__(max_version=version)) == "dltensor"
    assert name_of(frame.__dlpack__()) == "dltensor"
    np.testing.assert_array_equal(np.asarray(to_numpy(Raw(frame))), numpy_frame(3))


def test_copy_is_ones_own(new_producer: MakeProducer, new_consumer: MakeConsumer) -> None:
    producer = new_producer(filled(0), 3)
    consumer = new_consumer(filled(0), 3)
    for value in range(4):
        producer.put(filled(value))
    one = consumer.get_frame()
    several = consumer.get_frames(3)
    assert one is not None
    assert several is not None

    assert look_into(one.__dlpack__(max_version=(1, 0), copy=True)).flags == IS_COPIED
    tensor = look_into(several.__dlpack__(max_version=(1, 0), copy=True))
    assert tensor.shape[: tensor.ndim] == [3, 2, 3]
    assert tensor.strides[: tensor.ndim] == [6, 3, 1]
    copied = to_numpy(Raw(several, max_version=None, copy=True))
    assert copied[:, 0, 0].tolist() == [3, 2, 1]
    assert look_into(one.__dlpack__(max_version=(1, 0), copy=False)).flags == READ_ONLY


def test_single_frame_window_keeps_its_axis_in_a_copy(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(filled(0), 3)
    consumer = new_consumer(filled(0), 3)
    producer.put(filled(7))

    window = consumer.get_frames(3)

    assert window is not None
    assert len(window) == 1
    tensor = look_into(window.__dlpack__(max_version=(1, 0), copy=True))
    assert tensor.shape[: tensor.ndim] == [1, 2, 3]


def test_what_cannot_be_had_is_a_buffer_error(frame: Frame) -> None:
    with pytest.raises(BufferError, match="no stream"):
        frame.__dlpack__(stream=1)
    with pytest.raises(BufferError, match=r"host memory.*\(2, 0\)"):
        frame.__dlpack__(dl_device=(2, 0))
    assert frame.__dlpack__(dl_device=(1, 0))
    assert frame.__dlpack_device__() == (1, 0)


def test_readonly_consumer_hands_out_no_capsule_that_cannot_say_so(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(filled(0))
    consumer = new_consumer(filled(0), torch_views="readonly")
    producer.put(filled(1))
    found = consumer.get_frame()
    assert found is not None

    with pytest.raises(BufferError, match=r"max_version=\(1, 0\)"):
        found.__dlpack__()
    tensor = look_into(found.__dlpack__(max_version=(1, 0)))
    assert tensor.flags == READ_ONLY
    assert tensor.data == found.__array_interface__["data"][0]


def test_those_who_do_not_heed_read_only_do_no_harm(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    torch = pytest.importorskip("torch")
    producer = new_producer(numpy_frame(0), 3)
    consumer = new_consumer(numpy_frame(0), 3)
    other = new_consumer(numpy_frame(0), 3)
    for value in range(1, 30):
        producer.put(numpy_frame(value))
        tensor = torch.from_dlpack(consumer.get_frame())
        assert (tensor == value).all()
        tensor.fill_(-1)
        np.testing.assert_array_equal(other.get(), numpy_frame(value))
        np.testing.assert_array_equal(consumer.get(), numpy_frame(value))


def test_numpy_heeds_read_only(frame: Frame) -> None:
    for made in (np.asarray(frame), to_array_interface(frame), to_numpy(frame)):
        assert not made.flags.writeable
    assert memoryview(frame).readonly
    with pytest.raises((TypeError, ValueError)):
        np.frombuffer(frame, np.float32)[0] = 1  # type: ignore[call-overload]


def test_buffer_of_a_window_needs_strides(window: FrameWindow) -> None:
    view = memoryview(window)

    assert view.ndim == 4
    assert not view.c_contiguous
    with pytest.raises(BufferError, match="not contiguous: ask for strides"):
        hashlib.sha256(window)  # type: ignore[arg-type]  # asks for bytes in a row


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e5m2"])
def test_types_without_a_code_are_refused_with_a_reason(
    new_producer: MakeProducer, new_consumer: MakeConsumer, dtype: str
) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    sample = np.zeros((2, 3), getattr(ml_dtypes, dtype))
    producer = new_producer(sample)
    consumer = new_consumer(sample)
    producer.put(sample)
    found = consumer.get_frame()
    assert found is not None

    with pytest.raises(BufferError, match=f"no type code for {dtype}.*DLPack"):
        memoryview(found)
    assert not hasattr(found, "__array_interface__")
    assert look_into(found.__dlpack__(max_version=(1, 0))).bits in (8, 16)
    assert found.data.dtype == sample.dtype


def test_bytes_of_a_frame_can_be_had_in_a_row(frame: Frame) -> None:
    expected = hashlib.sha256(numpy_frame(3).tobytes()).digest()

    assert hashlib.sha256(frame).digest() == expected  # type: ignore[arg-type]
    assert bytes(frame) == numpy_frame(3).tobytes()  # type: ignore[call-overload]


def test_window_says_who_it_is(window: FrameWindow) -> None:
    assert repr(window) == "FrameWindow(indices=(4, 3, 2), shape=(3, 50, 41), dtype=float32)"


def test_frame_says_who_it_is(frame: Frame) -> None:
    assert repr(frame) == "Frame(index=2, shape=(3, 50, 41), dtype=float32)"
    assert frame.timestamp_ns == frame.published_ns > 0
    assert 0 <= frame.age_s < 3600
    assert frame.copied is False


@pytest.mark.parametrize("history_len", [0, -1, 4, 2**32])
def test_get_frames_out_of_range_is_a_value_error(
    new_producer: MakeProducer, new_consumer: MakeConsumer, history_len: int
) -> None:
    new_producer(filled(0), 3)
    consumer = new_consumer(filled(0), 3)

    with pytest.raises(ValueError, match="history_len must be 1 to"):
        consumer.get_frames(history_len)


def test_get_frames_before_the_first_frame_is_none(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    new_producer(filled(0), 3)
    consumer = new_consumer(filled(0), 3)

    assert consumer.get_frames(2) is None
    assert consumer.get_frame() is None
