"""How long frames took from publication to reception."""

from __future__ import annotations

from collections import deque

import numpy as np

#: Enough for 100 s at 60 Hz. A longer run reports the latest ones.
_KEPT = 6000


class Latencies:
    """The newest latencies, and their percentiles."""

    def __init__(self) -> None:
        self._ns: deque[int] = deque(maxlen=_KEPT)

    def add(self, latency_ns: int) -> None:
        """Remember one more."""
        self._ns.append(latency_ns)

    def clear(self) -> None:
        """Forget them all."""
        self._ns.clear()

    def percentile_us(self, percent: float) -> float | None:
        """Percentile in microseconds, ``None`` while there is no sample."""
        if not self._ns:
            return None
        return round(float(np.percentile(np.fromiter(self._ns, np.int64), percent)) / 1e3, 1)
