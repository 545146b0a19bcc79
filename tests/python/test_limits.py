"""Processes that run out of something, and ones that come and go ten thousand times."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path
from typing import Callable

from support import HANG_S, MakeProducer, StartChild, filled

from tensor_ipc import TensorConsumer, TensorProducer

CYCLES = 10_000
WARM_UP = 1_000

# A leak of 60 bytes a cycle is more than this; what the allocator keeps for later is less.
MOST_GROWTH_BYTES = 512 * 1024


def resident_bytes() -> int:
    """Memory of this process that is nobody else's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise AssertionError


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counting, not walking


def mappings() -> int:
    return Path("/proc/self/maps").read_text().count("\n")


def expect_flat(cycle: Callable[[int], None], cycles: int = CYCLES) -> None:
    """Run `cycle` many times and compare the end with what there was after a warm-up."""
    for value in range(WARM_UP):
        cycle(value)
    gc.collect()
    before = resident_bytes(), descriptors(), mappings(), threading.active_count()

    for value in range(cycles - WARM_UP):
        cycle(value)

    gc.collect()
    assert resident_bytes() - before[0] < MOST_GROWTH_BYTES
    assert descriptors() == before[1]
    assert mappings() < before[2] + 100  # the allocator has its own
    assert threading.active_count() == before[3]


def test_ten_thousand_consumers_one_after_the_other_leave_nothing_behind(
    new_producer: MakeProducer, pool: str
) -> None:
    producer = new_producer(history_len=3)
    producer.put(filled(0))

    def cycle(value: int) -> None:
        with TensorConsumer.attach(pool) as consumer:
            if value % 3 == 0:
                producer.put(filled(value))
            view = consumer.get(1 + value % 3)
            assert view is not None

    expect_flat(cycle)


def test_ten_thousand_producers_one_after_the_other_leave_nothing_behind(pool: str) -> None:
    def cycle(value: int) -> None:
        with TensorProducer.from_sample(pool, filled(0), 2) as producer:
            assert producer.put(filled(value)) == 0
            with producer.loan() as array:
                array[:] = value

    expect_flat(cycle)


def test_thousands_of_callbacks_and_descriptors_come_and_go(
    new_producer: MakeProducer, pool: str
) -> None:
    producer = new_producer()
    producer.put(filled(0))

    def cycle(value: int) -> None:
        called = threading.Event()
        with TensorConsumer.attach(pool, callback=lambda _: called.set()) as consumer:
            if value % 2 == 0:
                consumer.fileno()
            assert called.wait(HANG_S)

    expect_flat(cycle, 3 * WARM_UP)


DESCRIPTORS = """
    import os, resource, sys
    import numpy as np
    from tensor_ipc import TensorConsumer, TensorProducer

    name, frame = sys.argv[1], np.zeros((2, 3), dtype=np.int32)
    producer = TensorProducer.from_sample(name, frame)
    consumer = TensorConsumer.attach(name)
    producer.put(frame)
    before = sorted(os.listdir("/proc/self/fd"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def refused(call):
        try:
            call()
        except OSError as error:
            return error.errno
        return None

    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    errors = [
        refused(lambda: TensorProducer.from_sample(name + "b", frame)),
        refused(lambda: TensorConsumer.attach(name)),
        refused(lambda: TensorConsumer.from_sample(name + "c", frame).wait(1)),
        refused(consumer.fileno),
    ]
    assert producer.put(frame) == 1
    assert consumer.wait(60) and consumer.get() is not None
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert sorted(os.listdir("/proc/self/fd")) == before
    print(*errors)
    consumer.fileno()
    with TensorProducer.from_sample(name + "b", frame), TensorConsumer.attach(name) as other:
        assert other.get() is not None
"""


def test_process_without_descriptors_gets_errors_and_works_again_afterwards(
    start_child: StartChild, pool: str
) -> None:
    code, output, errors = start_child(DESCRIPTORS, pool).finish()

    assert errors == ""
    assert code == 0
    assert output.split() == ["24"] * 4  # EMFILE


MEMORY = """
    import resource, sys
    import numpy as np
    from tensor_ipc import PoolExhaustedError, TensorConsumer, TensorProducer

    name, frame = sys.argv[1], np.zeros((1024, 1024), dtype=np.int32)
    producer = TensorProducer.from_sample(name, frame, 4)
    consumer = TensorConsumer.attach(name, max_pins=1)
    other = TensorConsumer.attach(name)
    for value in range(6):
        with producer.loan() as array:
            array[:] = value
    held = consumer.get()
    in_use = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)

    def refused(call):
        try:
            call()
        except Exception as error:
            return type(error).__name__
        return None

    resource.setrlimit(resource.RLIMIT_AS, (in_use + (1 << 20), hard))
    errors = [
        refused(lambda: TensorProducer.from_sample(name + "b", frame, 4)),
        refused(lambda: TensorConsumer.attach(name)),
        refused(lambda: consumer.get(4)),
        refused(lambda: consumer.get(copy=True)),
    ]
    producer.put(held)
    assert other.get() is not None  # views need no memory
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    print(*errors)
    assert consumer.get(4).shape == (4, 1024, 1024)
    assert (held == 5).all()
    with TensorProducer.from_sample(name + "b", frame, 4), TensorConsumer.attach(name) as other:
        assert other.get() is not None
"""


def test_process_without_memory_gets_errors_and_works_again_afterwards(
    start_child: StartChild, pool: str
) -> None:
    code, output, errors = start_child(MEMORY, pool).finish()

    assert errors == ""
    assert code == 0
    assert output.split() == ["OSError", "OSError", "PoolExhaustedError", "MemoryError"]
