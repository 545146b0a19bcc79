"""The layout of a segment, seen by a decoder that shares no code with tensor_ipc.

``tests/abi/segment-v1.bin`` is a copy of the segment of a living pool ``abi-sample`` of int16
frames of shape (2, 3) and history 3, after 5 frames: element j of frame i is 100 i + j. It never
changes: a layout that cannot be read like it is another version, with another file.
"""

from __future__ import annotations

import ast
import math
import mmap
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from decoder import (
    BYTE_ORDER_MARK,
    CHRONOLOGICAL,
    HEADER_BYTES,
    MAGIC,
    NEWEST_FIRST,
    SLOT_HEADER_BYTES,
    Segment,
    read_segment,
)
from support import REPOSITORY, MakeConsumer, MakeProducer, filled, segment_path

STORED = REPOSITORY / "tests" / "abi" / "segment-v1.bin"

pytestmark = pytest.mark.skipif(
    sys.byteorder != "little", reason="the decoder is little-endian"
)


def check_geometry(segment: Segment, page_bytes: int, object_bytes: int) -> None:
    """Check the sizes and offsets that follow from each other."""
    header = segment.header
    assert header.segment_bytes == object_bytes
    assert header.slots_offset == 1024 >= HEADER_BYTES
    assert header.pins_offset == header.slots_offset + header.slot_count * SLOT_HEADER_BYTES
    assert header.consumers_offset == (
        header.pins_offset + header.slot_count * header.consumer_capacity
    )
    table_end = header.consumers_offset + header.consumer_capacity * 8
    assert header.payload_offset == math.ceil(table_end / page_bytes) * page_bytes
    assert header.ring_bytes == header.slot_count * header.slot_stride
    assert header.slot_stride % page_bytes == 0
    assert header.slot_stride >= header.frame_bytes + header.headroom_bytes
    assert header.segment_bytes == header.payload_offset + header.ring_bytes
    assert header.frame_bytes == math.prod(header.shape) * header.dtype_bits // 8


def test_stored_segment_reads_as_it_was_written() -> None:
    segment = read_segment(STORED)

    header = segment.header
    assert header.magic == MAGIC
    assert header.layout_version == 1
    assert header.byte_order == BYTE_ORDER_MARK
    check_geometry(segment, 4096, STORED.stat().st_size)
    assert header.slot_count == 6
    assert header.consumer_capacity == 256
    assert header.history_len == 3
    assert header.headroom_bytes == 512
    assert (header.dtype_code, header.dtype_bits, header.dtype_lanes) == (0, 16, 1)
    assert header.memory_order == NEWEST_FIRST
    assert header.varying_extent == 0
    assert header.created_ns > 0
    assert header.shape == (2, 3)
    assert (header.name, header.backend, header.device) == ("abi-sample", "numpy", "cpu")
    assert header.generation == 1
    assert header.ended == 0
    assert header.producer_pid > 0
    assert header.skipped_slots == 0
    assert header.waiting == 0
    assert header.consumer_high_water == 0
    assert all(consumer == (0, ()) for consumer in segment.consumers)


def test_stored_segment_holds_its_frames() -> None:
    segment = read_segment(STORED)

    assert segment.latest_frame == 4
    assert segment.slots[segment.latest_slot].frame == 4
    assert [slot.frame for slot in segment.slots] == [0, 1, 2, 3, 4, None]
    for slot in segment.slots[:5]:
        assert slot.frame is not None
        assert slot.elements == tuple(100 * slot.frame + element for element in range(6))
        assert slot.captured_ns == slot.published_ns >= segment.header.created_ns
        assert (slot.extent, slot.user_metadata) == (0, ())
    times = [slot.published_ns for slot in segment.slots[:5]]
    assert times == sorted(times)
    assert segment.slots[5] == (0, 0, 0, 0, (), ())


@pytest.mark.parametrize("chronological", [False, True])
def test_living_pool_reads_as_it_was_made(
    new_producer: MakeProducer, pool: str, chronological: bool
) -> None:
    sample = np.zeros((3, 1, 5), dtype=np.float64)
    before = time.monotonic_ns()
    producer = new_producer(sample, history_len=4, spare=5, chronological=chronological)
    for value in range(20):
        producer.put(np.arange(15, dtype=float).reshape(3, 1, 5) + 100 * value)
    producer.put(sample, timestamp_ns=77)
    after = time.monotonic_ns()

    segment = read_segment(segment_path(pool))

    header = segment.header
    assert header.magic == MAGIC
    assert header.layout_version == 1
    assert header.byte_order == BYTE_ORDER_MARK
    check_geometry(segment, mmap.PAGESIZE, segment_path(pool).stat().st_size)
    assert (header.slot_count, header.history_len) == (9, 4)
    assert (header.dtype_code, header.dtype_bits, header.dtype_lanes) == (2, 64, 1)
    assert header.memory_order == (CHRONOLOGICAL if chronological else NEWEST_FIRST)
    assert before <= header.created_ns <= after
    assert header.shape == (3, 1, 5)
    assert (header.name, header.backend, header.device) == (pool, "numpy", "cpu")
    assert header.producer_pid == os.getpid()
    assert header.ended == 0
    assert segment.latest_frame == 20
    assert sorted(slot.frame for slot in segment.slots if slot.frame is not None) == list(
        range(12, 21)
    )
    for slot in segment.slots:
        assert before <= slot.published_ns <= after
        if slot.frame == 20:
            assert slot.elements == (0,) * 15
            assert slot.captured_ns == 77
        else:
            assert slot.frame is not None
            assert slot.elements == tuple(100 * slot.frame + element for element in range(15))
            assert slot.captured_ns == slot.published_ns


def test_extents_and_texts_are_beside_their_frames(
    new_producer: MakeProducer, pool: str
) -> None:
    producer = new_producer(np.zeros((5, 2), np.int16), history_len=2, varying_extent=True)
    producer.put(np.full((3, 2), 7, np.int16), user_metadata={"key": "välue", "empty": ""})
    producer.put(np.full((0, 2), 7, np.int16))
    producer.put(np.full((5, 2), 8, np.int16))

    segment = read_segment(segment_path(pool))

    assert segment.header.varying_extent == 1
    assert segment.header.shape == (5, 2)
    check_geometry(segment, mmap.PAGESIZE, segment_path(pool).stat().st_size)
    first, second, third = segment.slots[:3]
    assert (first.extent, first.elements) == (3, (7,) * 6)
    assert first.user_metadata == ("key", "välue", "empty", "")
    assert (second.extent, second.elements, second.user_metadata) == (0, (), ())
    assert (third.extent, third.elements, third.user_metadata) == (5, (8,) * 10, ())


def test_frames_in_a_row_lie_in_slots_in_a_row(new_producer: MakeProducer, pool: str) -> None:
    producer = new_producer(history_len=3)

    for value in range(20):
        producer.put(filled(value))
        segment = read_segment(segment_path(pool))
        for age in range(min(3, value + 1)):
            slot = segment.slots[(segment.latest_slot - age) % len(segment.slots)]
            assert slot.frame == value - age
            assert slot.elements == (value - age,) * 6


def test_empty_pool_has_no_latest_frame(new_producer: MakeProducer, pool: str) -> None:
    new_producer()

    segment = read_segment(segment_path(pool))

    assert segment.latest_frame is None
    assert all(slot == (0, 0, 0, 0, (), ()) for slot in segment.slots)


def test_consumers_and_their_pins_are_in_the_tables(
    new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str
) -> None:
    producer = new_producer(history_len=3)
    one, other = new_consumer(history_len=3), new_consumer(history_len=3)
    for value in range(4):
        producer.put(filled(value))
    history, frame = one.get(3), other.get()

    segment = read_segment(segment_path(pool))

    assert segment.header.consumer_high_water == 2
    assert [consumer.pid for consumer in segment.consumers[:3]] == [os.getpid()] * 2 + [0]
    pinned = [
        sorted(segment.slots[slot].frame or 0 for slot in consumer.pinned_slots)
        for consumer in segment.consumers[:3]
    ]
    assert pinned == [[1, 2, 3], [3], []]
    del history, frame
    segment = read_segment(segment_path(pool))
    assert all(consumer.pinned_slots == () for consumer in segment.consumers)


def test_loan_is_seen_as_being_written(new_producer: MakeProducer, pool: str) -> None:
    producer = new_producer()

    with producer.loan():
        states = [slot.state for slot in read_segment(segment_path(pool)).slots]

    assert states.count(2**64 - 1) == 1


def test_name_that_goes_and_generation_that_comes_are_in_the_header(
    new_producer: MakeProducer, pool: str
) -> None:
    producer = new_producer()
    producer.put(filled(1))
    with segment_path(pool).open("rb") as file:
        producer.cleanup()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            ended = int.from_bytes(mapped[720:724], "little")

    assert ended == 1


def test_decoder_is_independent() -> None:
    decoder = ast.parse((Path(__file__).parent / "decoder.py").read_text(encoding="utf-8"))

    imported = {
        alias.name
        for node in ast.walk(decoder)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {node.module for node in ast.walk(decoder) if isinstance(node, ast.ImportFrom)}

    assert imported == {"__future__", "mmap", "pathlib", "struct", "typing"}
