"""A slot on loan, to write in place."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Mapping

from tensor_ipc.errors import PoolNotFoundError

if TYPE_CHECKING:
    from types import TracebackType

    from tensor_ipc import _core
    from tensor_ipc.core.producer import TensorProducer

_MOST_ROWS = 2**63 - 1  # what the core takes, which knows the pool's own


class Loan:
    """What `TensorProducer.loan` returns: a context manager whose block writes a frame in place.

    The attributes may be changed until the block ends, which publishes what they say then.

    Attributes
    ----------
    timestamp_ns
        Time of capture; that of publication when ``None``.
    user_metadata
        Texts that travel with the frame; see `TensorProducer.put`.
    stream
        The CUDA stream that writes the frame, in a pool on a GPU; see `TensorProducer.loan`.
    """

    __slots__ = (
        "_array",
        "_extent",
        "_native",
        "_producer",
        "stream",
        "timestamp_ns",
        "user_metadata",
    )

    def __init__(
        self,
        producer: TensorProducer,
        extent: int | None,
        timestamp_ns: int | None,
        user_metadata: Mapping[str, str] | None,
        stream: object = None,
    ) -> None:
        self._producer = producer
        self._extent = None if extent is None else _checked(extent, _MOST_ROWS)
        self._native: _core.Loan | _core.CudaLoan | None = None
        self._array: Any = None
        self.timestamp_ns = timestamp_ns
        self.user_metadata = user_metadata
        self.stream = stream

    @property
    def extent(self) -> int | None:
        """Rows to publish: all of the array, unless set to fewer in the block.

        Raises
        ------
        ValueError
            More rows than the array has; or, at the end of the block, fewer in a pool whose extent
            does not vary.
        """
        return self._extent

    @extent.setter
    def extent(self, rows: int) -> None:
        if self._native is None:
            msg = "the extent of a loan can be set in its block only: give it to loan() before"
            raise ValueError(msg)
        self._extent = _checked(rows, self._native.extent)

    def __enter__(self) -> Any:
        """Take a slot; return the array over it."""
        self._native, self._extent, array = self._producer._usable().loan(self._extent)
        self._array = array
        return array

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Publish the frame, or give the slot back when the block raised."""
        native = self._native
        if native is None:  # published in the block
            return
        if exc_type is None:
            self.publish()
        else:
            array = self._array
            self._native = self._array = None
            native.drop(array)

    def publish(self, stream: object = None) -> int:
        """Publish the frame before the block ends; its end then does nothing more.

        Parameters
        ----------
        stream
            As the attribute.

        Returns
        -------
        Number of the frame.

        Raises
        ------
        PoolNotFoundError
            The producer was cleaned up.
        ValueError
            Outside of the block, or a second time; or what the end of the block raises.
        """
        native, extent, array = self._native, self._extent, self._array
        if native is None or extent is None:
            msg = "a loan is published once, and in its block only"
            raise ValueError(msg)
        self._native = self._array = None
        last = self.stream if stream is None else stream
        try:
            frame = native.publish(array, self.timestamp_ns, extent, self.user_metadata, last)
        except BaseException:
            native.drop(array)
            raise
        if frame is None:
            name = self._producer.metadata.name
            msg = f"the producer of pool {name!r} was cleaned up during the loan"
            raise PoolNotFoundError(msg)
        return frame


def _checked(extent: int, most: int) -> int:
    rows = operator.index(extent)
    if not 0 <= rows <= most:
        msg = f"extent: expected 0 to {most} rows, got {rows}"
        raise ValueError(msg)
    return rows
