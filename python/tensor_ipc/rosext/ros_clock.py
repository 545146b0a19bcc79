"""Times of ROS as nanoseconds, and frames' own times as those of the node's clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensor_ipc._core import Frame

_NS_PER_S = 1_000_000_000


def now_ns(node: Any) -> int:
    """Return the time of the node's clock, which may be simulated."""
    return int(node.get_clock().now().nanoseconds)


def stamp_to_ns(stamp: Any) -> int:
    """Return a time in nanoseconds.

    Parameters
    ----------
    stamp
        A ``builtin_interfaces/msg/Time``, an ``rclpy.time.Time``, or nanoseconds.

    Raises
    ------
    TypeError
        It is none of these.
    """
    if isinstance(stamp, int) and not isinstance(stamp, bool):
        return stamp
    if hasattr(stamp, "nanosec"):
        return int(stamp.sec) * _NS_PER_S + int(stamp.nanosec)
    if hasattr(stamp, "nanoseconds"):
        return int(stamp.nanoseconds)
    msg = (
        "stamp: expected builtin_interfaces.msg.Time, rclpy.time.Time or int nanoseconds, "
        f"found {type(stamp).__name__}"
    )
    raise TypeError(msg)


def frame_stamp_ns(frame: Frame, node: Any, *, of_publication: bool = False) -> int:
    """Return the time of a frame on the node's clock.

    Parameters
    ----------
    frame
        Whose producer may have given a time of capture. That is taken for one of the node's clock,
        as bridges and ROS nodes give them.
    of_publication
        Ignore the time of capture: the producer's clock is another one.
    """
    if not of_publication and frame.timestamp_ns != frame.published_ns:
        return frame.timestamp_ns
    # CLOCK_MONOTONIC, which no other host and no recording understands: as an age, then.
    return now_ns(node) - (time.monotonic_ns() - frame.published_ns)
