"""Contenders that do what none should: the harness has to notice."""

from __future__ import annotations

import os
import time
from typing import Any

from bench.compare.contenders.shm_semaphore import ShmSemaphore


class Tearing(ShmSemaphore):
    """Publishes a frame whose second half is that of the frame before."""

    def publisher(self) -> Any:
        whole = super().publisher()
        return _Changed(whole, _with_old_half())


class TearingBetweenStamps(ShmSemaphore):
    """Publishes frames with one wrong byte, which only who reads every byte can see."""

    def publisher(self) -> Any:
        return _Changed(super().publisher(), _with_wrong_byte)


class Losing(ShmSemaphore):
    """Leaves out each third frame."""

    def publisher(self) -> Any:
        return _Losing(super().publisher())


class Repeating(ShmSemaphore):
    """Hands each frame out twice."""

    def subscriber(self, number: int) -> Any:
        return _Twice(super().subscriber(number))


class Dying(ShmSemaphore):
    """Its producer ends without a word."""

    def publisher(self) -> Any:
        os._exit(3)


class Refusing(ShmSemaphore):
    """Cannot be opened."""

    def publisher(self) -> Any:
        msg = "no such transport"
        raise OSError(msg)


class OpenedSlowly(ShmSemaphore):
    """What its processes are handed takes a fifth of a second to open."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        time.sleep(0.2)
        self.__dict__.update(state)


def _with_old_half() -> Any:
    before = None

    def change(frame: Any) -> Any:
        nonlocal before
        torn = frame.copy()
        if before is not None:
            torn[len(torn) // 2 :] = before[len(torn) // 2 :]
        before = frame.copy()
        return torn

    return change


def _with_wrong_byte(frame: Any) -> Any:
    changed = frame.copy()
    changed.reshape(-1)[20] ^= 1
    return changed


class _Changed:
    def __init__(self, publisher: Any, change: Any) -> None:
        self._publisher, self._change = publisher, change
        self.close = publisher.close

    def put(self, frame: Any) -> None:
        self._publisher.put(self._change(frame))


class _Losing:
    def __init__(self, publisher: Any) -> None:
        self._publisher, self._count = publisher, 0
        self.close = publisher.close

    def put(self, frame: Any) -> None:
        self._count += 1
        if self._count % 3:
            self._publisher.put(frame)


class _Twice:
    def __init__(self, subscriber: Any) -> None:
        self._subscriber, self._again = subscriber, None
        self.close = subscriber.close

    def get(self, timeout_s: float) -> Any:
        if self._again is not None:
            again, self._again = self._again, None
            return again
        frame = self._subscriber.get(timeout_s)
        self._again = None if frame is None else frame.copy()
        return frame
