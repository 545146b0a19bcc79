"""Runs the demo: starts its processes in order, follows them, and ends them in order."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Callable

import numpy as np

from tensor_ipc import TensorIpcError, TensorProducer, inspect
from tensor_ipc.demo.children import Child, interrupts_held_back, reports
from tensor_ipc.demo.consumers import run_history, run_newest
from tensor_ipc.demo.contact_sheet import refuse_unwritable
from tensor_ipc.demo.messages import Done, Order, Published, Ready, Received
from tensor_ipc.demo.options import HISTORY_LEN, SPARE_SLOTS
from tensor_ipc.demo.producer import run_producer
from tensor_ipc.demo.summary import DemoSummary

if TYPE_CHECKING:
    from tensor_ipc.demo.messages import Report
    from tensor_ipc.demo.options import DemoOptions

_ROLES = (("producer", run_producer), ("newest", run_newest), ("history", run_history))

Show = Callable[[DemoSummary], None]


def run_demo(options: DemoOptions, show: Show | None = None) -> DemoSummary:
    """Stream frames from one process to two others until the time is over, or Ctrl-C.

    Parameters
    ----------
    options
        What to stream, and for how long.
    show
        Is given the figures a few times a second.

    Returns
    -------
    The final figures. All processes have ended and the pool is gone.

    Raises
    ------
    DemoError
        The source cannot be read, something is not installed, or a process ended early.
    """
    refuse_unwritable(options.picture)
    run = _Run(options, show or (lambda _: None))
    try:
        with contextlib.suppress(KeyboardInterrupt):
            run.start()
            run.follow()
        run.finish()
    finally:
        run.end()
    return run.summary


class _Run:
    """One run, from the first process to the last figure."""

    def __init__(self, options: DemoOptions, show: Show) -> None:
        self.summary = DemoSummary(
            pool=options.pool,
            source=options.source or "photographs of scikit-image",
            width=options.width,
            height=options.height,
            frame_bytes=int(np.prod(options.frame_shape)),
            published=Published(),
            newest=Received(),
            history=Received(),
        )
        self._options = options
        self._show = show
        self._children: list[Child] = []
        self._started = False

    def start(self) -> None:
        """Start the processes, and the frames once both consumers are attached.

        Each step waits for the word of the process concerned, so that the consumers are there
        for frame 0 and what they miss is missed for another reason than a late start.
        """
        with interrupts_held_back():
            for role, run in _ROLES:
                self._children.append(Child(role, run, self._options))
        producer, *consumers = self._children
        self._expect_ready(producer)
        for consumer in consumers:
            consumer.send(Order.START)
        for consumer in consumers:
            self._expect_ready(consumer)
        producer.send(Order.START)
        self._started = True

    def follow(self) -> None:
        """Collect figures until the time is over."""
        seconds = self._options.seconds
        end_s = time.monotonic() + seconds
        left_s = seconds
        while left_s > 0 or not seconds:
            for child, report in reports(self._children, left_s if seconds else None):
                self._note(child, report)
                if (
                    child.role == "producer"
                ):  # last, so that no more seems received than published
                    self._show(self.summary)
            left_s = end_s - time.monotonic()

    def finish(self) -> None:
        """Stop the producer first, so that the consumers can take every last frame."""
        if not self._started:
            return
        producer, *consumers = self._children
        self._stop([producer])
        self._stop(consumers)

    def end(self) -> None:
        """End what still runs, and take over the pool of a producer that was killed."""
        for child in reversed(self._children):
            child.end()
        if any(child.killed for child in self._children):
            _remove_leftover(self._options)

    def _expect_ready(self, child: Child) -> None:
        report = child.receive()
        assert isinstance(report, Ready), report

    def _stop(self, children: list[Child]) -> None:
        for child in children:
            child.send(Order.STOP)
        waiting = list(children)
        while waiting:
            for child, report in reports(waiting, None):
                self._note(child, report)
                if isinstance(report, Done):
                    waiting.remove(child)

    def _note(self, child: Child, report: Report) -> None:
        if isinstance(report, Ready):
            return
        figures = report.figures
        if isinstance(figures, Published):
            self.summary = replace(self.summary, published=figures)
        elif child.role == "newest":
            self.summary = replace(self.summary, newest=figures)
        else:
            self.summary = replace(self.summary, history=figures)
        if isinstance(report, Done) and report.picture is not None:
            self.summary = replace(self.summary, picture=report.picture)


def _remove_leftover(options: DemoOptions) -> None:
    with contextlib.suppress(TensorIpcError):
        if not inspect(options.pool).producer_alive:
            sample = np.zeros(options.frame_shape, np.uint8)
            TensorProducer.from_sample(
                options.pool, sample, history_len=HISTORY_LEN, spare=SPARE_SLOTS
            ).cleanup()
