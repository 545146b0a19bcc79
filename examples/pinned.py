"""Frames to a GPU at full speed: a pool in host memory whose pages the CUDA driver has locked.

Where there is no GPU, or the driver refuses, the same program works and says why it is not pinned.
"""

from __future__ import annotations

import logging

import numpy as np
import torch

from tensor_ipc import TensorConsumer, TensorProducer

POOL = "example/pinned_camera"
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def main() -> None:
    """Publish frames, and take each to the device before the copy of the last one is done."""
    logging.getLogger("tensor_ipc").setLevel(logging.ERROR)  # what it warns of is printed below
    frame = torch.zeros((480, 640, 3), dtype=torch.uint8)
    # Frames that are still being copied count as held: more spare slots, more of them.
    with TensorProducer.from_sample(POOL, frame, history_len=2, spare=8) as producer:
        consumer = TensorConsumer.attach(POOL, pinned=True, max_pins=6)
        on_device = []
        for value in range(20):
            producer.put(frame + value)
            # Dropped at once; the slot stays as it is until the device has read it.
            on_device.append(consumer.get().to(DEVICE, non_blocking=True).float().mean())
        means = [float(mean) for mean in on_device]  # waits for the device
        stats = consumer.stats
        consumer.cleanup()
    print(f"20 frames to {DEVICE}; pinned: {stats.pinned or stats.pinned_refusal}")
    assert np.allclose(means, range(20)), means


if __name__ == "__main__":
    main()
