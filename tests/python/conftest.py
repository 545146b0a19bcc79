"""The tests have a namespace of their own, and each must leave nothing in it."""

from __future__ import annotations

import os
import signal
from typing import Any, Iterator
from uuid import uuid4

import numpy as np
import pytest
from support import Child, MakeConsumer, MakeProducer, StartChild, segments_of

from tensor_ipc import TensorConsumer, TensorProducer

# A shell starts background jobs with SIGINT ignored, and Python then leaves it so; the tests of
# Ctrl-C, and the processes that tests start, need it as it is in the foreground.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The tests in dds/ switch it on again. For the others it would be threads and ports that they do not
# look at, in those that take longer than the half second after which pools are told of.
os.environ["TENSOR_IPC_DDS"] = "off"

SAMPLE = np.zeros((2, 3), dtype=np.int32)


@pytest.fixture(scope="session", autouse=True)
def namespace() -> Iterator[str]:
    before = os.environ.get("TENSOR_IPC_NAMESPACE")
    name = f"t{uuid4().hex[:12]}"
    os.environ["TENSOR_IPC_NAMESPACE"] = name
    yield name
    if before is None:
        del os.environ["TENSOR_IPC_NAMESPACE"]
    else:
        os.environ["TENSOR_IPC_NAMESPACE"] = before


@pytest.fixture(autouse=True)
def _nothing_left(namespace: str) -> Iterator[None]:
    yield
    left = segments_of(namespace)
    for path in left:
        path.unlink()
    assert left == []


@pytest.fixture
def pool(_nothing_left: None) -> str:
    """Name of a pool that no other test has."""
    return f"pool-{uuid4().hex[:12]}"


@pytest.fixture
def new_producer(pool: str) -> Iterator[MakeProducer]:
    """Makes producers that are cleaned up after the test."""
    made = []

    def make(
        sample: Any = SAMPLE, history_len: int = 1, name: str = pool, **options: Any
    ) -> TensorProducer:
        producer = TensorProducer.from_sample(name, sample, history_len, **options)
        made.append(producer)
        return producer

    yield make
    for producer in made:
        producer.cleanup()


@pytest.fixture
def new_consumer(pool: str) -> Iterator[MakeConsumer]:
    """Makes consumers that are cleaned up after the test."""
    made = []

    def make(
        sample: Any = SAMPLE, history_len: int = 1, name: str = pool, **options: Any
    ) -> TensorConsumer:
        consumer = TensorConsumer.from_sample(name, sample, history_len=history_len, **options)
        made.append(consumer)
        return consumer

    yield make
    for consumer in made:
        consumer.cleanup()


@pytest.fixture
def start_child(_nothing_left: None) -> Iterator[StartChild]:
    """Starts Python programs, which end at the end of their input or of the test."""
    started = []

    def start(program: str, *args: object) -> Child:
        child = Child(program, *args)
        started.append(child)
        return child

    yield start
    for child in started:
        child.end()
