"""A video file, over and over, or a camera."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tensor_ipc.demo.errors import DemoError
from tensor_ipc.demo.opencv import opencv

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Video:
    """Plays what OpenCV can open, scaled and cropped to fill the frame.

    Parameters
    ----------
    path
        Video file or device.
    endless
        A camera: a picture that does not come is an error, not the end of the file.
    """

    def __init__(self, path: str, *, endless: bool) -> None:
        self._path = path
        self._endless = endless
        self._cv2 = opencv()
        self._capture = self._open()

    def draw(self, picture: NDArray[np.uint8], index: int) -> None:  # noqa: ARG002
        """Decode the next picture into `picture`. It comes in the order of the video."""
        cv2 = self._cv2
        decoded = _filling(cv2, self._next(), picture.shape[1], picture.shape[0])
        cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB, dst=picture)

    def close(self) -> None:
        """Give back the device or file."""
        self._capture.release()

    def _open(self) -> Any:
        capture = self._cv2.VideoCapture(self._path)
        if not capture.isOpened():
            what = "camera" if self._endless else "video"
            msg = f"{self._path!r} cannot be opened as a {what}"
            raise DemoError(msg)
        return capture

    def _next(self) -> NDArray[Any]:
        there, decoded = self._capture.read()
        if not there and not self._endless:
            self._capture.release()
            self._capture = self._open()
            there, decoded = self._capture.read()
        if not there:
            msg = f"{self._path!r} gives no more pictures"
            raise DemoError(msg)
        picture: NDArray[Any] = decoded
        return picture


def _filling(cv2: Any, decoded: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """Scale `decoded` until it covers the frame, and crop what stands out."""
    from_height, from_width = decoded.shape[:2]
    if (from_width, from_height) == (width, height):
        return decoded
    scale = max(width / from_width, height / from_height)
    size = (max(width, round(from_width * scale)), max(height, round(from_height * scale)))
    scaled: NDArray[Any] = cv2.resize(decoded, size, interpolation=cv2.INTER_LINEAR)
    x, y = (size[0] - width) // 2, (size[1] - height) // 2
    return scaled[y : y + height, x : x + width]
