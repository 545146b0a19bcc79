"""Publishing without a copy: the frame is computed where consumers read it."""

from __future__ import annotations

import numpy as np

from tensor_ipc import TensorConsumer, TensorProducer

POOL = "example-in-place"
IMAGE = np.zeros((1080, 1920), dtype=np.float32)


def main() -> None:
    """Publish one frame, drop another, and read what is there."""
    row = np.linspace(0, 1, IMAGE.shape[1], dtype=np.float32)

    with TensorProducer.from_sample(POOL, IMAGE) as producer:
        with producer.loan() as image:
            image[:] = row  # its contents are undefined before that
        # The block is over: the frame is published.

        try:
            with producer.loan() as image:
                image[:] = 0
                raise RuntimeError
        except RuntimeError:
            print("the block raised: nothing was published")

        with TensorConsumer.attach(POOL) as consumer:
            frame = consumer.get_frame()
            print(f"frame {frame.index}: mean {frame.data.mean():.3f}")


if __name__ == "__main__":
    main()
