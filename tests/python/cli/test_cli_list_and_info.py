import json
import os
from pathlib import Path

import numpy as np
import pytest

from tensor_ipc import TensorConsumer, TensorProducer


@pytest.fixture
def producer(pool):
    sample = np.zeros((2, 3), np.float32)
    with TensorProducer.from_sample(pool, sample, history_len=4) as producer:
        yield producer


def test_list_says_so_when_there_is_no_pool(tensor_ipc):
    result = tensor_ipc("list")

    assert result.exit_code == 0
    assert result.output == "no pools\n"


def test_list_as_json_is_empty_when_there_is_no_pool(tensor_ipc):
    assert json.loads(tensor_ipc("list", "--json").output) == []


def test_list_shows_a_pool(tensor_ipc, pool, producer):
    producer.put(np.ones((2, 3), np.float32))

    result = tensor_ipc("list")

    assert result.exit_code == 0
    (row,) = [line for line in result.output.splitlines() if pool in line]
    for cell in ("2x3", "float32", "cpu", "alive"):
        assert cell in row


def test_list_as_json_has_every_fact(tensor_ipc, pool, producer):
    producer.put(np.ones((2, 3), np.float32))

    (listed,) = json.loads(tensor_ipc("list", "--json").output)

    assert listed["name"] == pool
    assert listed["shape"] == [2, 3]
    assert listed["dtype_str"] == "float32"
    assert listed["history_len"] == 4
    assert listed["latest_frame"] == 0
    assert listed["producer_alive"] is True
    assert listed["error"] == ""
    assert listed["segment_bytes"] > listed["frame_bytes"] == 24


@pytest.mark.usefixtures("producer")
def test_info_says_that_there_is_no_frame_yet(tensor_ipc, pool):
    result = tensor_ipc("info", pool)

    assert result.exit_code == 0
    assert "none yet" in result.output


@pytest.mark.usefixtures("producer")
def test_info_counts_consumers_without_joining_them(tensor_ipc, pool):
    with TensorConsumer.attach(pool):
        pool_info = json.loads(tensor_ipc("info", pool, "--json").output)
        text = tensor_ipc("info", pool).output

    (consumer,) = pool_info["consumers"]
    assert consumer["pid"] == os.getpid()
    assert consumer["pinned_slots"] == 0
    assert pool_info["name"] == pool
    assert "pinned slots" in text


@pytest.mark.parametrize("command", ["info", "watch"])
def test_refuses_a_pool_that_is_not_there(tensor_ipc, command, pool):
    result = tensor_ipc(command, pool)

    assert result.exit_code == 1
    assert result.output.startswith("PoolNotFoundError: ")
    assert pool in result.output


@pytest.mark.parametrize("command", ["info", "watch"])
def test_refuses_a_name_that_no_pool_can_have(tensor_ipc, command):
    result = tensor_ipc(command, "no spaces; please")

    assert result.exit_code == 1
    assert result.output.startswith("InvalidPoolNameError: ")


@pytest.mark.usefixtures("producer")
def test_list_shows_a_broken_segment_with_what_is_wrong(tensor_ipc, pool, segments):
    (name,) = segments()
    path = Path("/dev/shm") / f"{name}-broken"
    path.write_bytes(b"garbage" * 1000)

    result = tensor_ipc("list")
    listed = json.loads(tensor_ipc("list", "--json").output)
    refused = tensor_ipc("info", f"{pool}-broken")
    path.unlink()

    assert result.exit_code == 0
    assert "broken" in result.output
    assert [each["error"] != "" for each in listed] == [False, True]
    assert refused.exit_code == 1
    assert refused.output.startswith("SegmentError: ")
