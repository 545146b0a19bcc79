"""Reads the camera from shared memory. Needs NumPy and tensor_ipc, and no ROS."""

from __future__ import annotations

import threading
import time

from tally import Tally

from tensor_ipc import PoolNotFoundError, TensorConsumer


def main() -> None:
    """Look at every image."""
    tally = Tally()
    threading.Thread(target=_read, args=(tally,), daemon=True).start()
    tally.answer()


def _read(tally: Tally) -> None:
    consumer = _attached()
    while consumer.wait():
        frame = consumer.get_frame()
        if frame is not None:
            tally.look_at(frame.data, frame.timestamp_ns)


def _attached() -> TensorConsumer:
    """Wait for the pool, which the bridge makes when it has had its first image."""
    while True:
        try:
            return TensorConsumer.attach("camera")
        except PoolNotFoundError:
            time.sleep(0.1)


if __name__ == "__main__":
    main()
