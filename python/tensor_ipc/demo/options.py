"""What a run of the demo is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

HISTORY_LEN = 5

#: Slots beyond the history. Ten slots of 1080p (62 MB) fit Docker's 64 MB /dev/shm, and a
#: window of five that is held while it is verified leaves the producer five more to go on with.
SPARE_SLOTS = 5


def _unique_pool() -> str:
    return f"demo-{uuid4().hex[:6]}"


@dataclass(frozen=True)
class DemoOptions:
    """A run of the demo.

    Parameters
    ----------
    source
        Video file, picture file, folder of pictures, ``camera`` or ``/dev/videoN``. ``None``:
        the photographs that come with scikit-image.
    seconds
        How long frames are published. 0: until interrupted.
    rate_hz
        Frames per second. A camera or a slow decoder may give fewer.
    width, height
        Size of the frames, in pixels.
    picture
        Where the last frames are drawn, as they were received.
    corrupt_every
        Flip one bit of every n-th frame after its checksum was made. 0: never.
    pool
        Name of the pool. Unique to the run, so that frame numbers start at 0.
    """

    source: str | None = None
    seconds: float = 10.0
    rate_hz: float = 60.0
    width: int = 1920
    height: int = 1080
    picture: Path = Path("tensor-ipc-demo.png")
    corrupt_every: int = 0
    pool: str = field(default_factory=_unique_pool)

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """Shape of a frame: the picture and the row below it (see ``seal``)."""
        return (self.height + 1, self.width, 3)
