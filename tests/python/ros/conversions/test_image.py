from __future__ import annotations

import array
import copy
from typing import Any

import numpy as np
import pytest
from plain_messages import header, image

from tensor_ipc.errors import (
    ArrayLayoutError,
    ConversionError,
    EncodingError,
    MessageLayoutError,
    UnknownMessageTypeError,
    UserMetadataError,
)
from tensor_ipc.rosext.conversions import fill_message, to_frame


def rows(height: int, step: int) -> bytes:
    return bytes(i % 251 for i in range(height * step))


def test_pixels_are_a_view_of_the_message() -> None:
    message = image(rows(2, 9), height=2, width=3, step=9, encoding="rgb8")

    frame = to_frame(message)

    assert frame.array.shape == (2, 3, 3)
    assert frame.array.tobytes() == rows(2, 9)
    message.data[4] = 255
    assert frame.array[0, 1, 1] == 255


def test_padding_at_the_end_of_rows_is_stepped_over_without_a_copy() -> None:
    data = np.frombuffer(rows(2, 16), np.uint8).copy()
    message = image(data, height=2, width=3, step=16, encoding="16UC2")

    frame = to_frame(message)

    assert np.shares_memory(frame.array, data)
    np.testing.assert_array_equal(
        frame.array, data.reshape(2, 16)[:, :12].copy().view(np.uint16).reshape(2, 3, 2)
    )


def test_values_of_the_other_byte_order_are_swapped() -> None:
    message = image(
        np.array([[1, 2], [3, 70000]], ">i4").tobytes(),
        height=2,
        width=2,
        step=8,
        encoding="32SC1",
        is_bigendian=1,
    )

    frame = to_frame(message)

    assert frame.array.dtype == np.dtype(np.int32)
    assert frame.array.dtype.isnative
    assert frame.array.tolist() == [[1, 2], [3, 70000]]


def test_byte_order_means_nothing_for_bytes() -> None:
    message = image(rows(1, 4), height=1, width=4, step=4, encoding="mono8", is_bigendian=1)
    frame = to_frame(message)
    message.data[0] = 9
    assert frame.array[0, 0] == 9


@pytest.mark.parametrize(("height", "width", "step"), [(0, 0, 0), (0, 4, 12), (3, 0, 0)])
def test_an_image_without_pixels_is_an_array_without_elements(
    height: int, width: int, step: int
) -> None:
    frame = to_frame(image(height=height, width=width, step=step, encoding="bgr8"))
    assert frame.array.shape == (height, width, 3)

    message = image(rows(1, 3), height=1, width=1, step=3, encoding="rgb8")
    fill_message(message, frame.array, user_metadata=frame.user_metadata)
    assert (message.height, message.width, len(message.data)) == (height, width, 0)
    assert message.encoding == "bgr8"


@pytest.mark.parametrize(
    "data", [rows(2, 2), [0, 1, 2, 3], (0, 1, 2, 3), memoryview(rows(2, 2))]
)
def test_data_may_be_any_bytes(data: Any) -> None:
    message = image(height=2, width=2, step=2, encoding="mono8")
    message.data = data
    assert to_frame(message).array.tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    ("stamp_ns", "expected"),
    [(1_700_000_000_000_000_123, 1_700_000_000_000_000_123), (0, None)],
)
def test_stamp_zero_is_no_stamp(stamp_ns: int, expected: int | None) -> None:
    message = image(rows(1, 1), height=1, width=1, step=1, encoding="mono8")
    message.header = header(stamp_ns, "camera")

    frame = to_frame(message)

    assert frame.stamp_ns == expected
    assert frame.frame_id == "camera"
    assert frame.user_metadata == {"encoding": "mono8", "frame_id": "camera"}


@pytest.mark.parametrize(
    ("height", "width", "step", "size"),
    [(2, 3, 8, 16), (2, 3, 9, 17), (2, 3, 9, 19), (2, 3, 0, 0), (3, 3, 9, 18), (-1, 3, -9, 9)],
)
def test_sizes_that_disagree_are_refused(height: int, width: int, step: int, size: int) -> None:
    message = image(bytes(size), height=height, width=width, step=step, encoding="rgb8")
    with pytest.raises(MessageLayoutError, match=r"expected .* found step"):
        to_frame(message)


@pytest.mark.parametrize(
    "encoding", ["", "rgb", "RGB8", "8UC0", "8UC513", "8FC1", "24UC3", "mono8 "]
)
def test_unknown_encodings_are_refused(encoding: str) -> None:
    message = image(rows(1, 3), height=1, width=1, step=3, encoding=encoding)
    with pytest.raises(EncodingError, match="unknown encoding"):
        to_frame(message)
    with pytest.raises(ConversionError, match=r"unknown encoding|encoding 'mono8'"):
        fill_message(message, np.zeros((1, 1, 3), np.uint8), encoding=encoding or "none")


@pytest.mark.parametrize(
    "data", [None, 3, "text", [1.5], [256], [-1], np.zeros((1, 3), np.uint8)]
)
def test_data_that_is_no_bytes_is_refused(data: Any) -> None:
    message = image(height=1, width=3, step=3, encoding="mono8")
    message.data = data
    with pytest.raises(MessageLayoutError, match=r"Image\.data: expected"):
        to_frame(message)


def test_an_object_of_another_type_is_refused() -> None:
    with pytest.raises(UnknownMessageTypeError, match="type_name="):
        to_frame(object())
    with pytest.raises(MessageLayoutError, match="is no sensor_msgs/msg/Image"):
        to_frame(object(), type_name="sensor_msgs/msg/Image")
    with pytest.raises(MessageLayoutError, match="is no sensor_msgs/Image"):
        fill_message(object(), np.zeros((1, 1), np.uint8), type_name="sensor_msgs/Image")


def test_texts_that_do_not_fit_a_frame_are_refused() -> None:
    message = image(rows(1, 1), height=1, width=1, step=1, encoding="mono8")
    message.header.frame_id = "f" * 223  # with the rest 248 bytes
    to_frame(message)
    message.header.frame_id += "f"
    with pytest.raises(UserMetadataError, match="room for 248 bytes of texts, these need 249"):
        to_frame(message)
    message.header.frame_id = "a\0b"
    with pytest.raises(UserMetadataError, match="NUL"):
        to_frame(message)


@pytest.mark.parametrize(
    ("dtype", "shape", "encoding"),
    [
        ("u1", (4, 5), "mono8"),
        ("u1", (4, 5, 1), "mono8"),
        ("u1", (4, 5, 3), "rgb8"),
        ("u1", (4, 5, 4), "rgba8"),
        ("u1", (4, 5, 2), "8UC2"),
        ("i1", (4, 5, 3), "8SC3"),
        ("u2", (4, 5), "16UC1"),
        ("u2", (4, 5, 3), "16UC3"),
        ("f2", (4, 5), "16FC1"),
        ("f4", (4, 5), "32FC1"),
        ("f8", (4, 5, 7), "64FC7"),
        ("i8", (4, 5), "64SC1"),
    ],
)
def test_encoding_goes_by_the_array_when_nobody_names_it(
    dtype: str, shape: tuple[int, ...], encoding: str
) -> None:
    pixels = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    message = image()

    fill_message(message, pixels)

    assert message.encoding == encoding
    assert (message.height, message.width) == (4, 5)
    assert message.step == pixels.nbytes // 4
    assert message.data.tobytes() == pixels.tobytes()


def test_a_named_encoding_comes_before_the_frames_and_that_before_the_arrays() -> None:
    message = image()
    pixels = np.zeros((2, 2, 3), np.uint8)

    fill_message(message, pixels, user_metadata={"encoding": "bgr8"})
    assert message.encoding == "bgr8"
    fill_message(message, pixels, encoding="8UC3", user_metadata={"encoding": "bgr8"})
    assert message.encoding == "8UC3"


@pytest.mark.parametrize(
    ("encoding", "dtype", "shape"),
    [
        ("rgb8", "u1", (2, 2)),
        ("rgb8", "u1", (2, 2, 4)),
        ("mono16", "u1", (2, 2)),
        ("32FC1", "i4", (2, 2)),
    ],
)
def test_an_encoding_that_is_not_the_arrays_is_refused(
    encoding: str, dtype: str, shape: tuple[int, ...]
) -> None:
    message = image(rows(1, 1), height=1, width=1, step=1, encoding="mono8")
    before = copy.deepcopy(message)
    with pytest.raises(EncodingError, match=f"encoding '{encoding}' has"):
        fill_message(message, np.zeros(shape, dtype), encoding=encoding, frame_id="new")
    assert message == before


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [("u1", (4,)), ("u1", (1, 2, 2, 3)), ("?", (2, 2)), ("c8", (2, 2)), ("u1", (2, 2, 0))],
)
def test_an_array_that_is_no_image_is_refused(dtype: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ArrayLayoutError):
        fill_message(image(), np.zeros(shape, dtype))


def test_strides_and_byte_order_of_the_array_do_not_matter() -> None:
    message = image(is_bigendian=1)
    pixels = np.arange(24, dtype=">u2").reshape(4, 6)[::-1, ::2]

    fill_message(message, pixels)

    assert message.is_bigendian == 0
    np.testing.assert_array_equal(to_frame(message).array, pixels)


def test_a_message_that_is_used_again_keeps_its_buffer() -> None:
    message = image()
    fill_message(message, np.full((3, 4), 1, np.uint8))
    buffer = message.data

    fill_message(message, np.full((4, 3), 2, np.uint8))
    assert message.data is buffer
    assert buffer.tobytes() == bytes([2]) * 12

    seen = to_frame(message).array
    fill_message(message, np.full((5, 5), 3, np.uint8))  # of another size, while someone looks
    assert isinstance(message.data, array.array)
    assert seen.tolist() == [[2] * 3] * 4


def test_a_message_of_rosbags_keeps_arrays() -> None:
    message = image(np.empty(0, np.uint8))
    fill_message(message, np.full((3, 4), 1, np.uint8))
    buffer = message.data
    assert isinstance(buffer, np.ndarray)

    fill_message(message, np.full((3, 4), 2, np.uint8))
    assert message.data is buffer

    buffer.flags.writeable = False  # as in a message that was just read from a bag
    fill_message(message, np.full((3, 4), 3, np.uint8))
    assert buffer.tolist() == [2] * 12
    assert message.data.tolist() == [3] * 12


def test_a_buffer_of_other_numbers_is_replaced() -> None:
    message = image(np.zeros(4))
    fill_message(message, np.full((2, 2), 3, np.uint8))
    assert message.data.dtype == np.uint8
    assert message.data.tolist() == [3] * 4


def test_stamp_and_frame_id_stay_unless_they_are_given() -> None:
    message = image()
    message.header = header(5_000_000_007, "old")
    pixels = np.zeros((1, 1), np.uint8)

    fill_message(message, pixels)
    assert message.header == header(5_000_000_007, "old")
    fill_message(message, pixels, user_metadata={"frame_id": "new"})
    assert message.header == header(5_000_000_007, "new")
    fill_message(message, pixels, stamp_ns=9, frame_id="", user_metadata={"frame_id": "new"})
    assert message.header == header(9, "")


@pytest.mark.parametrize("stamp_ns", [-1, 2**31 * 10**9])
def test_a_stamp_that_no_header_holds_is_refused(stamp_ns: int) -> None:
    message = image()
    before = copy.deepcopy(message)
    with pytest.raises(ConversionError, match="stamp_ns: expected"):
        fill_message(message, np.zeros((1, 1), np.uint8), stamp_ns=stamp_ns)
    assert message == before


@pytest.mark.parametrize(
    ("encoding", "height", "n_rows"), [("nv12", 4, 6), ("nv21", 3, 5), ("nv24", 2, 6)]
)
@pytest.mark.parametrize("step", [4, 7])
def test_planes_are_rows_as_they_lie_in_the_message(
    encoding: str, height: int, n_rows: int, step: int
) -> None:
    message = image(rows(n_rows, step), height=height, width=4, step=step, encoding=encoding)

    frame = to_frame(message)
    message.data[1] = 77

    assert frame.array.shape == (n_rows, step)
    assert frame.array[0, 1] == 77
    again = image()
    fill_message(again, frame.array, user_metadata=frame.user_metadata)
    assert again == message


def test_planes_that_do_not_work_out_are_refused() -> None:
    message = image(rows(4, 4), height=4, width=4, step=4, encoding="nv12")
    with pytest.raises(MessageLayoutError, match="6 rows"):
        to_frame(message)
    with pytest.raises(ArrayLayoutError, match="two thirds"):
        fill_message(message, np.zeros((4, 4), np.uint8), encoding="nv12")
    with pytest.raises(ArrayLayoutError, match=r"\(rows, step\)"):
        fill_message(message, np.zeros((6, 4, 3), np.uint8), encoding="nv12")
    for width in ("5", "-1", "four"):
        with pytest.raises(UserMetadataError, match="width"):
            fill_message(
                message,
                np.zeros((6, 4), np.uint8),
                encoding="nv21",
                user_metadata={"width": width},
            )


def test_options_of_other_types_are_refused() -> None:
    message = image(rows(1, 1), height=1, width=1, step=1, encoding="mono8")
    with pytest.raises(ConversionError, match="fields="):
        to_frame(message, fields=("x",))
    with pytest.raises(ConversionError, match="fields="):
        fill_message(message, np.zeros((1, 1), np.uint8), fields=("x",))
    with pytest.raises(ConversionError, match="keep, refuse"):
        to_frame(message, nan="drop")


def test_nans_are_kept_unless_they_are_refused() -> None:
    message = image()
    fill_message(message, np.array([[1, np.nan]], np.float32))
    assert np.isnan(to_frame(message).array[0, 1])
    with pytest.raises(ConversionError, match="1 of 2 numbers are NaN"):
        to_frame(message, nan="refuse")
