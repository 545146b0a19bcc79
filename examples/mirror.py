"""A camera on one machine, and its consumer on another: both ends in one process here.

On two machines `serve` belongs to the one and `mirror` to the other; then give both a network
interface (interface="eth0"), and leave `local_name` out.
"""

from __future__ import annotations

import sys

import numpy as np

from tensor_ipc import TensorConsumer, TensorProducer, mirror, serve

SHAPE = (480, 640, 3)


def main() -> None:
    """Send ten frames through a mirror and check that they are what was sent."""
    producer = TensorProducer.from_sample("camera", np.zeros(SHAPE, np.uint8), 4)
    with producer, serve("camera"), mirror("camera", local_name="camera_mirrored") as here:
        if not here.wait(timeout=30.0):
            sys.exit("nobody serves the pool")
        with TensorConsumer.attach("camera_mirrored") as consumer:
            for value in range(10):
                index = producer.put(np.full(SHAPE, value, np.uint8))
                consumer.wait(timeout=30.0)
                frame = consumer.get_frame()
                assert frame is not None
                assert frame.index == index
                assert np.asarray(frame)[0, 0, 0] == value
        status = here.status
        assert status.source is not None
        print(f"{status.received} frames from {status.source.host}, {status.lost} lost")


if __name__ == "__main__":
    main()
