from __future__ import annotations

import array
import copy
from types import SimpleNamespace as Message
from typing import Any

import numpy as np
import pytest
from message_kinds import values_of

from tensor_ipc.errors import ArrayLayoutError, FieldPathError
from tensor_ipc.rosext.conversions import fill_message, to_frame


def message() -> Message:
    return Message(
        header=Message(stamp=Message(sec=0, nanosec=7), frame_id="base"),
        name=["a", "b"],
        joint_states=Message(position=array.array("d", [0.1, 0.2]), effort=array.array("d")),
        temperature=21.5,
        count=3,
        on=True,
        flag=b"\x07",
        flags=[True, False],
        fixed=np.arange(4.0),
        points=[Message(x=1.0, y=2.0, on=True), Message(x=3.0, y=4.0, on=False)],
        nothing=[],
        mixed=[Message(x=1.0), Message(x=1.0, y=2.0)],
        ranks=[1, 2.5],
    )


@pytest.mark.parametrize(
    ("path", "expected", "dtype"),
    [
        ("joint_states.position", [0.1, 0.2], "f8"),
        ("joint_states.effort", [], "f8"),
        ("joint_states", [0.1, 0.2], "f8"),
        ("temperature", 21.5, "f8"),
        ("count", 3, "i8"),
        ("on", True, "?"),
        ("flag", 7, "u1"),
        ("flags", [True, False], "?"),
        ("fixed", [0, 1, 2, 3], "f8"),
        ("points[1]", [3, 4, 0], "f8"),
        ("points[1].y", 4, "f8"),
        ("points", [[1, 2, 1], [3, 4, 0]], "f8"),
        ("header.stamp", [0, 7], "i8"),
        ("header.stamp.nanosec", 7, "i8"),
        ("ranks", [1, 2.5], "f8"),
    ],
)
def test_numbers_are_found_and_set_at_their_place(path: str, expected: Any, dtype: str) -> None:
    source = message()

    frame = to_frame(source, path=path)

    assert frame.array.dtype == np.dtype(dtype)
    assert frame.array.tolist() == expected
    assert frame.stamp_ns == 7
    assert frame.user_metadata == {"frame_id": "base"}
    again = message()
    fill_message(again, np.zeros_like(frame.array), path=path)
    assert not to_frame(again, path=path).array.any()
    fill_message(again, frame.array, path=path)
    assert values_of(again) == values_of(source)


def test_sequences_are_views() -> None:
    source = message()
    frame = to_frame(source, path="joint_states.position")
    source.joint_states.position[0] = 9.0
    assert frame.array[0] == 9.0


def test_a_sequence_takes_the_length_of_the_array() -> None:
    target = message()
    fill_message(target, np.arange(3, dtype=np.float32), path="joint_states.effort")
    assert target.joint_states.effort == array.array("d", [0, 1, 2])
    fill_message(target, np.array([True]), path="nothing")
    assert target.nothing == [True]


def test_one_number_may_come_as_an_array_of_one() -> None:
    target = message()
    fill_message(target, np.array([2.5]), path="temperature")
    assert target.temperature == 2.5
    assert isinstance(target.temperature, float)


def test_arrays_that_cannot_be_written_to_are_replaced() -> None:
    target = message()
    target.fixed.flags.writeable = False
    fill_message(target, np.zeros(4), path="fixed")
    assert target.fixed.tolist() == [0, 0, 0, 0]
    inner = Message(twist=Message(covariance=np.arange(2.0)))
    inner.twist.covariance.flags.writeable = False
    fill_message(inner, np.zeros(2), path="twist")
    assert inner.twist.covariance.tolist() == [0, 0]


def test_stamp_and_frame_id_go_to_the_header_too() -> None:
    target = message()
    fill_message(target, np.array(1.0), path="temperature", stamp_ns=10**9, frame_id="map")
    assert (target.header.stamp.sec, target.header.frame_id) == (1, "map")


@pytest.mark.parametrize(
    "path",
    ["", ".", "a.", ".a", "a..b", "points[", "points[x]", "points[-1]", "[0]", "a b", "a[0]b"],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(FieldPathError, match="is no path"):
        to_frame(message(), path=path)
    with pytest.raises(FieldPathError, match="is no path"):
        fill_message(message(), np.zeros(()), path=path)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("joint_states.velocity", "it has position, effort"),
        ("points[2]", "it has 2 items"),
        ("temperature.x", "has no 'x'"),
        ("name", "not made of numbers"),
        ("name[0]", "not made of numbers"),
        ("header", "not made of numbers"),
        ("nothing", "empty sequence"),
        ("mixed", "different numbers"),
    ],
)
def test_places_without_numbers_are_refused(path: str, words: str) -> None:
    with pytest.raises(FieldPathError, match=words):
        to_frame(message(), path=path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("temperature", np.zeros(2)),
        ("temperature", np.zeros((), np.complex64)),
        ("count", np.array(0.5)),
        ("count", np.array(np.nan)),
        ("on", np.array(2, np.uint8)),
        ("flag", np.array(300)),
        ("joint_states.position", np.zeros((2, 1))),
        ("joint_states.position", np.zeros(2, np.complex128)),
        ("points", np.zeros((3, 3))),
        ("points", np.zeros((2, 2))),
        ("points[0]", np.zeros(4)),
        ("flags", np.array([1, 2])),
        ("points[0]", np.array([0, 0, 0.5])),  # `on` is no float
        ("points", np.array([[0, 0, 0], [0, 0, 0.5]])),
        ("mixed", np.zeros((2, 2))),
    ],
)
def test_arrays_that_do_not_fit_the_place_are_refused(path: str, value: Any) -> None:
    target = message()
    before = copy.deepcopy(values_of(target))
    with pytest.raises((ArrayLayoutError, FieldPathError)):
        fill_message(target, value, path=path)
    assert values_of(target) == before
