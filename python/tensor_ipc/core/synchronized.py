"""Frames of several pools that belong together in time."""

from __future__ import annotations

import operator
from typing import Iterator, Sequence, Union

from tensor_ipc import _core
from tensor_ipc.core import by_time
from tensor_ipc.core.consumer import TensorConsumer

_MOST_FRAMES = 2**32 - 1  # what the core takes, which knows each pool's own

PoolFrames = Union[_core.Frame, _core.FrameWindow]


class SynchronizedFrames:
    """What `synchronized` returns: for each consumer, in their order, its frames.

    Can be unpacked and indexed like the tuple `frames`.

    Attributes
    ----------
    frames
        A `Frame` for each consumer of which one frame was asked for; a `FrameWindow` otherwise, whose
        newest frame is the matched one.
    timestamp_ns
        Time of capture of the matched frame that is oldest.
    spread_ns
        Nanoseconds from there to the one that is newest; at most the tolerance.
    """

    __slots__ = ("frames", "spread_ns", "timestamp_ns")

    def __init__(
        self, frames: tuple[PoolFrames, ...], timestamp_ns: int, spread_ns: int
    ) -> None:
        self.frames = frames
        self.timestamp_ns = timestamp_ns
        self.spread_ns = spread_ns

    @property
    def spread_s(self) -> float:
        """`spread_ns` in seconds."""
        return self.spread_ns / 1e9

    def __len__(self) -> int:
        """How many consumers there are."""
        return len(self.frames)

    def __iter__(self) -> Iterator[PoolFrames]:
        """Yield the frames of each consumer."""
        return iter(self.frames)

    def __getitem__(self, place: int) -> PoolFrames:
        """Return the frames of one consumer."""
        return self.frames[place]

    def __repr__(self) -> str:
        """Name the frames, not their bytes."""
        return (
            f"SynchronizedFrames(frames={self.frames}, timestamp_ns={self.timestamp_ns}, "
            f"spread_ns={self.spread_ns})"
        )


def synchronized(
    consumers: Sequence[TensorConsumer],
    *,
    tolerance: float,
    timeout: float | None = 0.0,
    history_len: int | Sequence[int] = 1,
    latest_first: bool = True,
    after_ns: int | None = None,
) -> SynchronizedFrames | None:
    """Return frames of several pools that were captured at the same time, give or take a tolerance.

    A set is one frame from the history of each pool, with no two captured more than `tolerance`
    apart. Of all sets the newest is returned: the one whose oldest frame is newest; then, from each
    pool, the frame captured closest to that oldest one; of several captured at the same time, the one
    published last. Nothing is copied, and no consumer's place is changed: `TensorConsumer.wait`
    still waits for a frame newer than the last one that `TensorConsumer.get` returned.

    Parameters
    ----------
    consumers
        One for each pool. All clocks must be the same: the frames' times of capture are compared.
    tolerance
        Seconds.
    timeout
        Seconds to wait for a set; ``None`` waits for ever. Lets other threads run. Ctrl-C and other
        signals are handled meanwhile.
    history_len
        How many frames of each pool: the matched one, and those published before it as far as the
        history goes. One number for all, or one for each.
    latest_first
        Where a pool gives several frames: newest at index 0. Otherwise oldest first.
    after_ns
        Only frames captured later count. With the ``timestamp_ns`` of the set before, the next call
        waits for a new one.

    Returns
    -------
    The set; its frames are held as those of `TensorConsumer.get`. ``None`` when there was none in
    time, and after a `TensorConsumer.cleanup` during the wait.

    Raises
    ------
    ValueError
        There are no consumers, or `tolerance` or `history_len` is out of range.
    TypeError
        One of `consumers` is no `TensorConsumer`.
    MetadataMismatchError
        A pool that appeared holds something else.
    PoolNotFoundError
        One of `consumers` was cleaned up before.
    """
    natives = tuple(map(_native_of, consumers))
    if not natives:
        msg = "expected at least one consumer, got none"
        raise ValueError(msg)
    found = _core.synchronized(
        natives,
        _history_lens(history_len, len(natives)),
        by_time.tolerance_in_ns(tolerance),
        _as_limit(after_ns),
        timeout,
        latest_first,
    )
    if found is None:
        return None
    oldest_ns, newest_ns, frames = found
    return SynchronizedFrames(frames, oldest_ns, newest_ns - oldest_ns)


def _native_of(consumer: TensorConsumer) -> _core.Consumer:
    if not isinstance(consumer, TensorConsumer):
        msg = f"consumers: expected TensorConsumer, got {type(consumer).__name__}"
        raise TypeError(msg)
    return consumer._usable()


def _history_lens(history_len: int | Sequence[int], consumers: int) -> list[int]:
    lens = list(history_len) if isinstance(history_len, Sequence) else [history_len] * consumers
    if len(lens) != consumers:
        msg = f"history_len: expected one for each of {consumers} consumers, got {len(lens)}"
        raise ValueError(msg)
    for each in lens:
        if not 1 <= each <= _MOST_FRAMES:
            msg = f"history_len must be 1 to the pool's history_len, got {each}"
            raise ValueError(msg)
    return lens


def _as_limit(after_ns: int | None) -> int | None:
    """Return `after_ns` as the core counts; a time before all frames is no limit."""
    if after_ns is None:
        return None
    limit = operator.index(after_ns)
    return None if limit < 0 else by_time.clipped(limit)
