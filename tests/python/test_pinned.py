"""Host pools whose memory the CUDA driver has locked, through the public API.

With the stand-in for the driver where TENSOR_IPC_FAKE_CUDA names it (`scripts/test cuda`); without a
driver everywhere.
"""

from __future__ import annotations

import logging
import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tensor_ipc import TensorConsumer, TensorProducer
from tensor_ipc.core import pinning

if TYPE_CHECKING:
    from support import MakeConsumer, MakeProducer, StartChild

FAKE = os.environ.get("TENSOR_IPC_FAKE_CUDA", "")
needs_fake = pytest.mark.skipif(
    not FAKE,
    reason="needs the stand-in for the CUDA driver, named by TENSOR_IPC_FAKE_CUDA "
    "(scripts/test cuda)",
)
SAMPLE = np.zeros((64, 64), dtype=np.int32)

# A process with a driver of its own, its pool and a consumer of it.
WITH_DRIVER = """
import ctypes, logging, os, sys
os.environ["TENSOR_IPC_CUDA_DRIVER"] = sys.argv[2]
import numpy as np
from tensor_ipc import TensorConsumer, TensorProducer

logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(levelname)s %(message)s")
SAMPLE = np.zeros((64, 64), dtype=np.int32)
name = sys.argv[1]
driver = None
if os.path.exists(sys.argv[2]):
    driver = ctypes.CDLL(sys.argv[2])
    driver.fake_cuda_calls.restype = ctypes.c_uint64
    driver.fake_cuda_calls.argtypes = [ctypes.c_char_p]
    u64 = ctypes.c_uint64

def call(function, *args):
    status = getattr(driver, function)(*args)
    assert status == 0, (function, status)

def make_context():
    context = ctypes.c_void_p()
    call("cuInit", 0)
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
    call("cuCtxPushCurrent_v2", context)

def device_memory(count):
    address = u64()
    call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(count))
    return address

def copy_to_device(address, array, stream=0):
    call("cuMemcpyHtoDAsync_v2", address, ctypes.c_void_p(array.ctypes.data),
         ctypes.c_size_t(array.nbytes), ctypes.c_void_p(stream))

def arrived(address):
    array = np.empty_like(SAMPLE)
    call("cuMemcpyDtoHAsync_v2", ctypes.c_void_p(array.ctypes.data), address,
         ctypes.c_size_t(array.nbytes), None)
    call("cuStreamSynchronize", None)
    return array

def is_pinned(array):
    kind = ctypes.c_uint(0)
    found = driver.cuPointerGetAttribute(ctypes.byref(kind), 2, u64(array.ctypes.data))
    return found == 0 and kind.value == 1
"""


def run(start_child: StartChild, program: str, pool: str, driver: str = FAKE) -> str:
    """Run a program after `WITH_DRIVER`; it has to end well. Return what it wrote."""
    child = start_child(WITH_DRIVER + program, pool, driver)
    out, err = child.process.communicate(timeout=60)
    assert child.process.returncode == 0, out + err
    return str(out)


@needs_fake
def test_slots_and_frames_are_pinned_when_that_was_asked_for(
    start_child: StartChild, pool: str
) -> None:
    program = """
with TensorProducer.from_sample(name, SAMPLE, pinned=True) as producer:
    consumer = TensorConsumer.attach(name, pinned="cuda:0")
    with producer.loan() as slot:
        assert is_pinned(slot)
        slot[:] = 4
    frame = consumer.get()
    assert is_pinned(frame) and (frame == 4).all()
    assert producer.stats[3:] == (True, "") and consumer.stats[4:] == (True, "")
    consumer.cleanup()
    assert is_pinned(frame)
    address = frame.ctypes.data
    del frame
    kind = ctypes.c_uint(0)
    assert driver.cuPointerGetAttribute(ctypes.byref(kind), 2, u64(address)) != 0
"""
    assert run(start_child, program, pool) == ""


@needs_fake
@pytest.mark.parametrize("stream", ["default", "own"])
def test_a_frame_that_is_dropped_before_it_was_copied_arrives_whole(
    start_child: StartChild, pool: str, stream: str
) -> None:
    program = """
make_context()
memory = device_memory(SAMPLE.nbytes)
with TensorProducer.from_sample(name, SAMPLE, pinned=True) as producer:
    consumer = TensorConsumer.attach(name, pinned=True)
    stream = ctypes.c_void_p()
    if %r == "own":
        call("cuStreamCreate", ctypes.byref(stream), 1)
        consumer.record_stream(stream.value)
    producer.put(np.full_like(SAMPLE, 7))
    driver.fake_cuda_hold(1)
    copy_to_device(memory, consumer.get(), stream.value or 0)
    for value in range(100, 120):
        producer.put(np.full_like(SAMPLE, value))
    driver.fake_cuda_hold(0)
    driver.fake_cuda_drain()
    assert (arrived(memory) == 7).all(), arrived(memory)
    consumer.cleanup()
"""
    assert run(start_child, program % stream, pool) == ""


@needs_fake
def test_the_pool_of_the_next_producer_is_pinned_too(
    start_child: StartChild, pool: str
) -> None:
    program = """
first = TensorProducer.from_sample(name, SAMPLE)
consumer = TensorConsumer.from_sample(name, SAMPLE, pinned=True)
first.put(SAMPLE)
held = consumer.get()
first.cleanup()
assert consumer.get() is None and not consumer.stats.pinned
with TensorProducer.from_sample(name, SAMPLE) as second:
    second.put(SAMPLE + 1)
    frame = consumer.get()
    assert (frame == 1).all() and is_pinned(frame) and is_pinned(held)
    assert consumer.stats.pinned
"""
    assert run(start_child, program, pool) == ""


@needs_fake
def test_a_forked_child_reads_unpinned_and_says_so_once(
    start_child: StartChild, pool: str
) -> None:
    program = """
with TensorProducer.from_sample(name, SAMPLE) as producer:
    producer.put(SAMPLE)
    consumer = TensorConsumer.attach(name, pinned=True)
    held = consumer.get()
    child = os.fork()
    if child == 0:
        ok = (consumer.get() == 0).all() and not consumer.stats.pinned
        ok = ok and "spawn" in consumer.stats.pinned_refusal and consumer.get() is not None
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert consumer.stats.pinned and is_pinned(held)
"""
    out = run(start_child, program, pool)

    assert out.count("WARNING") == 1
    assert "does not survive fork()" in out


@needs_fake
def test_a_refusal_of_the_driver_is_in_the_stats_and_in_the_log(
    start_child: StartChild, pool: str
) -> None:
    program = """
driver.fake_cuda_fail(b"cuMemHostRegister_v2", u64(0), 2)
with TensorProducer.from_sample(name, SAMPLE, pinned=True) as producer:
    consumer = TensorConsumer.attach(name, pinned=True)
    for value in range(10):
        producer.put(SAMPLE + value)
        assert (consumer.get() == value).all()
    for stats in (producer.stats, consumer.stats):
        assert not stats.pinned
        assert "CUDA_ERROR_OUT_OF_MEMORY" in stats.pinned_refusal
"""
    out = run(start_child, program, pool)

    assert out.count("WARNING") == 2  # one of the producer, one of the consumer


@needs_fake
def test_tensors_lie_in_the_pinned_memory(start_child: StartChild, pool: str) -> None:
    pytest.importorskip("torch")
    program = """
import torch

def lies_in_pinned(tensor):
    kind = ctypes.c_uint(0)
    found = driver.cuPointerGetAttribute(ctypes.byref(kind), 2, u64(tensor.data_ptr()))
    return found == 0 and kind.value == 1

sample = torch.zeros(3, 64)
with TensorProducer.from_sample(name, sample, 3, pinned=True) as producer:
    consumer = TensorConsumer.attach(name, pinned=True)
    for value in range(20):
        producer.put(sample + value)
        driver.fake_cuda_drain()
        assert lies_in_pinned(consumer.get())
        assert lies_in_pinned(consumer.get(min(value + 1, 3))[-1])
        assert lies_in_pinned(torch.from_dlpack(consumer.get_frame()))
    with producer.loan() as slot:
        assert lies_in_pinned(slot)
"""
    assert run(start_child, program, pool) == ""


def test_without_a_driver_everything_works_unpinned(start_child: StartChild, pool: str) -> None:
    program = """
with TensorProducer.from_sample(name, SAMPLE, pinned=True) as producer:
    consumer = TensorConsumer.from_sample(name, SAMPLE, pinned=True)
    producer.put(SAMPLE + 3)
    assert (consumer.get() == 3).all()
    assert consumer.stats.pinned_refusal.startswith("no CUDA driver")
    assert producer.stats.pinned_refusal == consumer.stats.pinned_refusal
"""
    out = run(start_child, program, pool, "/nonexistent/libcuda.so.1")

    assert out.count("WARNING") == 2
    assert "is not pinned in this process" in out


def test_cuda_is_not_loaded_where_nobody_asked_for_it(
    start_child: StartChild, pool: str
) -> None:
    program = """
del driver
with TensorProducer.from_sample(name, SAMPLE) as producer:
    consumer = TensorConsumer.attach(name)
    producer.put(SAMPLE)
    assert consumer.get() is not None
    assert consumer.stats[4:] == (False, "") and producer.stats[3:] == (False, "")
    assert "cuda" not in open("/proc/self/maps").read()
"""
    assert run(start_child, program, pool, "/nonexistent/libcuda.so.1") == ""


def test_a_private_tensor_cannot_be_pinned(new_producer: MakeProducer, pool: str) -> None:
    new_producer()

    with pytest.raises(ValueError, match="exclude each other"):
        TensorConsumer.attach(pool, pinned=True, torch_views="private")


@pytest.mark.parametrize("wrong", ["cpu", "cuda:", "cuda:-1", "cuda:x", ""])
def test_a_device_that_is_none_is_refused(new_producer: MakeProducer, wrong: str) -> None:
    with pytest.raises(ValueError, match="'cuda:1'"):
        new_producer(pinned=wrong)


@pytest.mark.parametrize("wrong", [1, None, 2.0])
def test_something_that_is_no_device_is_refused(pool: str, wrong: Any) -> None:
    with pytest.raises(TypeError, match="pinned must be"):
        TensorConsumer.from_sample(pool, SAMPLE, pinned=wrong)


def test_the_option_travels_in_pickles(
    new_producer: MakeProducer, new_consumer: MakeConsumer, caplog: pytest.LogCaptureFixture
) -> None:
    device = "cuda:999"  # there is none, with or without a driver
    with caplog.at_level(logging.WARNING, logger=pinning.__name__):
        producer = new_producer(pinned=device)
        consumer = new_consumer(pinned=device)
        other = pickle.loads(pickle.dumps(consumer))
        refusal = other.stats.pinned_refusal
        other.cleanup()
        copy: TensorProducer = pickle.loads(pickle.dumps(producer))
        producer.cleanup()
        copy.put(np.zeros((2, 3), dtype=np.int32))
        assert copy.stats.pinned_refusal == refusal
        copy.cleanup()

    assert refusal
    assert len(caplog.records) == 4  # of each of the four objects, once


class _Torch:
    cuda_stream = 11


class _CuPy:
    ptr = 12


class _Protocol:
    def __cuda_stream__(self) -> tuple[int, int]:
        return (0, 13)


@pytest.mark.parametrize(
    ("stream", "handle"), [(10, 10), (_Torch(), 11), (_CuPy(), 12), (_Protocol(), 13)]
)
def test_streams_are_taken_from_every_framework(stream: Any, handle: int) -> None:
    assert pinning.handle_of(stream) == handle


@pytest.mark.parametrize("wrong", ["1", None, True, Path()])
def test_what_is_no_stream_is_refused(new_consumer: MakeConsumer, wrong: Any) -> None:
    with pytest.raises(TypeError, match="a stream is an int"):
        new_consumer().record_stream(wrong)
