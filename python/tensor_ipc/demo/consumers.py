"""The two consumer processes of the demo: one reads the newest frame, one the history."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Callable

from tensor_ipc import TensorConsumer
from tensor_ipc.demo.child import reporting_failure
from tensor_ipc.demo.contact_sheet import write_contact_sheet
from tensor_ipc.demo.messages import (
    REPORT_EVERY_NS,
    Done,
    Order,
    Progress,
    Ready,
    next_order,
)
from tensor_ipc.demo.options import HISTORY_LEN
from tensor_ipc.demo.tally import Tally

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

    from numpy.typing import NDArray

    from tensor_ipc.demo.options import DemoOptions

#: How long a consumer sleeps at most before it looks for an order.
_ORDERS_EVERY_S = 0.1


def run_newest(link: Connection, options: DemoOptions) -> None:
    """Read and verify the newest frame, each time there is a newer one."""
    with reporting_failure(link):
        if next_order(link) is not Order.START:
            return
        with TensorConsumer.attach(options.pool) as consumer:
            tally = Tally()
            _until_stopped(link, consumer, tally, lambda: _read_newest(consumer, tally))
            link.send(Done(tally.figures(consumer.stats.copied_bytes)))


def run_history(link: Connection, options: DemoOptions) -> None:
    """Read and verify the last five frames, each time there is a newer one; draw the last."""
    with reporting_failure(link):
        if next_order(link) is not Order.START:
            return
        with TensorConsumer.attach(options.pool) as consumer:
            history = _History(consumer)
            _until_stopped(link, consumer, history.tally, history.read)
            copied_bytes = consumer.stats.copied_bytes
        # The consumer is closed and the frames are still there: they live as long as the view.
        picture = history.write_picture(options.picture)
        link.send(Done(history.tally.figures(copied_bytes), picture))


def _until_stopped(
    link: Connection, consumer: TensorConsumer, tally: Tally, read: Callable[[], None]
) -> None:
    link.send(Ready())
    report_ns = time.monotonic_ns()
    while next_order(link, 0) is None:
        if consumer.wait(timeout=_ORDERS_EVERY_S):
            read()
        now_ns = time.monotonic_ns()
        if now_ns - report_ns >= REPORT_EVERY_NS:
            report_ns = now_ns
            link.send(Progress(tally.figures(consumer.stats.copied_bytes)))
    while consumer.wait(timeout=0):
        read()


def _read_newest(consumer: TensorConsumer, tally: Tally) -> None:
    frame = consumer.get_frame()
    received_ns = time.monotonic_ns()
    if frame is None:
        return
    tally.latencies.add(received_ns - frame.published_ns)
    tally.take([frame.data], received_ns, frame.index)


class _History:
    """Reads windows of the last frames, and keeps the last one."""

    def __init__(self, consumer: TensorConsumer) -> None:
        self.tally = Tally()
        self._consumer = consumer
        self._window: NDArray[Any] | None = None

    def read(self) -> None:
        self._window = None  # lets go of the frames it holds before it takes others
        newest = self._consumer.get_frame()
        window = self._consumer.get(history_len=HISTORY_LEN)
        received_ns = time.monotonic_ns()
        if newest is None or window is None:
            return
        newest_index, published_ns = newest.index, newest.published_ns
        del newest
        index = self.tally.take(list(window), received_ns)
        if index == newest_index:  # else a newer frame came between the two calls
            self.tally.latencies.add(received_ns - published_ns)
        self._window = window

    def write_picture(self, path: Path) -> str | None:
        if self._window is None:
            return None
        write_contact_sheet(list(self._window), path)
        return str(path)
