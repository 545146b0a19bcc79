"""Descriptions of pools made from samples on a GPU."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from device_arrays import BothArray, DeviceArray, InterfaceArray

from tensor_ipc import MetadataCreator, PoolMetadata, TensorConsumer, TensorProducer
from tensor_ipc.backends import detect_backend

if TYPE_CHECKING:
    from conftest import MakeArray

KINDS = [DeviceArray, InterfaceArray, BothArray]


@pytest.mark.parametrize("kind", KINDS)
def test_sample_on_a_gpu(on_device: MakeArray, kind: type) -> None:
    sample = on_device(np.zeros((2, 3), np.float32), kind=kind)

    found = MetadataCreator.from_cuda_array_sample("images", sample, history_len=4)

    assert found == PoolMetadata("images", (2, 3), "float32", "cuda", 4, "cuda:0")
    assert found.total_size == 2 * 3 * 4 * 4
    assert found.on_gpu
    assert MetadataCreator.from_sample("images", sample, 4) == found
    assert MetadataCreator.from_sample("images", sample, 4, "cuda") == found
    assert detect_backend(sample) == "cuda"


@pytest.mark.parametrize(
    "dtype", ["uint8", "int16", "int64", "float16", "float64", "complex64", "bool"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_dtypes(on_device: MakeArray, kind: type, dtype: str) -> None:
    sample = on_device(np.zeros(3, dtype), kind=kind)

    assert MetadataCreator.from_cuda_array_sample("p", sample).dtype_str == dtype


def test_a_sample_is_asked_once_and_given_back(on_device: MakeArray) -> None:
    sample = on_device(np.zeros(3))

    MetadataCreator.from_cuda_array_sample("p", sample)

    assert sample.streams == [1]  # -1, for no order, is a stream's handle to JAX
    assert sample.deleted == 1


@pytest.mark.parametrize("sample", [np.zeros(3), [1, 2], None], ids=["numpy", "list", "None"])
def test_what_lies_on_no_gpu(sample: Any) -> None:
    with pytest.raises(TypeError, match="expected an array in the memory of a GPU"):
        MetadataCreator.from_cuda_array_sample("p", sample)


def test_no_cuda_tensor() -> None:
    with pytest.raises(TypeError, match=r"expected a CUDA torch.Tensor, got ndarray"):
        MetadataCreator.from_torch_cuda_sample("p", np.zeros(3))


def test_ranges(on_device: MakeArray) -> None:
    with pytest.raises(ValueError, match="history_len"):
        MetadataCreator.from_cuda_array_sample("p", on_device(np.zeros(3)), history_len=0)
    with pytest.raises(ValueError, match="at least one element"):
        MetadataCreator.from_cuda_array_sample("p", on_device(np.zeros((0, 3))))


def test_elements_that_no_pool_can_hold(on_device: MakeArray) -> None:
    sample = on_device(np.zeros(3, np.float32), kind=InterfaceArray)
    sample.dtype = np.dtype(">f4")

    with pytest.raises(TypeError, match=r"type '>f4' cannot be shared"):
        MetadataCreator.from_cuda_array_sample("p", sample)


def test_address_that_is_on_no_gpu() -> None:
    host = np.zeros(3, np.float32)

    class Liar:
        __cuda_array_interface__ = {**host.__array_interface__, "version": 3}  # noqa: RUF012

    with pytest.raises(TypeError, match="not in the memory of a GPU"):
        MetadataCreator.from_cuda_array_sample("p", Liar())


def test_goes_through_json_and_pickle(on_device: MakeArray) -> None:
    found = MetadataCreator.from_cuda_array_sample("p", on_device(np.zeros(3)))

    assert PoolMetadata.from_json(found.to_json()) == found
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device_memory": "cloud"}, "device_memory must be one of 'auto', 'ipc', 'vmm'"),
        ({"sync": "never"}, "sync must be one of 'stream', 'block'"),
        ({"sync": "block"}, "are for pools in the memory of a GPU"),
        ({"peer_copy": True}, "are for pools in the memory of a GPU"),
        ({"device_memory": "ipc"}, "are for pools in the memory of a GPU"),
    ],
)
def test_options_of_a_host_pool(pool: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TensorProducer.from_sample(pool, np.zeros(3), **options)


def test_streams_of_a_host_pool(pool: str) -> None:
    with TensorProducer.from_sample(pool, np.zeros(3)) as producer:
        with pytest.raises(ValueError, match="lies in host memory, where there is no stream"):
            producer.put(np.zeros(3), stream=1)
        with pytest.raises(ValueError, match="lies in host memory, where there is no stream"):
            producer.loan(stream=1)
        producer.synchronize()


@pytest.mark.usefixtures("driver")
def test_pinned_is_for_host_pools(pool: str) -> None:
    metadata = PoolMetadata(pool, (2, 3), "int32", "cuda", 2, "cuda:0")
    with pytest.raises(ValueError, match="pinned is for pools in host memory"):
        TensorProducer(metadata, pinned=True)
    with TensorProducer(metadata) as producer, TensorConsumer(
        metadata, pinned=True
    ) as consumer:
        producer.put(np.ones((2, 3), np.int32))
        producer.synchronize()

        assert (consumer.get(as_numpy=True) == 1).all()
        assert not consumer.stats.pinned
        assert "lie in the memory of a GPU" in consumer.stats.pinned_refusal
