"""The last frames as one array, which is a view of the producer's memory."""

from __future__ import annotations

import numpy as np

from tensor_ipc import TensorConsumer, TensorProducer

POOL = "example-history"
SAMPLE = np.zeros(3, dtype=np.int64)


def main() -> None:
    """Publish 200 numbers and look at the last five at times."""
    producer = TensorProducer.from_sample(POOL, SAMPLE, history_len=5, spare=8)
    consumer = TensorConsumer(producer.metadata)
    with producer, consumer:
        producer.put(np.full(3, 0))
        producer.put(np.full(3, 1))
        print("two frames so far:   ", consumer.get(5)[:, 0])
        print("always five:         ", consumer.get(5, pad="repeat")[:, 0])

        for value in range(2, 100):
            producer.put(np.full(3, value))
        newest_first = consumer.get(5)
        print("newest first:        ", newest_first[:, 0])
        print("oldest first:        ", consumer.get(5, latest_first=False)[:, 0])

        # A view never changes. The producer goes round the frames that someone looks at, which
        # takes spare slots: with as many as the history is long, others miss nothing.
        for value in range(100, 200):
            producer.put(np.full(3, value))
        print("100 frames later:    ", newest_first[:, 0])
        print("and the newest ones: ", consumer.get(5)[:, 0])


if __name__ == "__main__":
    main()
