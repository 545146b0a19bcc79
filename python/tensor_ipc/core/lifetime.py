"""Orderly ends, and orderly beginnings after a fork.

What is still open when the interpreter exits is cleaned up then. Without this a pool would stay in
``/dev/shm`` and a thread would be ended by force inside the core. A child of ``multiprocessing``
never runs ``atexit`` functions, so its own finalizers are used as well.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import weakref
from typing import Any, Protocol

from tensor_ipc import _core
from tensor_ipc.core import network

_log = logging.getLogger(__name__)


class Item(Protocol):
    """A producer or a consumer."""

    def cleanup(self) -> None:
        """Let go of the pool."""

    def _after_fork(self) -> None:
        """Forget what belongs to the parent process."""


_open: weakref.WeakSet[Item] = weakref.WeakSet()
_open_lock = threading.RLock()  # a signal handler may make a producer
_exiting = False
_finalizer: Any = None
_finalizer_pid = 0


def register(item: Item) -> None:
    """Clean `item` up at exit, and tell it of a fork, unless it is garbage by then.

    What a thread makes while the interpreter exits is cleaned up at once: nobody would later.
    """
    with _open_lock:
        _open.add(item)
        too_late = _exiting
    if too_late:
        item.cleanup()
        return
    _clean_up_with_multiprocessing()


def _clean_up_with_multiprocessing() -> None:
    """See to it that a child of multiprocessing cleans up, too.

    Its finalizers are forgotten when its target begins to run, which may be after this module was
    imported.
    """
    global _finalizer, _finalizer_pid  # noqa: PLW0603 - one for the process
    util = sys.modules.get("multiprocessing.util")
    if util is None:
        return
    if _finalizer is None or _finalizer_pid != os.getpid() or not _finalizer.still_active():
        _finalizer = util.Finalize(None, _clean_up_all, exitpriority=0)
        _finalizer_pid = os.getpid()


@atexit.register
def _clean_up_all() -> None:
    global _exiting  # noqa: PLW0603 - the interpreter exits once
    with _open_lock:
        _exiting = True
        items = list(_open)
    network.stop()
    for item in items:
        item.cleanup()
    if not _core.drain_waiting_threads():
        _log.warning("a thread still waits for a tensor-ipc frame at interpreter exit")


def _after_fork() -> None:
    global _open_lock, _exiting  # noqa: PLW0603 - the parent's are of no use here
    _open_lock = threading.RLock()  # another thread of the parent may have held it
    _exiting = False
    for item in list(_open):
        item._after_fork()


os.register_at_fork(after_in_child=_after_fork)
_clean_up_with_multiprocessing()  # now, since it takes a tenth of a first attach
