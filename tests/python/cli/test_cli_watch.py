import json
import signal

import numpy as np
import pytest

from tensor_ipc import TensorProducer

_FIELDS = {
    "name",
    "elapsed_s",
    "connected",
    "latest_frame",
    "frames",
    "rate_hz",
    "latency_p50_us",
    "latency_p99_us",
    "missed",
    "copied_bytes",
}


@pytest.fixture
def producer(pool):
    with TensorProducer.from_sample(pool, np.zeros(10)) as producer:
        yield producer


@pytest.fixture
def watch(start, pool):
    return start("-m", "tensor_ipc.cli", "watch", pool, "--json", "--interval", "0.1")


def test_watch_prints_one_object_a_line(producer, watch):
    """Frames are published until the watcher has reported some: no time is assumed."""
    seen = None
    while seen is None or not seen["frames"]:
        producer.put(np.zeros(10))
        seen = json.loads(watch.stdout.readline())

    assert set(seen) == _FIELDS
    assert seen["connected"] is True
    assert seen["rate_hz"] > 0
    assert seen["latency_p99_us"] >= seen["latency_p50_us"] > 0


def test_watch_goes_on_when_the_producer_ends(producer, watch):
    assert json.loads(watch.stdout.readline())["connected"] is True

    producer.cleanup()

    while json.loads(watch.stdout.readline())["connected"]:
        pass


def test_watch_ends_well_when_interrupted(producer, watch):  # noqa: ARG001
    watch.stdout.readline()
    watch.send_signal(signal.SIGINT)
    _, errors = watch.communicate()

    assert watch.returncode == 0
    assert errors == ""


def test_watch_ends_by_itself_after_the_seconds_given(tensor_ipc, producer, pool):
    producer.put(np.zeros(10))

    result = tensor_ipc("watch", pool, "--seconds", 0.2, "--interval", 0.1)

    assert result.exit_code == 0
    assert result.output.startswith(f"{pool}: frame 0, ")
