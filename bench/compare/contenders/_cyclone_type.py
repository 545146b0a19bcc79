"""The type of the frames that go through Cyclone DDS. Its annotations have to be real types."""

from dataclasses import dataclass

from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import sequence, uint8


@dataclass
class Picture(IdlStruct, typename="Picture"):
    """Bytes."""

    data: sequence[uint8]
