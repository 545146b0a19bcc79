"""Seats of the cast: each is taken by one process after the other."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import random
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any, Callable

from endurance.link import Inbox, Link

if TYPE_CHECKING:
    from endurance.pools import Pool

PR_SET_PDEATHSIG = 1

Work = Callable[..., None]


class Seat:
    """A place for one producer or consumer of a pool.

    Parameters
    ----------
    role
        ``producer``, ``consumer 0``, ...
    """

    def __init__(self, role: str, pool: Pool, place: int, work: Work, seed: int) -> None:
        self.role = role
        self.pool = pool
        self.place = place
        self.life = 0
        self.pid = 0
        self.pipe = -1
        self.is_stopped = False
        self.is_leaving = False
        self.inbox = Inbox()
        self._work = work
        self._seed = seed

    @property
    def is_producer(self) -> bool:
        """Whether its process owns the pool."""
        return self.role == "producer"

    @property
    def is_taken(self) -> bool:
        """Whether a process sits on it."""
        return self.pid != 0

    @property
    def who(self) -> str:
        """Name of the process in reports. With the run's seed it repeats what the process did."""
        return f"{self.role} of {self.pool.name}, life {self.life}"

    def start(self, life: int, others: list[int], sabotage: str | None) -> None:
        """Fork a process. It closes `others`, the pipes of its siblings."""
        self.life = life
        self.inbox = Inbox()
        ours, theirs = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            for descriptor in (ours, *others):
                os.close(descriptor)
            self._live(theirs, sabotage)
        os.close(theirs)
        os.set_blocking(ours, False)
        self.pipe = ours

    def _live(self, descriptor: int, sabotage: str | None) -> None:
        code = 1
        try:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            logging.disable()  # pools that are not what a callback expects are part of the play
            link = Link(descriptor)
            rng = random.Random(f"{self._seed}/{self.who}")
            try:
                self._work(self.pool, self.place, self.life, rng, link, sabotage)
                code = 0
            except Exception:  # noqa: BLE001 - whatever it is, the judge hears of it
                link.fault("stuck", -1, f"failed: {traceback.format_exc()}")
        finally:
            os._exit(code)  # nothing of the conductor's is ended here

    def signal(self, number: int) -> None:
        """Send a signal; one that has ended is noticed when it is reaped."""
        assert self.pid > 0, "0 would mean this whole process group"
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def messages(self) -> list[dict[str, Any]]:
        """Return what it reported since."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self.pipe, 65536):
                found += self.inbox.take(data)
        return found

    def has_ended(self) -> bool:
        """Reap it if it has ended."""
        return os.waitpid(self.pid, os.WNOHANG)[0] != 0

    def reap(self) -> None:
        """Wait for its end."""
        os.waitpid(self.pid, 0)

    def empty(self) -> None:
        """The process is gone."""
        os.close(self.pipe)
        self.pid, self.pipe = 0, -1
        self.is_stopped = self.is_leaving = False
