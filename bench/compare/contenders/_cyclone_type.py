"""The type of the frames that go through Cyclone DDS. Its annotations have to be real types."""

from dataclasses import dataclass

from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import array, uint8


def picture_of(frame_bytes: int) -> type:
    """Return the type of frames of that size.

    An array, because the package copies its bytes as a whole. It takes a sequence apart, a byte at a
    time, which is hundreds of times slower.
    """

    @dataclass
    class Picture(IdlStruct, typename="Picture"):
        data: array[uint8, frame_bytes]

    return Picture
