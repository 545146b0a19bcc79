"""What the processes of the demo say to each other, over one pipe for each child.

The parent sends orders, a child sends ``Ready``, then ``Progress`` again and again, then
``Done``; or ``Failed`` at any time. When the parent dies the pipe ends, which a child takes for
``Order.CLOSE``: nothing of the demo outlives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

#: How often a child reports.
REPORT_EVERY_NS = 250_000_000


class Order(Enum):
    """What the parent tells a child to do."""

    START = "start"
    """Producer: publish. Consumer: attach to the pool, which is there now."""
    STOP = "stop"
    """Producer: publish no more, but keep the pool. Consumer: take what is left and end."""
    CLOSE = "close"
    """Producer: remove the pool and end."""


@dataclass(frozen=True)
class Published:
    """What the producer did so far. It draws in place: there is nothing it could copy."""

    frames: int = 0
    elapsed_s: float = 0.0
    skipped_slots: int = 0

    @property
    def rate_hz(self) -> float:
        """Frames per second, 0 while there is nothing to divide by."""
        return self.frames / self.elapsed_s if self.elapsed_s else 0.0


@dataclass(frozen=True)
class Received:
    """What a consumer received so far.

    Parameters
    ----------
    frames
        Different frames received.
    missed
        Frames published in the meantime that it never saw.
    verified
        Checksums computed. A history consumer verifies all frames of each window, so it
        meets most frames several times.
    failures
        Frames among those whose bytes, number or place in the window were wrong.
    elapsed_s
        From the first frame to the last.
    """

    frames: int = 0
    missed: int = 0
    verified: int = 0
    failures: int = 0
    elapsed_s: float = 0.0
    copied_bytes: int = 0
    latency_p50_us: float | None = None
    latency_p99_us: float | None = None

    @property
    def rate_hz(self) -> float:
        """Frames per second. Time starts with the first frame, so that one does not count."""
        return (self.frames - 1) / self.elapsed_s if self.elapsed_s else 0.0


@dataclass(frozen=True)
class Ready:
    """Producer: the pool is there. Consumer: attached to it."""


@dataclass(frozen=True)
class Progress:
    """The figures up to now."""

    figures: Published | Received


@dataclass(frozen=True)
class Done:
    """The final figures, and the picture that was written, if any."""

    figures: Published | Received
    picture: str | None = None


@dataclass(frozen=True)
class Failed:
    """The child cannot go on, and ends."""

    reason: str


#: What the parent gets to see. It makes an error of ``Failed``.
Report = Union[Ready, Progress, Done]


def next_order(link: Connection, timeout_s: float | None = None) -> Order | None:
    """Return the parent's next order, ``None`` when none comes within `timeout_s`."""
    try:
        if timeout_s is not None and not link.poll(timeout_s):
            return None
        order: Order = link.recv()
    except (EOFError, OSError):
        return Order.CLOSE
    return order
