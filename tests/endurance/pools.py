"""The pools of a run: different shapes, dtypes, histories and loads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Pool(NamedTuple):
    """One pool and who works on it."""

    name: str
    shapes: tuple[tuple[int, ...], ...]
    """A producer takes one of them; another than its predecessor's makes the pool anew."""
    dtype: str
    history_len: int
    spare: int
    consumers: int
    most_pause_s: float
    """Of the producer, between two frames."""
    is_elder: bool = False
    """Nobody is killed here: whose memory grows can be seen."""
    chronological: bool = False

    def sample(self, variant: int) -> np.ndarray:
        """Return an array like a frame of it."""
        return np.zeros(self.shapes[variant % len(self.shapes)], self.dtype)


POOLS = (
    Pool("state", ((64,),), "float64", 16, 8, 5, 0.004),
    Pool("camera", ((120, 160, 3),), "uint8", 5, 6, 4, 0.01),
    Pool("tight", ((33, 7),), "int32", 2, 2, 4, 0.003),
    Pool("changing", ((500,), (17, 31)), "float32", 4, 3, 3, 0.005),
    Pool("ros/image", ((64, 64, 4),), "uint16", 8, 8, 3, 0.008, chronological=True),
    Pool("elder", ((256, 256),), "uint8", 10, 10, 3, 0.002, is_elder=True),
)
