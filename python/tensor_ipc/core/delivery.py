"""The one thread of a consumer: waits for frames, calls the callback, makes `fileno` readable."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Callable

from tensor_ipc.core import lifetime

if TYPE_CHECKING:
    from tensor_ipc import _core

_log = logging.getLogger(__name__)
_STOP_TIMEOUT_S = 1.0
_RETRY_S = 0.2


class Delivery:
    """Runs until `stop`.

    Parameters
    ----------
    native
        The consumer to watch. Its own place in the stream of frames is left alone.
    """

    def __init__(self, native: _core.Consumer) -> None:
        self._native = native
        self._callback: Callable[[Any], object] | None = None
        self._readiness: _core.EventFd | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def set_targets(
        self,
        callback: Callable[[Any], object] | None,
        readiness: _core.EventFd | None,
    ) -> None:
        """Say whom to tell, and start telling."""
        self._callback = callback
        self._readiness = readiness
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tensor-ipc", daemon=True)
            self._thread.start()
            lifetime.register(
                self
            )  # goes on without its consumer, but not beyond the interpreter
        elif readiness is not None:
            readiness.signal()  # a frame may have come before there was anyone to tell

    def cleanup(self) -> None:
        """Let go of the pool, and stop."""
        self._native.close()
        self.stop()

    def _after_fork(self) -> None:
        """Nothing: the thread stayed in the parent, and the consumer makes another one."""

    def stop(self) -> None:
        """Wait for the thread to end, except for a callback that takes very long."""
        self._stopping.set()
        thread = self._thread
        if (
            thread is not None
            and thread is not threading.current_thread()
            and thread.is_alive()
        ):
            thread.join(_STOP_TIMEOUT_S)
            if thread.is_alive():
                _log.warning(
                    "a tensor-ipc callback still runs %s s after cleanup()", _STOP_TIMEOUT_S
                )

    def _run(self) -> None:
        after: int | None = None
        attachment = 0
        trouble = ""
        while not self._native.is_closed:
            try:
                if not self._native.wait_after(after, attachment, None):
                    return
                if attachment != self._native.attachments:
                    attachment = self._native.attachments
                    after = None  # another pool counts from 0 again
                after = self._deliver(after, attachment)
                trouble = ""
            except Exception as error:  # noqa: BLE001 - logged below; the thread goes on
                # Usually a pool that is not what was expected. Said once, looked at again later.
                if str(error) != trouble:
                    _log.error("tensor-ipc cannot deliver frames: %s", error)
                trouble = str(error)
                self._stopping.wait(_RETRY_S)

    def _deliver(self, after: int | None, attachment: int) -> int | None:
        """Tell of the newest frame; return its number."""
        newest = self._native.latest_index
        if self._callback is not None:
            found = self._native.get_frame(False)
            if attachment != self._native.attachments:
                return after  # the number is another pool's: look again
            if found is None or (after is not None and found.index <= after):
                return after
            newest = found.index
            try:
                self._callback(found.data)
            except Exception:  # noqa: BLE001 - whatever it is, the next frame is delivered
                _log.exception("the callback of a tensor-ipc consumer raised")
        if self._readiness is not None and self._native.wait(0):  # unless got meanwhile
            self._readiness.signal()
        return newest
