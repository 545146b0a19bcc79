"""What the processes of one measurement tell each other without a system call."""

from __future__ import annotations

import time
from multiprocessing.sharedctypes import RawArray
from typing import Any, Callable

SETTING_UP, MEASURING, DRAINING = range(3)

_STATE, _FIRST, _LAST, _PUBLISHED, _CONSUMERS = range(5)

#: How long discovery may take, and a frame that is on its way.
PATIENCE_S = 60.0


class Board:
    """Shared words, each written by one process. Can be handed to processes that are spawned."""

    def __init__(self, consumers: int) -> None:
        self._words: Any = RawArray("q", _CONSUMERS + consumers)
        self._words[_FIRST] = self._words[_LAST] = -1

    @property
    def state(self) -> int:
        """``SETTING_UP`` until every consumer got a frame, ``MEASURING``, then ``DRAINING``."""
        return int(self._words[_STATE])

    @state.setter
    def state(self, state: int) -> None:
        self._words[_STATE] = state

    @property
    def first(self) -> int:
        """Number of the first frame that counts; -1 when it is not known yet."""
        return int(self._words[_FIRST])

    @first.setter
    def first(self, number: int) -> None:
        self._words[_FIRST] = number

    @property
    def last(self) -> int:
        """Number of the last frame; -1 when it is not known yet."""
        return int(self._words[_LAST])

    @last.setter
    def last(self, number: int) -> None:
        self._words[_LAST] = number

    @property
    def published(self) -> int:
        """How many frames the producer put before it measured."""
        return int(self._words[_PUBLISHED])

    @published.setter
    def published(self, count: int) -> None:
        self._words[_PUBLISHED] = count

    def got(self, consumer: int) -> None:
        """Say that a frame arrived."""
        self._words[_CONSUMERS + consumer] = 1

    def all_got(self) -> bool:
        """Tell whether every consumer has a frame."""
        return all(self._words[_CONSUMERS:])

    def missing(self) -> list[int]:
        """Return the consumers without a frame."""
        return [number for number, got in enumerate(self._words[_CONSUMERS:]) if not got]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look again and again.

    Raises
    ------
    TimeoutError
        `what` did not happen.
    """
    until = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > until:
            msg = f"{what}: not within {PATIENCE_S:g} s"
            raise TimeoutError(msg)
        time.sleep(0.001)
