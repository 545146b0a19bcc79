"""Frames in an asyncio program."""

from __future__ import annotations

import asyncio

import numpy as np

from tensor_ipc import TensorConsumer, TensorProducer

POOL = "example-asyncio"
SAMPLE = np.zeros((64, 64), dtype=np.float32)


async def publish(producer: TensorProducer) -> None:
    """Put five frames, and let the loop do other things between them."""
    for value in range(5):
        producer.put(np.full_like(SAMPLE, value))
        await asyncio.sleep(0.05)


async def read(consumer: TensorConsumer) -> None:
    """Show frames until the consumer is cleaned up."""
    async for frame in consumer:
        print(f"mean {frame.mean():.0f}")


async def main() -> None:
    """Publish and read in one event loop; they could as well be two processes."""
    producer = TensorProducer.from_sample(POOL, SAMPLE)
    consumer = TensorConsumer(producer.metadata)
    with producer, consumer:
        reader = asyncio.ensure_future(read(consumer))
        await publish(producer)
        consumer.cleanup()  # ends the iteration
        await reader


if __name__ == "__main__":
    asyncio.run(main())
