import numpy as np
import pytest

from tensor_ipc.demo.seal import MIN_WIDTH, check, seal


@pytest.fixture
def frame():
    frame = np.random.default_rng(7).integers(0, 256, (5, 8, 3), np.uint8)
    seal(frame, 42)
    return frame


def test_sealed_frame_is_intact_and_knows_its_number(frame):
    assert check(frame).intact
    assert check(frame).index == 42


def test_seal_leaves_the_picture_alone(frame):
    picture = np.random.default_rng(7).integers(0, 256, (5, 8, 3), np.uint8)[:-1]

    np.testing.assert_array_equal(frame[:-1], picture)


def test_every_single_changed_byte_is_noticed(frame):
    for offset in range(frame.nbytes):
        changed = frame.copy()
        changed.reshape(-1)[offset] ^= 1

        assert not check(changed).intact, f"byte {offset}"


def test_rows_of_another_frame_are_noticed(frame):
    other = np.zeros_like(frame)
    seal(other, 43)
    frame[:2] = other[:2]

    assert not check(frame).intact


def test_narrowest_frame_holds_both_fields():
    frame = np.zeros((2, MIN_WIDTH, 3), np.uint8)
    seal(frame, 2**40)

    assert check(frame).intact
    assert check(frame).index == 2**40
