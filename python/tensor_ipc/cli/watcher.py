"""What ``tensor-ipc watch`` measures, as an ordinary consumer of the pool."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tensor_ipc.demo.latencies import Latencies

if TYPE_CHECKING:
    from tensor_ipc import Frame, TensorConsumer


class Watcher:
    """Takes every frame it can get and accounts for a stretch of time."""

    def __init__(self, name: str, consumer: TensorConsumer) -> None:
        self._name = name
        self._consumer = consumer
        self._started_ns = time.monotonic_ns()
        self._latest_frame = -1
        self._missed = 0
        self._latencies = Latencies()
        # What is there already was not published for us: neither a rate nor a latency.
        there = consumer.get_frame()
        if there is not None:
            self._latest_frame = there.index

    def watch(self, until_s: float) -> dict[str, Any]:
        """Watch until ``time.monotonic()`` is `until_s`, and return the figures of that time."""
        from_s = time.monotonic()
        self._latencies.clear()
        frames = 0
        left_s = until_s - from_s
        while left_s > 0:
            if self._consumer.wait(timeout=left_s):
                frame = self._consumer.get_frame()
                received_ns = time.monotonic_ns()
                if frame is not None:
                    self._latencies.add(received_ns - frame.published_ns)
                    frames += self._count(frame)
            left_s = until_s - time.monotonic()
        elapsed_s = time.monotonic() - from_s
        return {
            "name": self._name,
            "elapsed_s": round((time.monotonic_ns() - self._started_ns) / 1e9, 3),
            "connected": self._consumer.connected,
            "latest_frame": self._latest_frame,
            "frames": frames,
            "rate_hz": round(frames / elapsed_s, 2) if elapsed_s > 0 else 0.0,
            "latency_p50_us": self._latencies.percentile_us(50),
            "latency_p99_us": self._latencies.percentile_us(99),
            "missed": self._missed,
            "copied_bytes": self._consumer.stats.copied_bytes,
        }

    def _count(self, frame: Frame) -> int:
        """Return how many frames were published since the last one, this one included."""
        published = frame.index - self._latest_frame
        if published <= 0 or self._latest_frame < 0:  # another generation, or the first frame
            published = 1
        self._missed += published - 1
        self._latest_frame = frame.index
        return published
