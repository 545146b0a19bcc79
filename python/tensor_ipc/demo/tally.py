"""A consumer's account of what it received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tensor_ipc.demo.latencies import Latencies
from tensor_ipc.demo.messages import Received
from tensor_ipc.demo.seal import check

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Tally:
    """Verifies frames and counts them: received, missed, wrong."""

    def __init__(self) -> None:
        self.latencies = Latencies()
        self._frames = 0
        self._missed = 0
        self._verified = 0
        self._failures = 0
        self._newest = -1
        self._first_ns: int | None = None
        self._last_ns = 0

    def take(
        self, frames: list[NDArray[Any]], received_ns: int, index: int | None = None
    ) -> int | None:
        """Verify frames that came together, newest first, and count them.

        Each must be whole, and must be the predecessor of the one before it.

        Parameters
        ----------
        frames
            The frames, newest first.
        received_ns
            When they were received.
        index
            Number of the newest, where the pool says so. Else the frames themselves tell.

        Returns
        -------
        Number of the newest frame, ``None`` when no frame was whole enough to tell.
        """
        seals = [check(frame) for frame in frames]
        told = (s.index + back for back, s in enumerate(seals) if s.intact)
        newest = next(told, None) if index is None else index
        self._verified += len(seals)
        self._failures += sum(
            not s.intact or s.index + back != newest for back, s in enumerate(seals)
        )
        if newest is not None:
            self._count_new(newest, len(seals))
        self._first_ns = self._first_ns or received_ns
        self._last_ns = received_ns
        return newest

    def figures(self, copied_bytes: int) -> Received:
        """Return the account so far."""
        return Received(
            frames=self._frames,
            missed=self._missed,
            verified=self._verified,
            failures=self._failures,
            elapsed_s=(self._last_ns - (self._first_ns or self._last_ns)) / 1e9,
            copied_bytes=copied_bytes,
            latency_p50_us=self.latencies.percentile_us(50),
            latency_p99_us=self.latencies.percentile_us(99),
        )

    def _count_new(self, newest: int, together: int) -> None:
        unseen = newest - self._newest
        if unseen <= 0:
            return
        received = min(unseen, together)
        self._frames += received
        self._missed += unseen - received
        self._newest = newest
