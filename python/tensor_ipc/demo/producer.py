"""The producer process of the demo."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from tensor_ipc import TensorProducer
from tensor_ipc.demo.child import reporting_failure
from tensor_ipc.demo.messages import (
    REPORT_EVERY_NS,
    Done,
    Order,
    Progress,
    Published,
    Ready,
    next_order,
)
from tensor_ipc.demo.options import HISTORY_LEN, SPARE_SLOTS
from tensor_ipc.demo.seal import seal
from tensor_ipc.demo.sources import open_source

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from numpy.typing import NDArray

    from tensor_ipc.demo.options import DemoOptions
    from tensor_ipc.demo.sources.base import Source


def run_producer(link: Connection, options: DemoOptions) -> None:
    """Publish frames from ``Order.START`` to ``Order.STOP``, keep the pool until told to close."""
    with reporting_failure(link):
        source = open_source(options.source, options.width, options.height)
        sample = np.zeros(options.frame_shape, np.uint8)
        with TensorProducer.from_sample(
            options.pool, sample, history_len=HISTORY_LEN, spare=SPARE_SLOTS
        ) as producer:
            link.send(Ready())
            if next_order(link) is Order.START:
                link.send(Done(_stream(link, producer, source, options)))
                next_order(link)
        source.close()


def _stream(
    link: Connection, producer: TensorProducer, source: Source, options: DemoOptions
) -> Published:
    period_ns = round(1e9 / options.rate_hz)
    start_ns = due_ns = report_ns = time.monotonic_ns()
    index = 0
    while next_order(link, max(0, due_ns - time.monotonic_ns()) / 1e9) is None:
        with producer.loan() as frame:
            source.draw(frame[:-1], index)
            seal(frame, index)
            if options.corrupt_every and index % options.corrupt_every == 0:
                _flip_one_bit(frame)
        index += 1
        now_ns = time.monotonic_ns()
        due_ns = max(due_ns + period_ns, now_ns)
        if now_ns - report_ns >= REPORT_EVERY_NS:
            report_ns = now_ns
            link.send(Progress(_figures(producer, index, start_ns)))
    return _figures(producer, index, start_ns)


def _figures(producer: TensorProducer, frames: int, start_ns: int) -> Published:
    elapsed_s = (time.monotonic_ns() - start_ns) / 1e9
    return Published(frames, elapsed_s, producer.stats.skipped_slots)


def _flip_one_bit(frame: NDArray[np.uint8]) -> None:
    frame[frame.shape[0] // 2, frame.shape[1] // 2, 0] ^= 1
