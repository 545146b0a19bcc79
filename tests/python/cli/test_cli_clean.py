import json

import numpy as np
import pytest

from tensor_ipc import TensorProducer

_PRODUCE = """
import sys, numpy as np
from tensor_ipc import TensorProducer
producer = TensorProducer.from_sample(sys.argv[1], np.zeros(10, np.uint8))
print("there", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def leftover(start, pool):
    """Return the pool of a producer that was killed."""
    process = start("-c", _PRODUCE, pool)
    assert process.stdout.readline() == "there\n"
    process.kill()
    process.wait()
    return pool


def test_clean_says_so_when_there_is_nothing(tensor_ipc):
    result = tensor_ipc("clean")

    assert result.exit_code == 0
    assert result.output == "nothing to clean\n"


def test_clean_leaves_the_pool_of_a_live_producer(tensor_ipc, pool, segments):
    with TensorProducer.from_sample(pool, np.zeros(10)):
        result = tensor_ipc("clean")
        there = segments()

    assert result.output == "nothing to clean\n"
    assert len(there) == 1


def test_clean_removes_what_a_killed_producer_left(tensor_ipc, leftover, segments):
    result = tensor_ipc("clean")

    assert result.exit_code == 0
    assert result.output.startswith(f"removed {leftover} (")
    assert segments() == []


def test_clean_only_says_what_it_would_do_when_dry(tensor_ipc, leftover, segments):
    result = tensor_ipc("clean", "--dry-run")
    there = segments()
    tensor_ipc("clean")

    assert result.output.startswith(f"would remove {leftover} (")
    assert len(there) == 1


def test_clean_as_json_names_pool_size_and_reason(tensor_ipc, leftover):
    (cleaned,) = json.loads(tensor_ipc("clean", "--json").output)

    assert cleaned["name"] == leftover
    assert cleaned["bytes"] > 0
    assert cleaned["reason"]


def test_list_calls_the_producer_dead(tensor_ipc, leftover):
    (row,) = [line for line in tensor_ipc("list").output.splitlines() if leftover in line]
    tensor_ipc("clean")

    assert "dead" in row
