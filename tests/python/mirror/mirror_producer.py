"""Puts frames that can be checked: ``mirror_producer.py NAME SHAPE RATE``.

At a rate in Hz, or, where that is 0, as many as each line of its input says. Prints the number of
the next frame at first and after each line. Ends in order when its input does.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from checked_frames import sealed_frame

from tensor_ipc import TensorProducer, inspect


def main() -> None:
    """Put frames."""
    name, shape, rate = sys.argv[1], tuple(json.loads(sys.argv[2])), float(sys.argv[3])
    with TensorProducer.from_sample(
        name, np.zeros(shape, np.uint8), history_len=4, dds_participant=False
    ) as producer:
        number = inspect(name).latest_frame + 1
        print(number, flush=True)

        def put(number: int) -> None:
            frame = sealed_frame(shape, number)
            assert producer.put(frame, timestamp_ns=1_000_000 * number + 7) == number

        due = time.monotonic()
        while rate:
            put(number)
            number += 1
            due += 1 / rate
            time.sleep(max(0.0, due - time.monotonic()))
        for line in sys.stdin:
            for _ in range(int(line)):
                put(number)
                number += 1
            print(number, flush=True)


if __name__ == "__main__":
    main()
