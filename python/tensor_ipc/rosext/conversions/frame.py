"""What a message becomes on its way into a pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tensor_ipc.errors import UserMetadataError

if TYPE_CHECKING:
    import numpy as np

#: Room for user metadata in the header of a frame, packed as ``key\0value\0``.
USER_METADATA_BYTES = 248


class MessageFrame(NamedTuple):
    """A message as an array and what else it says.

    Attributes
    ----------
    array
        In native byte order. A view of the message's data where docs/ros-conversions.md says so:
        it is valid for as long as it is held, and changes when the message is filled anew.
    stamp_ns
        The header's stamp in nanoseconds since the epoch of the ROS clock. ``None`` when the type
        has no header, or the stamp is zero, by which ROS means "not set".
    frame_id
        The header's ``frame_id``, which may be empty. ``None`` when the type has no header.
    user_metadata
        What `fill_message` needs, besides the array and the stamp, to make the same message.
        Fits `USER_METADATA_BYTES`.
    """

    array: np.ndarray[Any, Any]
    stamp_ns: int | None
    frame_id: str | None
    user_metadata: dict[str, str]


def check_user_metadata(metadata: dict[str, str], type_name: str) -> None:
    """Refuse texts that do not fit into the header of a frame.

    Raises
    ------
    UserMetadataError
        They need more than `USER_METADATA_BYTES`, one has a NUL in it, or is no text.
    """
    packed_bytes = 0
    for key, value in metadata.items():
        if not isinstance(value, str) or "\0" in value:
            msg = f"{type_name}: {key!r} has to be a text without NUL, found {value!r}"
            raise UserMetadataError(msg)
        try:
            packed_bytes += len(key) + len(value.encode()) + 2
        except UnicodeEncodeError as error:
            msg = f"{type_name}: {key!r} is no text that UTF-8 has: {error}"
            raise UserMetadataError(msg) from None
    if packed_bytes > USER_METADATA_BYTES:
        msg = (
            f"{type_name}: a frame has room for {USER_METADATA_BYTES} bytes of texts, these need "
            f"{packed_bytes}: {metadata}; shorten them, or convert fewer fields, or a single one "
            "by its path"
        )
        raise UserMetadataError(msg)
