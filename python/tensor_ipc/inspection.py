"""Looking at pools without joining them, and sweeping up what crashes left behind."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

from tensor_ipc import _core


class ConsumerInfo(NamedTuple):
    """A living consumer of a pool."""

    consumer_id: int
    pid: int
    pinned_slots: int
    """How many slots its views hold."""


@dataclasses.dataclass(frozen=True)
class CleanedPool:
    """A leftover that `clean` removed, or would have."""

    name: str
    bytes: int
    reason: str


@dataclasses.dataclass(frozen=True)
class PoolInfo:
    """What can be seen of a pool from outside.

    Attributes
    ----------
    varying_extent
        Whether a frame may have fewer rows than ``shape[0]``.
    segment_bytes
        Shared memory it takes.
    device_bytes
        Memory of a GPU that it takes; 0 for pools in host memory.
    generation
        1, and 1 more for each producer that took it over.
    latest_frame
        -1 before the first frame.
    last_published_ns
        CLOCK_MONOTONIC; 0 before the first frame.
    rate_hz
        From the times of the frames in the history; 0.0 when unknown or silent.
    closed
        Its producer ended it in order.
    skipped_slots
        Pinned slots that producers had to go round.
    device
        Where the frames lie, by its producer's number for a GPU.
    error
        Why the segment is not sound; everything but ``name`` and ``segment_bytes`` is empty then.
    """

    name: str
    shape: tuple[int, ...]
    varying_extent: bool
    dtype_str: str
    backend_type: str
    device: str
    history_len: int
    slot_count: int
    frame_bytes: int
    segment_bytes: int
    device_bytes: int
    generation: int
    layout_version: int
    latest_frame: int
    last_published_ns: int
    rate_hz: float
    producer_alive: bool
    producer_pid: int
    closed: bool
    skipped_slots: int
    consumers: tuple[ConsumerInfo, ...]
    error: str = ""


def _pool_info(fields: dict[str, Any]) -> PoolInfo:
    fields["consumers"] = tuple(ConsumerInfo(*consumer) for consumer in fields["consumers"])
    return PoolInfo(**fields)


def inspect(pool_name: str) -> PoolInfo:
    """Look at one pool, read-only and without joining it.

    Raises
    ------
    PoolNotFoundError
        There is none of that name.
    SegmentError
        Its shared memory is damaged or of another layout version.
    """
    return _pool_info(_core.inspect(pool_name))


def list_pools() -> list[PoolInfo]:
    """Look at all pools of this namespace, by name; damaged ones have an ``error``."""
    return [_pool_info(fields) for fields in _core.list_pools()]


def clean(*, dry_run: bool = False) -> list[CleanedPool]:
    """Remove what dead producers left in ``/dev/shm``; pools with a living one are never touched.

    Consumers that are still attached keep their views.

    Parameters
    ----------
    dry_run
        Only tell.
    """
    return [CleanedPool(*removed) for removed in _core.clean(dry_run)]
