"""What workers report, and how they are told to leave."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

REPORT_EVERY_S = 0.2


class Link:
    """A worker's end: one JSON object a line, into a pipe. A killed worker may leave half a line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._next_report = 0.0
        self.leaving = False
        self.is_last = False
        signal.signal(signal.SIGTERM, self._leave)
        signal.signal(signal.SIGUSR1, self._leave_as_the_last)

    def _leave(self, *_: object) -> None:
        self.leaving = True

    def _leave_as_the_last(self, *_: object) -> None:
        self.is_last = self.leaving = True

    def send(self, kind: str, **facts: Any) -> None:
        """Report at once."""
        line = json.dumps({"kind": kind, **facts}) + "\n"
        os.write(self._descriptor, line.encode())

    def fault(self, what: str, frame: int, text: str) -> None:
        """Report what must not happen: torn, stuck, leaked or lost."""
        self.send("fault", what=what, frame=frame, text=text)

    def report_is_due(self) -> bool:
        """Whether it is time for a report of progress."""
        now = time.monotonic()
        if now < self._next_report:
            return False
        self._next_report = now + REPORT_EVERY_S
        return True


class Inbox:
    """The conductor's end: whole lines out of what arrived."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, data: bytes) -> list[dict[str, Any]]:
        """Return the messages that are complete by now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]
