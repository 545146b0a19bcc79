"""Reads a segment knowing nothing but its layout: nothing is imported from tensor_ipc.

All integers are little-endian. Offsets are in bytes.
"""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"TNSRIPC\0"
BYTE_ORDER_MARK = 0x01020304
HEADER_BYTES = 1024
SLOT_HEADER_BYTES = 64
BEING_WRITTEN = 2**64 - 1
NEWEST_FIRST, CHRONOLOGICAL = 0, 1

# (DLPack code, bits) to the format of one element; the types that struct knows.
FORMATS = {
    **{(0, bits): letter for bits, letter in ((8, "b"), (16, "h"), (32, "i"), (64, "q"))},
    **{(1, bits): letter for bits, letter in ((8, "B"), (16, "H"), (32, "I"), (64, "Q"))},
    **{(2, bits): letter for bits, letter in ((16, "e"), (32, "f"), (64, "d"))},
    (6, 8): "?",
}


class Header(NamedTuple):
    magic: bytes
    layout_version: int
    byte_order: int
    segment_bytes: int
    slots_offset: int
    pins_offset: int
    consumers_offset: int
    payload_offset: int
    ring_bytes: int
    slot_stride: int
    frame_bytes: int
    slot_count: int
    consumer_capacity: int
    history_len: int
    headroom_bytes: int
    dtype_code: int
    dtype_bits: int
    dtype_lanes: int
    memory_order: int
    varying_extent: int
    created_ns: int
    shape: tuple[int, ...]
    name: str
    backend: str
    device: str
    latest: int
    generation: int
    ended: int
    producer_pid: int
    skipped_slots: int
    wake_word: int
    waiting: int
    consumer_high_water: int


class Slot(NamedTuple):
    state: int
    published_ns: int
    captured_ns: int
    extent: int
    user_metadata: tuple[str, ...]
    """Keys and values in turn; empty unless the slot holds a whole frame."""
    elements: tuple[float, ...]
    """In C order; empty unless the slot holds a whole frame."""

    @property
    def frame(self) -> int | None:
        """Number of the frame in it."""
        return None if self.state in (0, BEING_WRITTEN) else self.state - 1


class Consumer(NamedTuple):
    pid: int
    pinned_slots: tuple[int, ...]


class Segment(NamedTuple):
    header: Header
    slots: tuple[Slot, ...]
    consumers: tuple[Consumer, ...]

    @property
    def latest_frame(self) -> int | None:
        return None if self.header.latest == 0 else (self.header.latest >> 16) - 1

    @property
    def latest_slot(self) -> int:
        return self.header.latest & 0xFFFF


def _text(field: bytes) -> str:
    return field[: field.index(b"\0")].decode("ascii")


def _decode_header(data: bytes) -> Header:
    offsets = struct.unpack_from("<8s2I8Q", data, 0)
    counts = struct.unpack_from("<4I", data, 80)
    code, bits, lanes, dimensions, order, varying = struct.unpack_from("<BBHBBB", data, 96)
    (created_ns,) = struct.unpack_from("<Q", data, 104)
    shape = struct.unpack_from(f"<{dimensions}q", data, 128)
    name, backend, device = struct.unpack_from("<208s32s32s", data, 384)
    producers_line = struct.unpack_from("<QQIIQ", data, 704)
    sleepers_line = struct.unpack_from("<II", data, 768)
    (high_water,) = struct.unpack_from("<I", data, 832)
    return Header(
        *offsets,
        *counts,
        *(code, bits, lanes, order, varying, created_ns, shape),
        *(_text(name), _text(backend), _text(device)),
        *producers_line,
        *sleepers_line,
        high_water,
    )


def payload_at(header: Header, slot: int) -> int:
    """Offset of a slot's first payload byte in the segment."""
    falling = header.memory_order == NEWEST_FIRST
    place = header.slot_count - 1 - slot if falling else slot
    return header.payload_offset + place * header.slot_stride + header.headroom_bytes


def _decode_texts(data: bytes, payload: int) -> tuple[str, ...]:
    (size,) = struct.unpack_from("<H", data, payload - 512)
    packed = data[payload - 510 : payload - 510 + size]
    return tuple(text.decode() for text in packed.split(b"\0")[:-1])


def _decode_slot(data: bytes, header: Header, index: int) -> Slot:
    at = header.slots_offset + index * SLOT_HEADER_BYTES
    state, published_ns, captured_ns, extent = struct.unpack_from("<4Q", data, at)
    elements: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()
    if state not in (0, BEING_WRITTEN):
        texts = _decode_texts(data, payload_at(header, index))
        count = header.frame_bytes * 8 // header.dtype_bits
        if header.varying_extent:
            count = count // header.shape[0] * extent
        letter = FORMATS[header.dtype_code, header.dtype_bits]
        elements = struct.unpack_from(f"<{count}{letter}", data, payload_at(header, index))
    return Slot(state, published_ns, captured_ns, extent, texts, elements)


def _decode_consumer(data: bytes, header: Header, consumer: int) -> Consumer:
    (pid,) = struct.unpack_from("<I", data, header.consumers_offset + 8 * consumer)
    pins = range(
        header.pins_offset + consumer, header.consumers_offset, header.consumer_capacity
    )
    return Consumer(pid, tuple(slot for slot, at in enumerate(pins) if data[at] != 0))


def decode(data: bytes) -> Segment:
    """Read a whole segment."""
    header = _decode_header(data)
    return Segment(
        header,
        tuple(_decode_slot(data, header, index) for index in range(header.slot_count)),
        tuple(
            _decode_consumer(data, header, index) for index in range(header.consumer_capacity)
        ),
    )


def read_segment(path: Path) -> Segment:
    """Map a segment read-only and read it."""
    with path.open("rb") as file, mmap.mmap(
        file.fileno(), 0, access=mmap.ACCESS_READ
    ) as mapped:
        return decode(bytes(mapped))
