"""What happens to whom, and when: all of it follows from the seed."""

from __future__ import annotations

import enum
import random
from typing import NamedTuple


class Action(enum.Enum):
    """What is done to a seat."""

    KILL = "kill"
    STOP = "stop"
    LEAVE = "leave"
    START = "start"


class Decision(NamedTuple):
    """One thing that happens."""

    pause_s: float
    """Before it."""
    seat: int
    action: Action
    duration_s: float
    """Of a stop."""


class Plan:
    """Decides. It knows which seats are taken from its own decisions alone.

    Parameters
    ----------
    elders
        Seats whose processes are stopped at times, but neither killed nor sent away.
    """

    def __init__(self, seed: int, seats: int, elders: frozenset[int], pause_s: float) -> None:
        self._rng = random.Random(f"{seed}/plan")
        self._taken = [True] * seats
        self._elders = elders
        self._pause_s = pause_s

    def next(self) -> Decision:
        """Return what happens next."""
        rng = self._rng
        seat = rng.randrange(len(self._taken))
        pause_s = rng.expovariate(1 / self._pause_s)
        duration_s = rng.random() * 0.5
        action = rng.choices([Action.KILL, Action.LEAVE, Action.STOP], weights=[60, 20, 20])[0]
        if not self._taken[seat]:
            action = Action.START
        elif seat in self._elders:
            action = Action.STOP
        if action is not Action.STOP:
            self._taken[seat] = action is Action.START
        return Decision(pause_s, seat, action, duration_s)
