"""What a caller may ask of a conversion beyond the message and the array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple

if TYPE_CHECKING:
    import numpy as np


class ReadOptions(NamedTuple):
    """How to read a message; see `to_frame`."""

    fields: tuple[str, ...] | None = None
    nan: str = "keep"


class WriteOptions(NamedTuple):
    """How to fill a message; see `fill_message`."""

    encoding: str | None = None
    fields: tuple[str, ...] | None = None
    image_format: str | None = None
    jpeg_quality: int | None = None
    metadata: Mapping[str, str] = {}


class Converter(NamedTuple):
    """Both directions of one type of message, without its header.

    Attributes
    ----------
    read
        Gives the array, and the texts that `write` needs to make the same message.
    write
        Fills a message. It checks what it can before it changes anything.
    takes
        The options beyond ``metadata`` that mean something for this type.
    """

    read: Callable[[Any, ReadOptions], tuple[np.ndarray[Any, Any], dict[str, str]]]
    write: Callable[[Any, np.ndarray[Any, Any], WriteOptions], None]
    takes: frozenset[str] = frozenset()
