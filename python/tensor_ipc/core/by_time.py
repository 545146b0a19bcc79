"""Times as users give them, checked and made fit for the core, which counts in 64 bits."""

from __future__ import annotations

import operator

from tensor_ipc import _core

_SIDES = {"before": 0, "nearest": 1, "after": 2}
_LAST_NS = 2**64 - 1  # the latest time that a frame can have; the earliest is 0


def frame_at(native: _core.Consumer, timestamp_ns: int, method: str) -> _core.Frame | None:
    """Return the frame; see `TensorConsumer.get_at`."""
    side = _SIDES.get(method)
    if side is None:
        msg = f"method must be 'before', 'nearest' or 'after', got {method!r}"
        raise ValueError(msg)
    time = operator.index(timestamp_ns)
    if (time < 0 and method == "before") or (time > _LAST_NS and method == "after"):
        return None
    return _core.frame_at(native, clipped(time), side)


def frames_between(
    native: _core.Consumer, start_ns: int, end_ns: int, latest_first: bool
) -> _core.FrameWindow | None:
    """Return the frames; see `TensorConsumer.between`."""
    start, end = operator.index(start_ns), operator.index(end_ns)
    if end < 0 or start > _LAST_NS:
        return None
    return _core.frames_between(native, clipped(start), clipped(end), latest_first)


def clipped(timestamp_ns: int) -> int:
    """Return the time that a frame can have which is nearest."""
    return min(max(timestamp_ns, 0), _LAST_NS)


def tolerance_in_ns(tolerance_s: float) -> int:
    """Return a span of seconds in nanoseconds."""
    if not tolerance_s >= 0:  # NaN neither
        msg = f"tolerance must be a number of seconds from 0 on, got {tolerance_s!r}"
        raise ValueError(msg)
    tolerance_ns = tolerance_s * 1e9
    return round(tolerance_ns) if tolerance_ns < _LAST_NS else _LAST_NS
