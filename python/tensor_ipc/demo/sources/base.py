"""What every source of frames can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Source(Protocol):
    """Draws RGB pictures straight into memory it is given."""

    def draw(self, picture: NDArray[np.uint8], index: int) -> None:
        """Fill `picture`, of shape ``(height, width, 3)``, with the picture number `index`."""

    def close(self) -> None:
        """Give back the device or file."""
