"""Pinned host pools: copies from frames that are dropped at once, with the driver alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bench.gpu.driver import Cuda  # noqa: TC002

from tensor_ipc import TensorConsumer, TensorProducer

ROUNDS = 200


def test_the_driver_locks_the_pool(cuda: Cuda, pool: str) -> None:
    sample = np.zeros(1 << 18, np.int32)
    with TensorProducer.from_sample(pool, sample, pinned=True) as producer:
        consumer = TensorConsumer.attach(pool, pinned=True)

        assert producer.stats.pinned == bool(cuda.attribute(99)), producer.stats.pinned_refusal
        assert consumer.stats.pinned == bool(cuda.attribute(113)), consumer.stats.pinned_refusal
        consumer.cleanup()


@pytest.mark.parametrize("own_stream", [False, True])
def test_frames_that_are_dropped_before_they_were_copied_arrive_whole(
    cuda: Cuda, pool: str, own_stream: bool
) -> None:
    count = 4096 if cuda.is_fake else 1 << 20
    rounds = 40 if cuda.is_fake else ROUNDS
    arrived = [cuda.array(np.full(count, -1, np.int32)) for _ in range(8)]
    stream = cuda.stream()
    on: Any = stream.ptr if own_stream else 0
    with TensorProducer.from_sample(pool, np.zeros(count, np.int32), 2, spare=8) as producer:
        consumer = TensorConsumer.attach(pool, pinned=True, max_pins=6)
        if own_stream:
            consumer.record_stream(stream)
        for value in range(rounds):
            producer.put(np.full(count, value, np.int32))
            into = arrived[value % len(arrived)]
            if value % 8 == 0:
                cuda.be_busy(on, 5)
            frame = consumer.get()
            cuda.copy_in(into.address, frame.ctypes.data, frame.nbytes, on)
            del frame
            if value % len(arrived) == len(arrived) - 1:
                for other in range(16):
                    producer.put(np.full(count, -other, np.int32))
                found = [int(each.host(on)[0]) for each in arrived]
                assert all(
                    (each.host(on) == first).all() for each, first in zip(arrived, found)
                )
                assert found == list(range(value - len(arrived) + 1, value + 1))
        cuda.synchronize(on)
        consumer.cleanup()
    for array in arrived:
        array.free()
    stream.close()
