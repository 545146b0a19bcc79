"""Pools of CUDA tensors, with a stand-in for torch: torch itself makes none without a GPU (tests/gpu).

What is tested is what goes to torch and comes from it: capsules, addresses, streams.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest
from support import REPOSITORY

if TYPE_CHECKING:
    from support import StartChild

BEGINNING = """
import sys
import numpy as np
from device_arrays import DeviceArray, Driver, Stream
import fake_torch
driver = Driver()
torch = fake_torch.install(driver)
from tensor_ipc import MetadataCreator, PoolMetadata, TensorConsumer, TensorProducer
name = sys.argv[1]

def cuda(values):
    return torch.Tensor(DeviceArray(driver, np.asarray(values)))

def full(value):
    return cuda(np.full((2, 3), value, np.int32))

def raises(error, use, *parts):
    try:
        use()
    except error as found:
        assert type(found) is error, found
        for part in parts:
            assert part in str(found), found
    else:
        raise AssertionError("nothing was raised")
"""

PROGRAMS = {
    "metadata": """
sample = full(0)
metadata = MetadataCreator.from_torch_cuda_sample(name, sample, history_len=2)
assert metadata == PoolMetadata(name, (2, 3), "int32", "torch_cuda", 2, "cuda:0"), metadata
assert MetadataCreator.from_torch_cuda_sample(name, sample, 2, None) == metadata
assert MetadataCreator.from_sample(name, sample, 2) == metadata
raises(ValueError, lambda: MetadataCreator.from_torch_sample(name, sample), "cuda:0")
raises(ValueError, lambda: MetadataCreator.from_torch_cuda_sample(name, sample, 0), "history_len")
raises(ValueError, lambda: MetadataCreator.from_torch_cuda_sample(name, cuda(np.zeros((0, 2)))))
on_host = full(0)
on_host.is_cuda, on_host.device = False, fake_torch.Device("cpu", None)
raises(TypeError, lambda: MetadataCreator.from_torch_cuda_sample(name, on_host), "one on cpu")
quantized = full(0)
quantized.is_quantized = True
raises(TypeError, lambda: MetadataCreator.from_torch_cuda_sample(name, quantized), "quantized")
""",
    "put and get": """
with TensorProducer.from_sample(name, full(0), history_len=3) as producer:
    with TensorConsumer.from_sample(name, full(0), history_len=3) as consumer:
        for value in range(5):
            assert producer.put(full(value)) == value
            producer.synchronize()
            found = consumer.get()
            assert isinstance(found, torch.Tensor) and found.is_cuda
            assert (found.contents() == value).all()
            assert (consumer.get(as_numpy=True) == value).all()
        del found
        window = consumer.get(3)
        assert window.contents()[:, 0, 0].tolist() == [4, 3, 2]
        assert consumer.stats.copied_frames == 0
        old_first = consumer.get(3, latest_first=False)
        assert old_first.contents()[:, 0, 0].tolist() == [2, 3, 4]
        assert consumer.stats.copied_frames == 3  # torch has no negative strides
        copy = consumer.get(copy=True)
        assert copy.data_ptr() != consumer.get().data_ptr()
        assert (copy.contents() == 4).all()
        assert (consumer.get_frame().data.contents() == 4).all()
        assert consumer.backend == "torch_cuda"
""",
    "refusals": """
with TensorProducer.from_sample(name, full(0)) as producer:
    raises(TypeError, lambda: producer.put(np.zeros((2, 3), np.int32)), "takes torch.Tensor")
    raises(TypeError, lambda: producer.put(cuda(np.zeros((2, 3)))), "int32", "float64")
    raises(ValueError, lambda: producer.put(cuda(np.zeros((3, 2), np.int32))), "(3, 2)")
    strided = full(0)
    strided.source.strides = (4, 8)
    raises(ValueError, lambda: producer.put(strided), "tensor.contiguous()")
    elsewhere = full(0)
    elsewhere.device.index = 1
    raises(TypeError, lambda: producer.put(elsewhere), "cuda:0", "cuda:1", "peer_copy=True")
    assert producer.put(DeviceArray(driver, np.zeros((2, 3), np.int32))) == 0
with TensorProducer.from_sample(name, np.zeros((2, 3), np.int32), accept_any=True) as producer:
    raises(TypeError, lambda: producer.put(full(0)), "lies on cpu", "torch.Tensor on cuda:0")
with TensorProducer.from_sample(name, full(0), accept_any=True) as producer:
    assert producer.put(np.zeros((2, 3), np.int32)) == 0
""",
    "streams": """
stream = Stream(driver)
with TensorProducer.from_sample(name, full(0)) as producer:
    with TensorConsumer.from_sample(name, full(0)) as consumer:
        data = full(0)
        fake_torch.current[0] = stream.ptr
        driver.hold(True)
        driver.write(data.data_ptr(), np.full((2, 3), 1, np.int32).tobytes(), stream=stream.ptr)
        producer.put(data)  # on torch's current stream
        driver.write(data.data_ptr(), np.full((2, 3), 2, np.int32).tobytes(), stream=stream.ptr)
        assert consumer.get() is None
        driver.hold(False)
        producer.synchronize()
        found = consumer.get(as_numpy=True)
        assert (found == 1).all(), found

        from tensor_ipc import inspect
        pinned = lambda: sum(each.pinned_slots for each in inspect(name).consumers)
        driver.drain()
        found = consumer.get()
        driver.hold(True)
        driver.write(data.data_ptr(), bytes(24), stream=stream.ptr)  # torch has work to do
        del found
        assert pinned() == 1
        driver.hold(False)
        driver.drain()
        assert pinned() == 0

        driver.hold(True)
        with producer.loan() as tensor:
            assert isinstance(tensor, torch.Tensor)
            driver.write(
                tensor.data_ptr(), np.full((2, 3), 3, np.int32).tobytes(), stream=stream.ptr
            )
        driver.hold(False)
        producer.synchronize()
        assert (consumer.get().contents() == 3).all()
        assert producer.stats.copied_bytes == 24
""",
}


USAGE = REPOSITORY.parent / "shared" / "USAGE.md"


@pytest.mark.skipif(
    not USAGE.exists(), reason="the users' specification is not beside this repository"
)
def test_snippet_of_the_specification(
    monkeypatch: pytest.MonkeyPatch, start_child: StartChild
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(__file__))  # noqa: PTH120
    (snippet,) = re.findall(
        r"^```python\n([^`]*cuda_pool[^`]*)^```",
        USAGE.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    end = """
from tensor_ipc import TensorConsumer
producer.synchronize()
with TensorConsumer.attach("cuda_pool") as consumer:
    assert (consumer.get().contents() == gpu_data.contents()).all()
producer.cleanup()
print("put on the GPU")
"""
    child = start_child(BEGINNING.replace("name = sys.argv[1]", "") + snippet + end)

    code, output, errors = child.finish()
    assert (code, output, errors) == (0, "put on the GPU\n", "")


@pytest.mark.parametrize("program", PROGRAMS)
def test_with_a_stand_in_for_torch(
    monkeypatch: pytest.MonkeyPatch, start_child: StartChild, pool: str, program: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(__file__))  # noqa: PTH120

    # Already in one column.
    child = start_child(BEGINNING + PROGRAMS[program], pool)

    code, _, errors = child.finish()
    assert errors == ""
    assert code == 0
