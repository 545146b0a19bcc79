"""Several frames of one pool with their numbers and times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


class FrameWindow:
    """Several frames of one pool as one array, with their numbers and times.

    Attributes
    ----------
    data
        Read-only view of shape ``(len(window), *shape)``, in the order asked for.
    indices
        Numbers of the frames, in the order of `data`.
    timestamps_ns
        Times of capture, in the order of `data`.
    published_times_ns
        CLOCK_MONOTONIC at publication, in the order of `data`.
    copied
        Whether the data had to be copied.
    """

    __slots__ = ("copied", "data", "indices", "published_times_ns", "timestamps_ns")

    def __init__(
        self,
        data: np.ndarray[Any, Any],
        indices: tuple[int, ...],
        timestamps_ns: tuple[int, ...],
        published_times_ns: tuple[int, ...],
        copied: bool,
    ) -> None:
        self.data = data
        self.indices = indices
        self.timestamps_ns = timestamps_ns
        self.published_times_ns = published_times_ns
        self.copied = copied

    def _newest(self) -> int:
        """Return the place of the frame that was published last: one of the ends."""
        return 0 if self.indices[0] > self.indices[-1] else -1

    @property
    def index(self) -> int:
        """Number of the newest frame."""
        return self.indices[self._newest()]

    @property
    def timestamp_ns(self) -> int:
        """Time of capture of the newest frame."""
        return self.timestamps_ns[self._newest()]

    @property
    def published_ns(self) -> int:
        """CLOCK_MONOTONIC at publication of the newest frame."""
        return self.published_times_ns[self._newest()]

    def __len__(self) -> int:
        """How many frames there are, at least 1."""
        return len(self.indices)

    def __repr__(self) -> str:
        """Name the frames, not their bytes."""
        return (
            f"FrameWindow(indices={self.indices}, shape={self.data.shape}, "
            f"dtype={self.data.dtype})"
        )
