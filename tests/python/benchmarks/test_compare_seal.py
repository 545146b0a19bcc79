"""Torn frames do not pass for whole ones."""

from __future__ import annotations

import numpy as np
import pytest
from bench.compare.seal import PATTERNS, Seal
from bench.compare.tally import Tally

_BYTES = 1024


def sealed(number, sent_ns=5):
    seal = Seal(_BYTES)
    frame = seal.frames()[number % PATTERNS]
    seal.stamp(frame, number)
    seal.stamp_time(frame, sent_ns)
    return frame


def test_whole_frame_says_its_number_and_time():
    seal, frame = Seal(_BYTES), sealed(7, sent_ns=11)

    assert seal.number(frame) == 7
    assert seal.sent_ns(frame) == 11
    assert seal.sum_is_right(frame, 7)


@pytest.mark.parametrize("from_byte", [8, 64, _BYTES // 2, _BYTES - 8])
def test_frame_with_the_end_of_another_has_no_number(from_byte):
    frame = sealed(7)
    frame[from_byte:] = sealed(8)[from_byte:]

    assert Seal(_BYTES).number(frame) is None


def test_one_wrong_byte_between_the_stamps_is_in_the_sum():
    seal, frame = Seal(_BYTES), sealed(7)
    frame[20] ^= 1

    assert seal.number(frame) == 7
    assert not seal.sum_is_right(frame, 7)


def test_frames_of_other_numbers_have_other_bytes():
    seal, frame = Seal(_BYTES), sealed(7)
    seal.stamp(frame, 8)

    assert not seal.sum_is_right(frame, 8)


@pytest.mark.parametrize("frame_bytes", [8, 248, 1025])
def test_frames_too_small_for_the_stamps_are_refused(frame_bytes):
    with pytest.raises(ValueError, match=str(frame_bytes)):
        Seal(frame_bytes)


def tally_of(numbers, *, first=0, last=None, every_byte=True):
    tally = Tally(_BYTES, every_byte=every_byte)
    tally.begin(first)
    for number in numbers:
        frame = np.zeros(_BYTES, np.uint8) if number is None else sealed(number)
        if number is None:
            frame[-1] = 1
        tally.take(frame, received_ns=9)
    return tally.end(max(n for n in numbers if n is not None) if last is None else last)


def counts(outcome):
    return tuple(outcome[name] for name in ("whole", "torn", "lost", "repeated"))


def test_frames_that_all_came_are_whole():
    assert counts(tally_of([0, 1, 2, 3])) == (4, 0, 0, 0)


def test_gaps_are_lost_frames():
    assert counts(tally_of([0, 3, 4])) == (3, 0, 2, 0)


def test_frames_after_the_last_that_came_are_lost():
    assert counts(tally_of([0, 1], last=4)) == (2, 0, 3, 0)


def test_frames_that_come_again_are_repeated():
    assert counts(tally_of([0, 1, 1, 0, 2])) == (3, 0, 0, 2)


def test_torn_frames_are_neither_whole_nor_lost():
    assert counts(tally_of([0, None, 2])) == (2, 1, 0, 0)


def test_frames_of_the_warm_up_do_not_count():
    assert counts(tally_of([3, 4, 5, 6], first=5)) == (2, 0, 0, 0)


def test_latency_is_from_the_time_in_the_frame():
    assert tally_of([0])["latencies_ns"] == [4]
