"""Checks what a consumer gets, when it gets it and again before it lets go."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any

from endurance.payload import Origin, origin_of

if TYPE_CHECKING:
    import numpy as np

    from endurance.link import Link


class Reader:
    """Checks frames of one pool, holds some, and reports.

    Parameters
    ----------
    place
        The pool's number in the run.
    """

    def __init__(self, place: int, link: Link) -> None:
        self._place = place
        self._link = link
        self._held: collections.deque[tuple[np.ndarray[Any, Any], Origin]] = collections.deque()
        self._firsts: dict[int, int] = {}
        self.checked = 0
        self.windows = 0
        self.refused = 0
        self.mismatches = 0
        self._newest: tuple[int, Origin] | None = None

    def take(self, data: np.ndarray[Any, Any], index: int | None = None) -> Origin | None:
        """Check one frame, of number `index` where that is known."""
        self.checked += 1
        origin = origin_of(data)
        if origin is None or origin.pool != self._place:
            says = (
                "does not fit its checksum"
                if origin is None
                else f"is another pool's: {origin}"
            )
            self._link.fault("torn", -1 if index is None else index, f"{says}; {self._where()}")
            return None
        if index is not None:
            # Frames of one life are numbered without a gap, so this is the same for all of them.
            first = self._firsts.setdefault(origin.life, index - origin.count)
            if index != first + origin.count:
                self._link.fault(
                    "lost", index, f"holds {origin}, whose life began with {first}"
                )
            self._newest = (index, origin)
        return origin

    def take_window(self, window: np.ndarray[Any, Any]) -> None:
        """Check frames that lie newest first, without a gap."""
        self.windows += 1
        origins = [self.take(frame) for frame in window]
        for newer, older in zip(origins, origins[1:]):
            if newer is None or older is None:
                continue
            if newer.life == older.life:
                follows = newer.count == older.count + 1
            else:
                follows = newer.life > older.life
            if not follows:
                text = f"in a history {newer} came after {older}; {self._where()}"
                self._link.fault("lost", -1, text)

    def hold(self, data: np.ndarray[Any, Any], origin: Origin | None, most: int) -> None:
        """Keep a view, and let the oldest go until there are at most `most`."""
        if origin is not None:
            self._held.append((data, origin))
        while len(self._held) > most:
            self._recheck(*self._held.popleft())

    def _recheck(self, data: np.ndarray[Any, Any], origin: Origin) -> None:
        self.checked += 1
        now = origin_of(data)
        if now != origin:
            text = f"was {origin}, became {now} while it was held; {self._where()}"
            self._link.fault("torn", -1, text)

    def _where(self) -> str:
        return f"the newest numbered frame was {self._newest}"

    def let_go(self) -> None:
        """Check what is held for the last time."""
        while self._held:
            self._recheck(*self._held.popleft())

    def report(self, copied: int, missed: int) -> None:
        """Tell of progress."""
        index, origin = self._newest or (-1, Origin(self._place, -1, -1))
        self._link.send(
            "seen",
            index=index,
            life=origin.life,
            count=origin.count,
            checked=self.checked,
            windows=self.windows,
            refused=self.refused,
            mismatches=self.mismatches,
            copied=copied,
            missed=missed,
        )
