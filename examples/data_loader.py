"""A DataLoader whose workers read one pool: batches of the newest frames, as a training loop takes them.

Each worker process attaches by itself and yields the frames it gets; the producer stays in this
process and does not wait for anybody. On a machine with a GPU the batches are pinned, so that
`batch.to("cuda", non_blocking=True)` overlaps with the next one.
"""

from __future__ import annotations

import threading
from typing import Iterator

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from tensor_ipc import TensorConsumer, TensorProducer

POOL = "example/activations"
SHAPE = (3, 64, 64)
FRAMES_PER_WORKER = 24


class PoolDataset(IterableDataset):  # type: ignore[misc]
    """Yields the newest frame each time there is a new one, with the worker that read it."""

    def __init__(self, consumer: TensorConsumer, frames: int) -> None:
        self.consumer = consumer  # goes to the workers in a pickle, and attaches there
        self.frames = frames

    def __iter__(self) -> Iterator[tuple[torch.Tensor, int]]:
        """Read `frames` frames. The loader copies them into batches, so views are enough."""
        info = get_worker_info()
        for number, frame in enumerate(self.consumer, start=1):
            yield frame, 0 if info is None else info.id
            if number == self.frames:
                return


def publish(producer: TensorProducer, done: threading.Event) -> None:
    """Publish frames that are full of one value each, until `done`."""
    value = 0
    while not done.is_set():
        with producer.loan() as slot:
            slot.fill_(value % 1000)
        value += 1
        done.wait(0.001)


def main() -> None:
    """Read batches with two workers and check that no frame is a mix of two."""
    done = threading.Event()
    with TensorProducer.from_sample(POOL, torch.zeros(SHAPE), history_len=4) as producer:
        publisher = threading.Thread(target=publish, args=(producer, done))
        publisher.start()
        loader = DataLoader(
            PoolDataset(TensorConsumer(producer.metadata), FRAMES_PER_WORKER),
            batch_size=8,
            num_workers=2,
            multiprocessing_context="spawn",
            pin_memory=torch.cuda.is_available(),
        )
        seen = 0
        for batch, _ in loader:
            first = batch[:, 0, 0, 0].reshape(-1, 1, 1, 1)
            assert bool((batch == first).all()), "a frame is a mix of two"
            seen += len(batch)
        done.set()
        publisher.join()
    print(f"{seen} frames in batches of 8 from 2 workers")
    assert seen == 2 * FRAMES_PER_WORKER


if __name__ == "__main__":
    main()
