"""Messages in which something is wrong: a typed error, or an array, and nothing else."""

from __future__ import annotations

import array
import copy
from typing import Any

import numpy as np
from cloud_cases import cloud_cases
from hypothesis import given, settings
from hypothesis import strategies as st
from message_cases import message_cases
from message_kinds import kind_of, values_of
from test_table_of_encodings import image

from tensor_ipc.errors import ConversionError
from tensor_ipc.rosext.conversions import fill_message, to_frame
from tensor_ipc.rosext.conversions.registry import CONVERTERS

CASES = {
    **{key: case.values for key, case in {**message_cases(), **cloud_cases()}.items()},
    **{
        ("sensor_msgs/msg/Image", encoding): image(encoding, "rows without padding")[0]
        for encoding in ("rgb8", "16UC1", "nv12", "32FC6")
    },
}
KEYS = [key for key in CASES if key[0] in CONVERTERS]

NUMBERS = st.one_of(
    st.integers(-3, 40),
    st.sampled_from([2**31 - 1, 2**31, 2**32 - 1, 2**63, -(2**63)]),
    st.floats(),
)
ANYTHING = st.one_of(
    NUMBERS,
    st.none(),
    st.booleans(),
    st.text(max_size=3),
    st.binary(max_size=30),
    st.lists(NUMBERS, max_size=4),
    st.lists(st.integers(-1, 300), max_size=40).map(np.array),
    st.builds(array.array, st.sampled_from("bBhHfd"), st.just(bytes(16))),
)


def places_in(values: Any) -> list[tuple[Any, Any]]:
    """All keys and indices in a description of a message, with what has them."""
    items = values.items() if isinstance(values, dict) else enumerate(values)
    found = []
    for key, value in items:
        found.append((values, key))
        if isinstance(value, (dict, list)):
            found += places_in(value)
    return found


@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_whatever_a_field_holds_the_error_is_typed(data: Any) -> None:
    key = data.draw(st.sampled_from(KEYS), "message")
    type_name = key[0]
    values = copy.deepcopy(CASES[key])
    for _ in range(data.draw(st.integers(1, 2), "how many")):
        owner, name = data.draw(st.sampled_from(places_in(values)), "where")
        owner[name] = data.draw(ANYTHING, "what")
    plain = kind_of("plain")
    message = plain.make(type_name, values)

    try:
        frame = to_frame(message, type_name=type_name)
    except ConversionError:
        return

    assert isinstance(frame.array, np.ndarray)
    assert frame.array.dtype.isnative
    frame.array.copy()  # which looks at every byte
    again = plain.make(type_name, CASES[key])
    try:
        fill_message(again, frame.array, type_name=type_name, user_metadata=frame.user_metadata)
    except ConversionError:
        return
    once_more = to_frame(again, type_name=type_name)
    np.testing.assert_array_equal(once_more.array, frame.array)


@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_whatever_goes_with_an_array_the_error_is_typed(data: Any) -> None:
    key = data.draw(st.sampled_from(KEYS), "message")
    type_name = key[0]
    plain = kind_of("plain")
    dtype = data.draw(
        st.sampled_from(["?", "u1", "i1", "u2", "i8", "f4", "f8", "c8", "U3", "O"])
    )
    shape = tuple(data.draw(st.lists(st.integers(0, 8), max_size=4)))
    keys = (
        "encoding",
        "fields",
        "labels",
        "name",
        "scan",
        "origin",
        "is_dense",
        "width",
        "format",
    )
    texts = st.sampled_from(
        ["", "0", "1", "x", "x:f4:0", "ranges", "rgb8", "nv12", "a,b", "1 2"]
    )
    metadata = data.draw(st.dictionaries(st.sampled_from(keys), texts, max_size=3))
    message = plain.make(type_name, CASES[key])
    before = values_of(message)

    try:
        fill_message(
            message, np.zeros(shape, dtype), type_name=type_name, user_metadata=metadata
        )
    except ConversionError:
        assert values_of(message) == before
        return

    to_frame(message, type_name=type_name)
