"""From a message to a slot: convert, check, publish, count. The one copy is `TensorProducer.put`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple

from tensor_ipc.errors import ROSConversionError, TensorIpcError
from tensor_ipc.rosext.conversions import to_frame

if TYPE_CHECKING:
    from tensor_ipc.core.producer import TensorProducer
    from tensor_ipc.rosext.complaints import Complaints
    from tensor_ipc.rosext.conversions import MessageFrame
    from tensor_ipc.rosext.rate_limit import RateLimit


class ReaderStats(NamedTuple):
    """What became of the messages of a topic."""

    messages: int
    """Messages that arrived."""
    frames: int
    """Frames that went into the pool."""
    conversion_errors: int
    """Messages that are no frame of the pool: damaged, or of another encoding, shape or dtype."""
    refused: int
    """Frames that the pool could not take: its name or every slot is taken, or memory is short."""
    limited: int
    """Messages left out by the rate limit."""
    incompatible_qos: int
    """Publishers found whose QoS does not match; nothing comes from them."""


class TopicReader:
    """Takes the messages of one topic. Knows messages by their fields, and no ROS.

    Parameters
    ----------
    type_name
        Of the messages: ``"sensor_msgs/msg/Image"``.
    open_pool
        Makes the producer, from the first frame. Called again when it raised.
    now_ns
        The node's time, for messages without a stamp.
    complaints
        Told of what goes wrong.
    encoding
        The only one to take. ``None`` takes all.
    conversion
        Options of `to_frame`.
    rate_limit
        What it does not admit is left out.
    on_frame
        Called after each frame.
    """

    def __init__(
        self,
        type_name: str,
        open_pool: Callable[[MessageFrame], TensorProducer],
        now_ns: Callable[[], int],
        complaints: Complaints,
        *,
        encoding: str | None = None,
        conversion: Mapping[str, Any] | None = None,
        rate_limit: RateLimit | None = None,
        on_frame: Callable[[], object] | None = None,
    ) -> None:
        self._type_name = type_name
        self._open_pool = open_pool
        self._now_ns = now_ns
        self._complaints = complaints
        self._encoding = encoding
        self._conversion = dict(conversion or {})
        self._rate_limit = rate_limit
        self._on_frame = on_frame
        self._producer: TensorProducer | None = None
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(ReaderStats._fields, 0)

    @property
    def stats(self) -> ReaderStats:
        """Counters."""
        return ReaderStats(**self._counts)

    @property
    def last_error(self) -> str:
        """Text of the last error; empty while there was none."""
        return self._complaints.last

    def take(self, message: Any) -> None:
        """Make a frame of a message. Whatever is wrong with it is counted and said, never raised."""
        self._count("messages")
        if self._rate_limit is not None and not self._rate_limit.admits():
            self._count("limited")
            return
        try:
            self._publish(to_frame(message, type_name=self._type_name, **self._conversion))
        except ROSConversionError as error:
            self._fail("conversion_errors", error)
        except TensorIpcError as error:  # before ValueError, which some of these are as well
            self._fail("refused", error)
        except (
            TypeError,
            ValueError,
        ) as error:  # shape, dtype, or user metadata that is too long
            self._fail("conversion_errors", error)
        else:
            self._count("frames")
            if self._on_frame is not None:
                self._on_frame()

    def note_incompatible_qos(self, policy: str) -> None:
        """Count and say that a publisher was found whose QoS does not match."""
        self._fail(
            "incompatible_qos",
            f"a publisher offers another {policy} than is asked for: nothing comes from it; "
            "set qos to what it offers (best_effort takes from all, reliable from reliable ones only)",
        )

    def _publish(self, frame: MessageFrame) -> None:
        found = frame.user_metadata.get("encoding")
        if self._encoding is not None and found != self._encoding:
            msg = f"expected encoding {self._encoding!r}, found {found!r}"
            raise ROSConversionError(msg)
        stamp_ns = self._now_ns() if frame.stamp_ns is None else frame.stamp_ns
        producer = self._producer or self._open(frame)
        producer.put(frame.array, timestamp_ns=stamp_ns, user_metadata=frame.user_metadata)

    def _open(self, frame: MessageFrame) -> TensorProducer:
        with self._lock:
            if self._producer is None:
                self._producer = self._open_pool(frame)
            return self._producer

    def _fail(self, counter: str, error: object) -> None:
        self._count(counter)
        self._complaints.add(error)

    def _count(self, counter: str) -> None:
        with self._lock:
            self._counts[counter] += 1
