"""What a contender is: something that makes publishers and subscribers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Job:
    """One measurement."""

    kind: str
    """``latency``, ``throughput``, ``history`` or ``attach``."""
    shape: tuple[int, ...]
    """Of a frame, whose elements are bytes."""
    consumers: int
    period_s: float
    """Between frames when they are paced: of all kinds but ``throughput``."""
    frames: int
    """How many are measured when they are paced."""
    seconds: float
    """How long ``throughput`` goes on."""
    check: str
    """``stamps``: 16 places of each frame are read. ``bytes``: all of it."""
    name: str
    """Unlike that of any other run. Letters, digits, underscores."""
    lossless: bool = False
    """Whether the contender promises that every frame comes, so that waiting for the last makes sense."""
    options: dict[str, Any] = field(default_factory=dict)
    """What the catalogue says to this contender."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame, a multiple of 8."""
        total = 1
        for extent in self.shape:
            total *= extent
        return total


#: How many frames ``history`` asks for.
HISTORY_LEN = 5


class Publisher(Protocol):
    """The side that sends. Made and used in one process.

    One that lets its users write where the frame is sent from has ``fill(write)`` for it, which calls
    ``write`` with a flat array of that memory and sends it. Only stamps are written there then: what a
    frame costs whose bytes are there already.
    """

    def put(self, frame: NDArray[np.uint8]) -> None:
        """Send a copy of `frame`, which has the job's shape and is over a ``bytearray``."""

    def close(self) -> None:
        """Let go of everything."""


class Subscriber(Protocol):
    """The side that receives. Made and used in one process.

    May have ``last(count)``, which returns the newest `count` frames as one array, newest first, when
    a frame was got; where it has not, the frames are kept and stacked for it, as its users would.
    """

    def get(self, timeout_s: float) -> NDArray[np.uint8] | None:
        """Return a frame that was not returned before, as soon as there is one.

        The array is valid until the next call and has the job's shape. ``None`` after `timeout_s`.
        """

    def close(self) -> None:
        """Let go of everything."""


class Contender(Protocol):
    """Made once for a job, and pickled into each of its processes."""

    def __init__(self, job: Job) -> None: ...

    def load(self) -> None:
        """Import what is needed, in the process that will use it."""

    def publisher(self) -> Publisher:
        """Begin to send."""

    def subscriber(self, number: int) -> Subscriber:
        """Begin to receive, as consumer `number` of the job."""
