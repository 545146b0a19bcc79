"""A camera pan over photographs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tensor_ipc.demo.errors import DemoError
from tensor_ipc.demo.opencv import opencv

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_STEP_PX = 8
_HEADROOM = 1.25
_SWING_FRAMES = 180


class Pan:
    """Moves a window over photographs that hang side by side, and starts over at their end.

    The photographs are scaled up once, to a bit more than the height of a frame. Drawing a
    frame is then one copy out of the strip: it costs the same for every picture.
    """

    def __init__(self, photographs: list[Path], width: int, height: int) -> None:
        strip_height = math.ceil(height * _HEADROOM)
        strip = np.concatenate([_scaled(path, strip_height) for path in photographs], axis=1)
        self._period = int(strip.shape[1])
        self._strip = np.pad(strip, ((0, 0), (0, width), (0, 0)), mode="wrap")

    def draw(self, picture: NDArray[np.uint8], index: int) -> None:
        """Copy the window of frame `index` into `picture`."""
        height, width, _ = picture.shape
        room = self._strip.shape[0] - height
        x = (index * _STEP_PX) % self._period
        y = round(room * (0.5 + 0.5 * math.sin(2 * math.pi * index / _SWING_FRAMES)))
        np.copyto(picture, self._strip[y : y + height, x : x + width])

    def close(self) -> None:
        """Hold nothing that needs closing."""


def _scaled(path: Path, height: int) -> NDArray[np.uint8]:
    cv2 = opencv()
    photograph = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if photograph is None:
        msg = f"{str(path)!r} cannot be read as a picture"
        raise DemoError(msg)
    width = max(1, round(photograph.shape[1] * height / photograph.shape[0]))
    scaled = cv2.resize(photograph, (width, height), interpolation=cv2.INTER_CUBIC)
    rgb: NDArray[np.uint8] = cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB)
    return rgb
