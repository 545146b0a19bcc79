"""Point clouds: each frame has as many points as there were, and says where it comes from."""

from __future__ import annotations

import numpy as np

from tensor_ipc import TensorConsumer, TensorProducer

POOL = "example-point-cloud"
MOST_POINTS = np.zeros((100_000, 3), dtype=np.float32)  # its first dimension is the capacity


def main() -> None:
    """Publish clouds of different sizes, copied and in place, and read them back."""
    random = np.random.default_rng(7)

    with TensorProducer.from_sample(
        POOL, MOST_POINTS, history_len=3, varying_extent=True
    ) as producer, TensorConsumer.attach(POOL) as consumer:
        for points in (90_000, 4):
            cloud = random.random((points, 3), dtype=np.float32)
            producer.put(cloud, user_metadata={"frame_id": "lidar_top"})

        # Nobody knows how many points are left before they were looked at: take room for all.
        loan = producer.loan(user_metadata={"frame_id": "lidar_top", "filter": "z > 0.5"})
        with loan as room:
            kept = cloud[cloud[:, 2] > 0.5]
            room[: len(kept)] = kept
            loan.extent = len(kept)

        frame = consumer.get_frame()
        print(f"newest: {frame.data.shape}, {frame.user_metadata}")

        for cloud in consumer.get(3):  # a list, newest first: no one array could hold them
            print(f"{len(cloud):6} points, a view of {cloud.nbytes} bytes")

    print(f"copied by the consumer: {consumer.stats.copied_bytes} bytes")


if __name__ == "__main__":
    main()
