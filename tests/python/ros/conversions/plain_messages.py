"""Messages without ROS: the attributes are all there is."""

from __future__ import annotations

import array
from types import SimpleNamespace
from typing import Any


class Image(SimpleNamespace):
    """Found by the name of its class."""


def header(stamp_ns: int = 0, frame_id: str = "") -> SimpleNamespace:
    sec, nanosec = divmod(stamp_ns, 10**9)
    return SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=nanosec), frame_id=frame_id)


def image(data: Any = b"", **fields: Any) -> Image:
    """An empty image, or one with the given fields."""
    defaults = {
        "header": header(),
        "height": 0,
        "width": 0,
        "encoding": "",
        "is_bigendian": 0,
        "step": 0,
        "data": array.array("B", data) if isinstance(data, bytes) else data,
    }
    return Image(**{**defaults, **fields})
