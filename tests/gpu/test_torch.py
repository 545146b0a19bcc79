"""What torch makes of pools on a GPU, and its kernels beside them."""

from __future__ import annotations

from typing import Any

import pytest

from tensor_ipc import TensorConsumer, TensorProducer

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.hardware,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU"),
]

ROUNDS = 50
SHAPE = (1024, 1024)
LONG = 20_000_000  # cycles of a kernel that does nothing else: some 10 ms


def full(value: float, **options: Any) -> Any:
    return torch.full(SHAPE, float(value), device="cuda", **options)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "bfloat16", "float32", "bool"])
def test_get_is_a_view_of_the_pool_with_its_shape_and_dtype(pool: str, dtype: str) -> None:
    sample = torch.ones((3, 5, 7), dtype=getattr(torch, dtype), device="cuda")
    with TensorProducer.from_sample(pool, sample, 3) as producer:
        consumer = TensorConsumer.attach(pool)
        producer.put(sample)
        producer.synchronize()
        first, again = consumer.get(), consumer.get()

        assert first.is_cuda
        assert first.device == sample.device
        assert first.dtype == sample.dtype
        assert first.shape == sample.shape
        assert first.is_contiguous()
        assert first.data_ptr() == again.data_ptr()
        assert torch.equal(first, sample)
        del first, again
        consumer.cleanup()


def test_a_history_is_one_strided_view(pool: str) -> None:
    with TensorProducer.from_sample(pool, full(0), 4, device_memory="auto") as producer:
        consumer = TensorConsumer.attach(pool)
        for value in range(10):
            producer.put(full(value))
        producer.synchronize()

        window = consumer.get(4)

        assert [int(each[0, 0]) for each in window] == [9, 8, 7, 6]
        assert all(bool((each == each[0, 0]).all()) for each in window)
        del window
        consumer.cleanup()


@pytest.mark.parametrize("memory", ["ipc", "vmm"])
@pytest.mark.parametrize("side", [False, True])
def test_frames_are_whole_beside_long_kernels(pool: str, memory: str, side: bool) -> None:
    stream = torch.cuda.Stream() if side else torch.cuda.current_stream()
    results = []
    with TensorProducer.from_sample(
        pool, full(0), 2, spare=4, device_memory=memory
    ) as producer:
        consumer = TensorConsumer.attach(pool)
        with torch.cuda.stream(stream):
            source = full(0)
            for value in range(ROUNDS):
                if value % 10 == 0:
                    torch.cuda._sleep(LONG)
                source.fill_(value)
                producer.put(source)
                source.fill_(-1)
                assert consumer.wait(timeout=60)
                frame = consumer.get_frame()
                if value % 10 == 5:
                    torch.cuda._sleep(LONG)
                results.append((frame.index, frame.data.amin(), frame.data.amax()))
                del frame
        torch.cuda.synchronize()
        consumer.cleanup()
    assert [(int(low), int(high)) for _, low, high in results] == [
        (i, i) for i, _, _ in results
    ]


def test_a_tensor_outlives_its_consumer_and_producer(pool: str) -> None:
    with TensorProducer.from_sample(pool, full(7), 1) as producer:
        consumer = TensorConsumer.attach(pool)
        producer.put(full(7))
        producer.synchronize()
        held = consumer.get()[3:]
        consumer.cleanup()

    assert bool((held == 7).all())


def test_a_loan_is_written_by_kernels_and_published_in_their_order(pool: str) -> None:
    with TensorProducer.from_sample(pool, full(0), 1) as producer:
        consumer = TensorConsumer.attach(pool)
        for value in range(ROUNDS):
            with producer.loan() as slot:
                torch.cuda._sleep(LONG // 10)
                slot.fill_(value)
            assert consumer.wait(timeout=60)
            assert bool((consumer.get() == value).all())
        consumer.cleanup()


def test_a_capture_into_a_graph_is_refused(pool: str) -> None:
    source = full(1)
    with TensorProducer.from_sample(pool, source, 1) as producer:
        producer.put(source)
        producer.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            source.add_(1)
            with pytest.raises(ValueError, match="captur"):
                producer.put(source)
        assert producer.stats.frames == 1


@pytest.mark.parametrize("side", [False, True])
def test_pinned_frames_are_copied_at_once_and_arrive_whole(pool: str, side: bool) -> None:
    stream = torch.cuda.Stream() if side else torch.cuda.current_stream()
    host = torch.zeros(SHAPE)
    with TensorProducer.from_sample(pool, host, 2, spare=8) as producer:
        consumer = TensorConsumer.attach(pool, pinned=True, max_pins=6)
        if not consumer.stats.pinned:
            pytest.skip(consumer.stats.pinned_refusal)
        if side:
            consumer.record_stream(stream)
        found = []
        with torch.cuda.stream(stream):
            for value in range(ROUNDS):
                producer.put(torch.full(SHAPE, float(value)))
                if value % 10 == 0:
                    torch.cuda._sleep(LONG)
                received = consumer.get()
                assert consumer.stats.copied_frames > 0 or received.is_pinned()
                on_gpu = received.to("cuda", non_blocking=True)
                del received
                found.append((on_gpu.amin(), on_gpu.amax()))
                if value % 5 == 4:
                    for other in range(12):
                        producer.put(torch.full(SHAPE, float(-other)))
                    torch.cuda.synchronize()
        consumer.cleanup()
    assert [(int(low), int(high)) for low, high in found] == [(i, i) for i in range(ROUNDS)]
