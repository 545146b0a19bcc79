"""Frames from one process to another.

The child publishes ten pictures. This process shows when each of them arrives.
"""

from __future__ import annotations

import multiprocessing

import numpy as np

from tensor_ipc import TensorConsumer, TensorProducer

POOL = "example-two-processes"
PICTURE = np.zeros((480, 640, 3), dtype=np.uint8)


def publish(go_on: multiprocessing.Queue[None]) -> None:
    """Run in the child: publish a picture each time the other side is done with the last."""
    with TensorProducer.from_sample(POOL, PICTURE, history_len=5) as producer:
        for brightness in range(10):
            producer.put(np.full_like(PICTURE, brightness))
            go_on.get()  # one picture at a time, for the sake of a short output


def main() -> None:
    """Start the child and read what it publishes."""
    processes = multiprocessing.get_context("spawn")
    go_on = processes.Queue()
    child = processes.Process(target=publish, args=(go_on,))
    child.start()

    # The pool need not be there yet: the consumer attaches when it appears.
    with TensorConsumer.from_sample(POOL, PICTURE, history_len=5) as consumer:
        for _ in range(10):
            consumer.wait()
            frame = consumer.get_frame()
            print(f"frame {frame.index}: {frame.data.shape}, {frame.age_s * 1e6:.0f} us old")
            go_on.put(None)
    child.join()


if __name__ == "__main__":
    main()
