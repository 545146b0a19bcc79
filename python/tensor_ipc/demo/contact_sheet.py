"""The picture of the last frames, as a consumer received them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tensor_ipc.demo.errors import DemoError
from tensor_ipc.demo.opencv import opencv
from tensor_ipc.demo.seal import check

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_LARGE_WIDTH = 1280
_SMALL_PER_ROW = 4


def refuse_unwritable(path: Path) -> None:
    """Raise ``DemoError`` now rather than after the run if `path` cannot take a picture."""
    if not path.parent.is_dir():
        msg = f"no folder {str(path.parent)!r} to write the picture to"
        raise DemoError(msg)
    if not opencv().haveImageWriter(str(path)):
        msg = f"{str(path)!r} does not end like a picture: use .png or .jpg"
        raise DemoError(msg)


def write_contact_sheet(frames: list[NDArray[Any]], path: Path) -> None:
    """Draw the newest of `frames` large and those before it in a row below it."""
    cv2 = opencv()
    sheet = [_tile(frames[0], _LARGE_WIDTH, "newest")]
    small = [
        _tile(frame, _LARGE_WIDTH // _SMALL_PER_ROW, f"-{back}")
        for back, frame in enumerate(frames[1 : _SMALL_PER_ROW + 1], start=1)
    ]
    if small:
        row = np.concatenate(small, axis=1)
        missing = _LARGE_WIDTH - row.shape[1]
        sheet.append(np.pad(row, ((0, 0), (0, missing), (0, 0))))
    try:
        written = cv2.imwrite(str(path), np.concatenate(sheet, axis=0))
    except cv2.error:
        written = False
    if not written:
        msg = f"cannot write the picture {str(path)!r}"
        raise DemoError(msg)


def _tile(frame: NDArray[Any], width: int, label: str) -> NDArray[np.uint8]:
    cv2 = opencv()
    picture = frame[:-1]
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    scaled = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    tile: NDArray[np.uint8] = cv2.cvtColor(scaled, cv2.COLOR_RGB2BGR)
    text = f"frame {check(frame).index}  {label}"
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(
            tile, text, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, thickness, cv2.LINE_AA
        )
    return tile
