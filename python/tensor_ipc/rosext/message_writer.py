"""From an array to a topic, through one message that is filled again and again.

A new message for each frame costs several times as much as the copy into it: rclpy checks what is
assigned to a field of numbers one by one, unless it is an ``array.array``, and the conversions
write into the one that is there.
"""

from __future__ import annotations

import threading
from typing import Any, Callable, Mapping

import numpy as np

from tensor_ipc.rosext.conversions import fill_message


class MessageWriter:
    """Fills and publishes the messages of one topic. Safe from several threads.

    Parameters
    ----------
    message
        Of the topic's type. Belongs to the writer.
    publish
        Serializes a message before it returns, as rclpy's does.
    encoding, frame_id
        For all messages, before what a frame's user metadata says. ``None`` leaves it to the frame
        and, last, to the array's shape and dtype.
    conversion
        More options of `fill_message`.
    """

    def __init__(
        self,
        message: Any,
        publish: Callable[[Any], object],
        *,
        encoding: str | None = None,
        frame_id: str | None = None,
        conversion: Mapping[str, Any] | None = None,
    ) -> None:
        self._message = message
        self._publish = publish
        self._encoding = encoding
        self._frame_id = frame_id
        self._conversion = dict(conversion or {})
        self._lock = threading.Lock()

    def write(
        self,
        array: np.ndarray[Any, Any],
        *,
        stamp_ns: int,
        encoding: str | None = None,
        frame_id: str | None = None,
        user_metadata: Mapping[str, str] | None = None,
        before_publishing: Callable[[Any], object] | None = None,
    ) -> None:
        """Publish one array.

        Parameters
        ----------
        array
            Is copied.
        stamp_ns
            For messages with a header.
        encoding, frame_id
            For this message, before all others.
        user_metadata
            Of the frame.
        before_publishing
            Called with the filled message. When it raises, nothing is published.

        Raises
        ------
        ROSConversionError
            The array cannot be such a message, or not in this encoding.
        """
        texts = user_metadata or {}
        frame_ids = (frame_id, self._frame_id, texts.get("frame_id"), "")
        with self._lock:
            fill_message(
                self._message,
                array,
                encoding=encoding or self._encoding,
                stamp_ns=stamp_ns,
                frame_id=next(each for each in frame_ids if each is not None),
                user_metadata=texts,
                **self._conversion,
            )
            if before_publishing is not None:
                before_publishing(self._message)
            self._publish(self._message)


def as_numpy(data: Any) -> np.ndarray[Any, Any]:
    """Return data in host memory as an array, without a copy."""
    if hasattr(data, "detach"):  # a tensor, whose gradients no message takes
        data = data.detach()
    return np.asarray(data)
