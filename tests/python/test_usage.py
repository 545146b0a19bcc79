"""The snippets of the users' specification, run exactly as they are printed."""

from __future__ import annotations

import re

import pytest
from support import REPOSITORY, StartChild

USAGE = REPOSITORY.parent / "shared" / "USAGE.md"

# Each block by what it begins with, up to the issue that brings its framework.
LATER = {
    "import rclpy": "ROS comes with a later issue",
    "from tensor_ipc.rosext import ROSTensorProducer": "ROS comes with a later issue",
    "import torch\nfrom tensor_ipc.core.producer import TensorProducer\n\n# CUDA": (
        "CUDA comes with a later issue"
    ),
}
TORCH = (
    "import torch\nfrom tensor_ipc.core.producer import TensorProducer\nfrom tensor_ipc.core.c"
)
PRODUCER = "import numpy as np\nimport time\nfrom tensor_ipc.core.producer"
CONSUMER = "from tensor_ipc.core.consumer import TensorConsumer"
CALLBACK = "def on_new_data(data):"
HISTORY = "# Get last 5 frames in chronological order"

pytestmark = pytest.mark.skipif(
    not USAGE.exists(), reason="the users' specification is not beside this repository"
)


def blocks() -> list[str]:
    text = USAGE.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def block(beginning: str) -> str:
    (found,) = [each for each in blocks() if each.startswith(beginning)]
    return found


def test_every_snippet_is_run_or_waits_for_a_later_issue() -> None:
    known = (*LATER, TORCH, PRODUCER, CONSUMER, CALLBACK, HISTORY)

    for each in blocks():
        assert len([each for beginning in known if each.startswith(beginning)]) == 1, each
    assert len(blocks()) == len(known)


@pytest.mark.parametrize("beginning", LATER)
def test_snippet_of_a_later_issue(beginning: str) -> None:
    assert block(beginning)
    pytest.skip(LATER[beginning])


def test_numpy_snippets_run_as_printed(start_child: StartChild) -> None:
    flush = "import sys; sys.stdout.reconfigure(line_buffering=True)\n"
    wait_for_more = "\nsys.stdin.readline()\n"
    producer = start_child(flush + block(PRODUCER))
    # The consumer of the callback snippet stays for the history snippet, which uses its name.
    follower = start_child(
        flush
        + block(CONSUMER)
        + block(CALLBACK)
        + "\nconsumer.wait()\n"
        + block(HISTORY)
        + "\nassert history is None or history.shape[1:] == (480, 640, 3)"
        + "\nassert recent is None or recent.shape[1:] == (480, 640, 3)"
        + wait_for_more
    )
    for index in range(6):
        assert producer.read() == f"Published frame {index}"

    reader = start_child(block(CONSUMER))
    code, output, errors = reader.finish()

    assert errors == ""
    assert code == 0
    assert output == "Received frame with shape: (480, 640, 3)\nReceived 5 frames\n"
    for _ in range(5):
        line = follower.read()
        while line.startswith("Received"):  # it may have come before or after the producer
            line = follower.read()
        assert line == "Callback triggered with data shape: (480, 640, 3)"
    code, output, errors = producer.finish()
    assert errors == ""
    assert code == 0
    assert output.splitlines()[-1] == "Published frame 99"
    code, _, errors = follower.finish()
    assert errors == ""
    assert code == 0


def test_history_snippet_gives_the_frames_in_both_orders(start_child: StartChild) -> None:
    child = start_child(
        """
import numpy as np
from tensor_ipc import TensorConsumer, TensorProducer
producer = TensorProducer.from_sample("camera_feed", np.zeros(3), history_len=10)
consumer = TensorConsumer(producer.metadata)
for value in range(20):
    producer.put(np.full(3, float(value)))
"""
        + block(HISTORY)
        + """
assert history[:, 0].tolist() == [15, 16, 17, 18, 19]
assert recent[:, 0].tolist() == [19, 18, 17]
"""
    )

    code, _, errors = child.finish()

    assert errors == ""
    assert code == 0


def test_torch_snippet_runs_as_printed(start_child: StartChild) -> None:
    pytest.importorskip("torch")
    child = start_child(
        block(TORCH)
        + """
assert isinstance(result, torch.Tensor)
assert torch.equal(result, data)
assert consumer.get(as_numpy=True).shape == (3, 224, 224)
"""
    )

    code, _, errors = child.finish()

    assert errors == ""
    assert code == 0
