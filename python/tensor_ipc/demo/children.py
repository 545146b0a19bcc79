"""The child processes of the demo, as the parent sees them."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Callable, Iterator

from tensor_ipc.demo.errors import DemoError
from tensor_ipc.demo.messages import Failed, Order, Report

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from tensor_ipc.demo.options import DemoOptions

#: After the pipe has ended a child only tidies up. One that takes longer hangs in a device.
_END_S = 10.0


class Child:
    """A process of the demo and the pipe to it."""

    def __init__(self, role: str, run: Callable[..., None], options: DemoOptions) -> None:
        self.role = role
        self.killed = False
        context = multiprocessing.get_context("spawn")
        self.link, theirs = context.Pipe()
        self._process = context.Process(
            target=run, args=(theirs, options), name=f"tensor-ipc demo {role}", daemon=True
        )
        self._process.start()
        theirs.close()

    def send(self, order: Order) -> None:
        """Give an order. A child that is gone is noticed when it should report."""
        with contextlib.suppress(OSError):
            self.link.send(order)

    def receive(self) -> Report:
        """Return its next report.

        Raises
        ------
        DemoError
            It failed, or ended without a word.
        """
        try:
            report: Report | Failed = self.link.recv()
        except (EOFError, OSError) as error:
            self._process.join(_END_S)
            msg = f"the {self.role} process ended early (exit code {self._process.exitcode})"
            raise DemoError(msg) from error
        if isinstance(report, Failed):
            raise DemoError(report.reason)
        return report

    def end(self) -> None:
        """End it: orderly by closing the pipe, else by force."""
        self.link.close()
        self._process.join(_END_S)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        self.killed = self._process.exitcode != 0


def reports(children: list[Child], timeout_s: float | None) -> Iterator[tuple[Child, Report]]:
    """Yield what arrived from any of `children`, after at most `timeout_s`."""
    by_link = {child.link: child for child in children}
    links: list[Connection] = list(by_link)
    for link in wait(links, timeout_s):
        child = by_link[link]  # type: ignore[index]
        yield child, child.receive()


@contextlib.contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Start processes in here that Ctrl-C does not reach: the parent alone stops them, in order.

    A signal mask is inherited, so there is no moment in which a child is not protected yet. The
    parent gets a Ctrl-C of that moment afterwards.
    """
    resource_tracker.ensure_running()  # else the first start does, and ends with an unblock
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
