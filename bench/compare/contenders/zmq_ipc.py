"""pyzmq: PUB and SUB over ``ipc://``, without the copies that pyzmq can leave out."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.compare.seal import PATTERNS

if TYPE_CHECKING:
    from bench.compare.contract import Job

#: Frames in each queue; further ones are dropped, as PUB does.
_HIGH_WATER = 2


class ZmqIpc:
    """``send(copy=False, track=True)`` and ``recv(copy=False)``."""

    def __init__(self, job: Job) -> None:
        self._shape = job.shape
        self._address = f"ipc://@{job.name}"

    def load(self) -> None:
        """Import the package."""
        import zmq  # noqa: F401, PLC0415

    def publisher(self) -> Any:
        """Bind."""
        return _Publisher(self._address)

    def subscriber(self, number: int) -> Any:  # noqa: ARG002  all are alike
        """Connect; ZeroMQ does it again until there is somebody."""
        return _Subscriber(self._address, self._shape)


class _Publisher:
    def __init__(self, address: str) -> None:
        import zmq  # noqa: PLC0415

        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUB)
        self._socket.setsockopt(zmq.SNDHWM, _HIGH_WATER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.bind(address)
        self._sending: deque[Any] = deque()

    def put(self, frame: Any) -> None:
        # ZeroMQ reads the array's own memory. It is written to again PATTERNS frames later.
        if len(self._sending) == PATTERNS - 1:
            self._sending.popleft().wait()
        self._sending.append(self._socket.send(frame, copy=False, track=True))

    def close(self) -> None:
        self._context.destroy(linger=0)


class _Subscriber:
    def __init__(self, address: str, shape: tuple[int, ...]) -> None:
        import zmq  # noqa: PLC0415

        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, _HIGH_WATER)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._socket.connect(address)
        self._shape = shape

    def get(self, timeout_s: float) -> Any:
        if not self._socket.poll(int(timeout_s * 1000)):
            return None
        return np.frombuffer(self._socket.recv(copy=False).buffer, np.uint8).reshape(
            self._shape
        )

    def close(self) -> None:
        self._context.destroy(linger=0)
