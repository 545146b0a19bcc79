"""Figures as people read them."""

from __future__ import annotations

from typing import Sequence

NONE = "-"


def in_bytes(count: float) -> str:
    """`count` bytes, in the decimal unit that leaves up to three digits in front."""
    for unit in ("B", "kB", "MB"):
        if abs(count) < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def in_microseconds(microseconds: float | None) -> str:
    """Return `microseconds` with its unit, or the sign for nothing."""
    if microseconds is None:
        return NONE
    if microseconds >= 10_000:
        return f"{microseconds / 1000:.1f} ms"
    return f"{microseconds:.0f} us" if microseconds >= 100 else f"{microseconds:.2f} us"


def in_hertz(rate_hz: float) -> str:
    """Return a rate, or the sign for nothing when it is unknown."""
    return f"{rate_hz:.1f}/s" if rate_hz else NONE


def shape(extents: Sequence[int], *, varying: bool = False) -> str:
    """Return a shape as ``1080x1920x3``, and that of a single number as ``scalar``.

    ``<=1000x3`` where the first extent is that of the largest frame.
    """
    text = "x".join(str(extent) for extent in extents) or "scalar"
    return f"<={text}" if varying else text
