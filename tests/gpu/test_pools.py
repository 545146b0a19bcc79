"""Pools in the memory of a GPU: order, whole frames and deaths, with the driver alone."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from bench.gpu.driver import Cuda, address_of
from programs import PRODUCER, Program, outcome

from tensor_ipc import TensorConsumer, TensorProducer, clean

COUNT = 1 << 20  # of int32: 4 MB
SMALL = 4096
ROUNDS = 20


def frame(value: int, count: int) -> np.ndarray[Any, Any]:
    return np.full(count, value, np.int32)


def count_for(cuda: Cuda) -> int:
    return SMALL if cuda.is_fake else COUNT


def test_no_frame_is_seen_before_the_work_that_makes_it_is_done(
    cuda: Cuda, pool: str, memory: str
) -> None:
    count = count_for(cuda)
    stream = cuda.stream()
    values = [cuda.array(frame(value, count)) for value in range(ROUNDS)]
    source = cuda.array(frame(-1, count))
    with TensorProducer.from_sample(pool, source, 1, device_memory=memory) as producer:
        consumer = TensorConsumer.attach(pool)
        for value in range(ROUNDS):
            cuda.be_busy(stream.ptr, 5)
            cuda.copy(source.address, values[value].address, source.nbytes, stream.ptr)
            number = producer.put(source, stream=stream)
            cuda.copy(source.address, values[0].address, source.nbytes, stream.ptr)

            while not consumer.wait(timeout=60):
                pytest.fail("a frame was put and never published")
            got = consumer.get_frame()
            assert got.index == number
            assert (np.asarray(consumer.get(as_numpy=True)) == value).all()
        stream.synchronize()
        del got
        consumer.cleanup()
    for array in (*values, source):
        array.free()
    stream.close()


def test_a_frame_stays_while_the_gpu_reads_it_though_the_host_has_dropped_it(
    cuda: Cuda, pool: str, memory: str
) -> None:
    count = count_for(cuda)
    stream = cuda.stream()
    values = [cuda.array(frame(value, count)) for value in range(ROUNDS)]
    other = cuda.array(frame(-1, count))
    results = [cuda.array(frame(-2, count)) for _ in range(ROUNDS)]
    with TensorProducer.from_sample(
        pool, other, 1, spare=4, device_memory=memory, sync="block"
    ) as producer:
        consumer = TensorConsumer.attach(pool)
        for value in range(ROUNDS):
            producer.put(values[value])
            held = consumer.get()
            address = address_of(held)
            held.record_stream(stream)
            cuda.be_busy(stream.ptr, 5)
            cuda.copy(results[value].address, address, other.nbytes, stream.ptr)
            del held
            for _ in range(8):  # more than there are slots
                producer.put(other)
        stream.synchronize()
        for value in range(ROUNDS):
            assert (results[value].host() == value).all()
        consumer.cleanup()
    for array in (*values, *results, other):
        array.free()
    stream.close()


def test_frames_of_another_process_are_whole(cuda: Cuda, pool: str, memory: str) -> None:
    count = count_for(cuda)
    with Program(PRODUCER, pool, memory, count) as producing:
        assert producing.read() == "ready"
        consumer = TensorConsumer.attach(pool)
        producing.write(500)
        seen = 0
        last = -1
        while last < 499:
            if not consumer.wait(timeout=60):
                pytest.fail(f"frame {last} was the last that came")
            got = consumer.get_frame()
            values = np.frombuffer(cuda.copy_out(address_of(got.data), 4 * count), np.int32)
            assert (values == got.index % 8).all()
            assert got.index > last
            last = got.index
            seen += 1
            del got
        assert seen > 0
        consumer.cleanup()
        producing.finish()


def test_what_is_left_of_a_pool_whose_producer_was_killed(
    cuda: Cuda, pool: str, memory: str, record_property: Any
) -> None:
    count = count_for(cuda)
    with Program(PRODUCER, pool, memory, count) as producing:
        assert producing.read() == "ready"
        consumer = TensorConsumer.attach(pool)
        producing.write(5)
        assert producing.read() == "5"
        held = consumer.get()

    assert not consumer.connected
    if memory == "vmm":  # counted by the kernel
        values = np.frombuffer(cuda.copy_out(address_of(held), 4 * count), np.int32)
        assert (values == 4).all()
    else:
        assert consumer.get() is None
        record_property("ipc memory of a dead creator", "not read: undefined")
    del held
    consumer.cleanup()
    clean()


def test_a_reader_cannot_write_to_vmm_memory(cuda: Cuda, pool: str) -> None:
    if not (cuda.attribute(102) and cuda.attribute(103)):
        pytest.skip("this GPU cannot share memory by descriptors")
    with Program(PRODUCER, pool, "vmm", SMALL) as producing:
        assert producing.read() == "ready"
        producing.write(1)
        assert producing.read() == "1"

        said = outcome(
            """
            cuda = Cuda()
            consumer = TensorConsumer.attach(sys.argv[1])
            frame = consumer.get()
            mine = cuda.array(np.full(4096, 77, np.int32))
            refused = ""
            try:
                cuda.copy(address_of(frame), mine.address, mine.nbytes)
                cuda.synchronize()
            except RuntimeError as error:
                refused = str(error)
            print("refused", refused, flush=True)
            os._exit(0)
            """,
            pool,
        )
        assert "CUresult" in said, said

        consumer = TensorConsumer.attach(pool)
        assert (np.asarray(consumer.get(as_numpy=True)) == 0).all()
        consumer.cleanup()
        producing.finish()


@pytest.mark.hardware
def test_a_stream_that_is_captured_into_a_graph_is_refused(
    cuda: Cuda, pool: str, memory: str
) -> None:
    source = cuda.array(frame(1, SMALL))
    stream = cuda.stream()
    handle = ctypes.c_void_p(stream.ptr)
    with TensorProducer.from_sample(pool, source, device_memory=memory) as producer:
        cuda.call("cuStreamBeginCapture_v2", handle, 1)  # thread-local
        try:
            with pytest.raises(ValueError, match="captur"):
                producer.put(source, stream=stream)
        finally:
            graph = ctypes.c_void_p()
            cuda.call("cuStreamEndCapture", handle, ctypes.byref(graph))
        assert producer.stats.frames == 0
        producer.put(source, stream=stream)
        producer.synchronize()
    source.free()
    stream.close()


@pytest.mark.parametrize(
    ("what", "error", "says", "environment"),
    [
        ("no GPU is visible", "CudaUnavailableError", "CU", {"CUDA_VISIBLE_DEVICES": "-1"}),
        (
            "no driver",
            "CudaUnavailableError",
            "no CUDA driver",
            {"TENSOR_IPC_CUDA_DRIVER": "/x"},
        ),
        ("there is no such GPU", "CudaUnavailableError", "cuda:63", {}),
        ("the GPU is full", "CudaOutOfMemoryError", "OUT_OF_MEMORY", {}),
    ],
)
def test_errors_name_what_was_called_and_what_to_do(
    pool: str, what: str, error: str, says: str, environment: dict[str, str]
) -> None:
    said = outcome(
        """
        name, what = sys.argv[1:]
        device = "cuda:63" if what == "there is no such GPU" else "cuda:0"
        shape = (2**40,) if what == "the GPU is full" else (16,)
        wanted = PoolMetadata(name, shape, "int8", "cuda", device=device)
        try:
            TensorProducer(wanted)
        except CudaError as error:
            print(type(error).__name__, str(error).replace("\\n", " "))
        """,
        pool,
        what,
        **environment,
    )

    assert said.startswith(error), said
    assert says in said


def test_a_forked_child_has_no_cuda_and_says_so(pool: str) -> None:
    said = outcome(
        """
        cuda = Cuda()
        source = cuda.array(np.zeros(16, np.int32))
        producer = TensorProducer.from_sample(sys.argv[1], source)
        child = os.fork()
        if child == 0:
            try:
                TensorProducer.from_sample(sys.argv[1] + "2", source)
            except CudaUnavailableError as error:
                os._exit(0 if "spawn" in str(error) else 2)
            os._exit(1)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        producer.cleanup()
        print(status)
        """,
        pool,
    )

    assert said == "0"
