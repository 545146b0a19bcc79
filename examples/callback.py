"""A function that is called for new frames, on a thread of the consumer."""

from __future__ import annotations

import threading

import numpy as np

from tensor_ipc import TensorConsumer, TensorProducer

POOL = "example-callback"
SCAN = np.zeros(360, dtype=np.float32)


def main() -> None:
    """Publish scans and wait for the callback of each."""
    called = threading.Event()

    def on_scan(scan: np.ndarray) -> None:
        print(f"nearest obstacle: {scan.min():.2f} m")
        called.set()

    producer = TensorProducer.from_sample(POOL, SCAN)
    consumer = TensorConsumer.from_sample(POOL, SCAN, callback=on_scan)
    with producer, consumer:
        for distance in (4.0, 2.0, 1.0, 0.5):
            called.clear()
            producer.put(np.linspace(distance, 10, SCAN.size, dtype=np.float32))
            called.wait()
        # A callback that is slower than the producer skips frames, and they are counted.
        print(f"missed: {consumer.stats.missed}")


if __name__ == "__main__":
    main()
