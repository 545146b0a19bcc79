"""Sources: where the frames of the demo come from.

``open_source`` picks one: ``pan`` moves over photographs (``photographs`` finds them),
``video`` plays a video file or a camera.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tensor_ipc.demo.errors import DemoError
from tensor_ipc.demo.sources.pan import Pan
from tensor_ipc.demo.sources.photographs import bundled_photographs, is_picture, pictures_in
from tensor_ipc.demo.sources.video import Video

if TYPE_CHECKING:
    from tensor_ipc.demo.sources.base import Source

__all__ = ["open_source"]


def open_source(source: str | None, width: int, height: int) -> Source:
    """Open what the user named.

    Parameters
    ----------
    source
        As in ``DemoOptions``.
    width, height
        Size of the pictures it is to draw.

    Raises
    ------
    DemoError
        There is no such source, or nothing in it can be read.
    """
    if source is None:
        return Pan(bundled_photographs(), width, height)
    if source == "camera":
        return Video("/dev/video0", endless=True)
    path = Path(source)
    if path.is_dir():
        return Pan(pictures_in(path), width, height)
    if path.is_char_device():
        return Video(source, endless=True)
    if not path.is_file():
        msg = f"no such source: {source!r} is neither a file, a folder nor a camera"
        raise DemoError(msg)
    if is_picture(path):
        return Pan([path], width, height)
    return Video(source, endless=False)
