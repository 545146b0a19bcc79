import numpy as np
import pytest

from tensor_ipc.demo.seal import seal
from tensor_ipc.demo.tally import Tally


@pytest.fixture
def tally():
    return Tally()


def frame(index):
    made = np.full((3, 8, 3), index % 251, np.uint8)
    seal(made, index)
    return made


def corrupted(index):
    made = frame(index)
    made[0, 0, 0] ^= 1
    return made


def test_frames_between_two_received_ones_are_missed(tally):
    tally.take([frame(0)], 1, 0)
    tally.take([frame(3)], 2, 3)

    figures = tally.figures(0)

    assert (figures.frames, figures.missed, figures.failures) == (2, 2, 0)


def test_frame_seen_twice_in_windows_is_received_once(tally):
    tally.take([frame(1), frame(0)], 1)
    tally.take([frame(2), frame(1)], 2)

    figures = tally.figures(0)

    assert (figures.frames, figures.missed, figures.verified) == (3, 0, 4)


def test_frames_between_two_windows_are_missed(tally):
    tally.take([frame(1), frame(0)], 1)
    tally.take([frame(5), frame(4)], 2)

    figures = tally.figures(0)

    assert (figures.frames, figures.missed) == (4, 2)


def test_corrupted_frame_is_a_failure_and_not_missed(tally):
    tally.take([corrupted(0)], 1, 0)

    figures = tally.figures(0)

    assert (figures.frames, figures.missed, figures.failures) == (1, 0, 1)


def test_corrupted_frame_in_a_window_is_a_failure(tally):
    newest = tally.take([corrupted(2), frame(1), corrupted(0)], 1)

    assert newest == 2
    assert tally.figures(0).failures == 2


def test_window_out_of_order_is_a_failure(tally):
    tally.take([frame(2), frame(0), frame(1)], 1)

    assert tally.figures(0).failures == 2


def test_whole_frame_under_another_number_is_a_failure(tally):
    tally.take([frame(3)], 1, 4)

    assert tally.figures(0).failures == 1


def test_window_without_a_whole_frame_is_all_failures(tally):
    newest = tally.take([corrupted(1), corrupted(0)], 1)

    assert newest is None
    assert tally.figures(0).failures == 2
