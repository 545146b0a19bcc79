"""Arrays of any shape through messages and back, and messages of any layout into arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from cloud_cases import TYPE as CLOUD
from cloud_cases import cloud, points
from hypothesis import given
from hypothesis import strategies as st
from message_cases import message_cases
from message_kinds import blank, kind_of
from plain_messages import image

from tensor_ipc.rosext.conversions import fill_message, structured_points, to_frame

INTEGERS_AND_FLOATS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8")
SIZES = st.integers(0, 6)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3)


def random_array(seed: int, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    """Any bytes; NaNs too where it is of floats."""
    kind = np.dtype(dtype)
    count = int(np.prod(shape, dtype=int)) * kind.itemsize
    made = (
        np.frombuffer(np.random.default_rng(seed).bytes(count), kind)
        if count
        else np.empty(0, kind)
    )
    return made.reshape(shape)


def same_bytes(found: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> bool:
    native = expected.astype(expected.dtype.newbyteorder("="))
    return (
        found.dtype == native.dtype
        and found.shape == native.shape
        and found.tobytes() == native.tobytes()
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    height=SIZES,
    width=SIZES,
    channels=st.integers(1, 9),
    dtype=st.sampled_from(INTEGERS_AND_FLOATS),
    foreign=st.booleans(),
    flipped=st.booleans(),
)
def test_pixels_come_back(
    seed: int, height: int, width: int, channels: int, dtype: str, foreign: bool, flipped: bool
) -> None:
    shape = (height, width, channels) if channels > 1 else (height, width)
    pixels = random_array(seed, shape, f">{dtype}" if foreign else dtype)
    pixels = pixels[::-1, ::2] if flipped else pixels
    message = image()

    fill_message(message, pixels)
    frame = to_frame(message)
    again = image()
    fill_message(again, frame.array, user_metadata=frame.user_metadata)

    assert same_bytes(frame.array, pixels)
    assert again == message


@given(
    seed=st.integers(0, 2**32 - 1),
    height=SIZES,
    width=SIZES,
    channels=st.integers(1, 5),
    padding=st.integers(0, 9),
    dtype=st.sampled_from(INTEGERS_AND_FLOATS),
    is_bigendian=st.booleans(),
)
def test_pixels_are_found_whatever_the_padding_and_the_byte_order(
    seed: int,
    height: int,
    width: int,
    channels: int,
    padding: int,
    dtype: str,
    is_bigendian: bool,
) -> None:
    order = ">" if is_bigendian else "<"
    pixels = random_array(seed, (height, width, channels), order + dtype)
    kind = {"u": "U", "i": "S", "f": "F"}[dtype[0]]
    message = image(
        b"".join(row.tobytes() + b"\xaa" * padding for row in pixels),
        height=height,
        width=width,
        step=width * channels * pixels.itemsize + padding,
        encoding=f"{pixels.itemsize * 8}{kind}C{channels}",
        is_bigendian=int(is_bigendian),
    )
    if message.encoding.startswith("8F"):
        return

    found = to_frame(message).array

    assert same_bytes(found, pixels if channels > 1 else pixels[..., 0])


FIELDS = st.lists(
    st.tuples(
        NAMES,
        st.sampled_from(("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8")),
        st.integers(1, 3),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda field: field[0],
)


@given(
    fields=FIELDS,
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=2),
    tail=st.integers(0, 5),
)
def test_points_come_back(
    fields: list[tuple[str, str, int, int]], shape: list[int], tail: int
) -> None:
    names, formats, offsets, end = [], [], [], 0
    for index, (name, code, count, gap) in enumerate(fields):
        names.append(name or f"empty{index}")  # NumPy does not know an empty name
        formats.append(code if count == 1 else (code, (count,)))
        offsets.append(end + gap)
        end += gap + np.dtype(code).itemsize * count
    if len(set(names)) < len(names):
        return
    dtype = np.dtype(
        {"names": names, "formats": formats, "offsets": offsets, "itemsize": end + tail}
    )
    made = points(tuple(shape), dtype)
    message = kind_of("plain").make(CLOUD, blank(cloud(points((1,)))))

    fill_message(message, made, type_name=CLOUD, user_metadata={"is_dense": "1"})
    again = to_frame(message, type_name=CLOUD)

    found = structured_points(again.array, again.user_metadata)
    expected = made[0] if made.ndim == 2 and len(made) == 1 else made
    assert found.shape == expected.shape
    for name in names:
        np.testing.assert_array_equal(found[name], expected[name])


@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.lists(SIZES, min_size=1, max_size=5),
    data=st.data(),
)
def test_numbers_in_any_dimensions_come_back(seed: int, shape: list[int], data: Any) -> None:
    type_name = "std_msgs/msg/Int32MultiArray"
    labels = data.draw(st.none() | st.lists(NAMES, min_size=len(shape), max_size=len(shape)))
    numbers = random_array(seed, tuple(shape), "i4")
    values = message_cases()[type_name, "two dimensions"].values
    message = kind_of("plain").make(type_name, values)

    fill_message(message, numbers, type_name=type_name)
    if labels is not None:
        for dim, label in zip(message.layout.dim, labels):
            dim.label = label
    frame = to_frame(message, type_name=type_name)
    again = kind_of("plain").make(type_name, blank(values))
    fill_message(again, frame.array, type_name=type_name, user_metadata=frame.user_metadata)

    assert same_bytes(frame.array, numbers)
    assert again == message


@given(names=st.lists(NAMES, min_size=1, max_size=4))
def test_names_of_joints_come_back(names: list[str]) -> None:
    type_name = "sensor_msgs/msg/JointState"
    values = message_cases()[type_name, "positions"].values
    message = kind_of("plain").make(type_name, blank(values))
    fill_message(message, np.arange(len(names), dtype=float), type_name=type_name)
    message.name = names
    if names == [""]:  # a single joint without a name is as one that is not named
        return

    frame = to_frame(message, type_name=type_name)
    again = kind_of("plain").make(type_name, blank(values))
    fill_message(again, frame.array, type_name=type_name, user_metadata=frame.user_metadata)

    assert again.name == names
