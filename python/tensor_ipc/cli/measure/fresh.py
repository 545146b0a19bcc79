"""Fresh processes, so that no figure depends on what ran before it."""

from __future__ import annotations

import contextlib
import multiprocessing
from typing import TYPE_CHECKING, Any, Callable, Iterator

from tensor_ipc import TensorIpcError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


@contextlib.contextmanager
def fresh_process(run: Callable[..., Any], *args: object) -> Iterator[Callable[[], Any]]:
    """Start ``run(link, *args)`` in a new process, which ends with the block.

    What it sends over `link` is what the given function returns, in order. ``link.recv()`` ends
    with EOFError when the block does.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_guarded, args=(run, theirs, *args), daemon=True)
    process.start()
    theirs.close()

    def receive() -> Any:
        try:
            outcome = ours.recv()
        except EOFError as error:
            msg = "a measuring process ended early"
            raise TensorIpcError(msg) from error
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    try:
        yield receive
    finally:
        ours.close()
        process.join()


def until_parent_is_done(link: Connection) -> None:
    """Wait, in a fresh process, for the end of the parent's block."""
    with contextlib.suppress(EOFError, OSError):
        link.recv()


def _guarded(run: Callable[..., Any], link: Connection, *args: object) -> None:
    try:
        run(link, *args)
    except Exception as error:  # noqa: BLE001  the parent raises it
        with contextlib.suppress(OSError):
            link.send(error if isinstance(error, TensorIpcError) else RuntimeError(repr(error)))
