from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from cloud_cases import POINT, STEP, TYPE, cloud, points, raw
from message_kinds import blank, kind_of, values_of

from tensor_ipc.errors import (
    ArrayLayoutError,
    ConversionError,
    FieldPathError,
    MessageLayoutError,
    NotANumberError,
    UserMetadataError,
)
from tensor_ipc.rosext.conversions import (
    MessageFrame,
    fill_message,
    structured_points,
    to_frame,
    xyz_points,
)


def message_of(values: dict[str, Any]) -> Any:
    return kind_of("plain").make(TYPE, values)


def frame_of(values: dict[str, Any], **options: Any) -> MessageFrame:
    return to_frame(message_of(values), type_name=TYPE, **options)


def filled(array: Any, **options: Any) -> Any:
    message = message_of(blank(cloud(points((1,)))))
    fill_message(message, array, type_name=TYPE, **options)
    return message


def test_points_have_their_fields_by_name_in_a_view() -> None:
    made = points((3, 4))
    frame = frame_of(cloud(made))

    found = structured_points(frame.array, frame.user_metadata)

    assert found.shape == (3, 4)
    assert np.shares_memory(found, frame.array)
    assert found.dtype.names == POINT.names
    for name in POINT.names or ():
        np.testing.assert_array_equal(found[name], made[name])


def test_x_y_and_z_are_a_view() -> None:
    made = points((5,))
    frame = frame_of(cloud(made))

    found = xyz_points(frame.array, frame.user_metadata)

    assert np.shares_memory(found, frame.array)
    np.testing.assert_array_equal(found, np.stack([made["x"], made["y"], made["z"]], axis=-1))


@pytest.mark.parametrize(
    "dtype",
    [
        [("z", "<f8"), ("x", "<f4"), ("y", "<f4")],
        [("x", "<f4"), ("y", "<f4"), ("intensity", "<f4"), ("z", "<f4")],
    ],
)
def test_x_y_and_z_that_lie_apart_are_a_copy(dtype: Any) -> None:
    made = points((5,), np.dtype(dtype))
    frame = frame_of(cloud(made))

    found = xyz_points(frame.array, frame.user_metadata)

    np.testing.assert_array_equal(found, np.stack([made["x"], made["y"], made["z"]], axis=-1))


def test_columns_have_their_names_too() -> None:
    made = points((5,))
    frame = frame_of(cloud(made), fields=("intensity", "x", "y", "z"))

    np.testing.assert_array_equal(
        structured_points(frame.array.copy(), frame.user_metadata)["y"], made["y"]
    )
    np.testing.assert_array_equal(
        xyz_points(frame.array.copy(), frame.user_metadata)[:, 2], made["z"]
    )


def test_views_of_no_points_have_no_points() -> None:
    frame = frame_of(cloud(points((0,))))
    assert structured_points(frame.array, frame.user_metadata).shape == (0,)
    assert xyz_points(frame.array, frame.user_metadata).shape == (0, 3)


def test_views_of_something_else_are_refused() -> None:
    frame = frame_of(cloud(points((5,))))
    with pytest.raises(UserMetadataError, match="point cloud"):
        structured_points(frame.array, {"encoding": "rgb8"})
    with pytest.raises(UserMetadataError, match="x:f4:0"):
        structured_points(frame.array, {"fields": "ranges"})
    with pytest.raises(ArrayLayoutError, match="no points with the fields"):
        structured_points(frame.array[:, :8].copy(), frame.user_metadata)
    with pytest.raises(ArrayLayoutError, match="no points with the fields"):
        structured_points(np.zeros(()), frame.user_metadata)
    with pytest.raises(FieldPathError, match="no y and no z"):
        xyz_points(np.zeros((2, 4), np.uint8), {"fields": "x:f4:0"})


def test_structured_arrays_become_points_with_their_fields() -> None:
    made = points((3, 4))

    message = filled(made)

    expected = cloud(made)
    assert [vars(field) for field in message.fields] == expected["fields"]
    assert (message.height, message.width) == (3, 4)
    assert (message.point_step, message.row_step) == (STEP, 4 * STEP)
    again = to_frame(message, type_name=TYPE)
    found = structured_points(again.array, again.user_metadata)
    np.testing.assert_array_equal(found["ring"], made["ring"])
    assert found.tolist() == made.tolist()


def test_structured_arrays_may_have_any_byte_order_and_strides() -> None:
    made = points((6,), np.dtype([("x", ">f4"), ("normal", ">f4", (3,)), ("ring", "<u2")]))[::2]
    message = filled(made)
    again = to_frame(message, type_name=TYPE)
    assert not message.is_bigendian
    found = structured_points(again.array, again.user_metadata)
    for name in made.dtype.names or ():
        np.testing.assert_array_equal(found[name], made[name])


def test_bytes_between_fields_are_zero_when_a_structured_array_has_none_to_copy() -> None:
    message = filled(np.full((2, STEP), 0xEE, np.uint8), user_metadata={"fields": "x:f4:0"})
    fill_message(message, points((2,)), type_name=TYPE)
    assert to_frame(message, type_name=TYPE).array[:, 12:16].tolist() == [[0] * 4] * 2


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4"])
def test_three_columns_of_floats_are_x_y_z(dtype: str) -> None:
    message = filled(np.arange(6).reshape(2, 3).astype(dtype))
    assert [field.name for field in message.fields] == ["x", "y", "z"]
    assert to_frame(message, type_name=TYPE, fields="xyz").array.tolist() == [
        [0, 1, 2],
        [3, 4, 5],
    ]


def test_columns_are_named_by_the_caller() -> None:
    message = filled(np.zeros((2, 4), np.int32), fields=("a", "b", "c", "d"))
    assert [(f.name, f.datatype, f.offset) for f in message.fields] == [
        ("a", 5, 0),
        ("b", 5, 4),
        ("c", 5, 8),
        ("d", 5, 12),
    ]


@pytest.mark.parametrize(
    ("values", "is_dense"), [([[1, 2, 3]], True), ([[1, np.nan, 3]], False)]
)
def test_a_cloud_is_dense_when_it_has_no_nan_and_nobody_says_otherwise(
    values: list[list[float]], is_dense: bool
) -> None:
    array = np.array(values, np.float32)
    as_bytes, metadata = array.view(np.uint8), {"fields": "x:f4:0,y:f4:4,z:f4:8"}
    assert filled(array).is_dense == is_dense
    assert filled(as_bytes, user_metadata=metadata).is_dense == is_dense
    structured = array.view(np.dtype([("x", "f4"), ("y", "f4"), ("z", "f4")]))[:, 0]
    assert filled(structured).is_dense == is_dense
    assert filled(array, user_metadata={**metadata, "is_dense": "0"}).is_dense is False


def test_a_cloud_without_fields_and_points_is_dense() -> None:
    message = filled(np.zeros((0, 0), np.bool_), user_metadata={"fields": ""})
    assert message.is_dense
    assert len(message.data) == message.point_step == 0


@pytest.mark.parametrize(
    ("array", "options", "words"),
    [
        (np.zeros((2, 4), np.float32), {}, "name their columns"),
        (np.zeros((2, 3), np.uint8), {}, "name their columns"),
        (np.zeros((2, 4), np.float32), {"fields": ("x", "y")}, "a name for each of 4 columns"),
        (np.zeros((2, 2), np.float32), {"fields": ("x", "x")}, "a name for each of 2 columns"),
        (np.zeros((2, 2), np.int64), {"fields": ("x", "y")}, "a field is one of"),
        (np.zeros(3, np.float32), {}, r"\(n, k\)"),
        (
            np.zeros((2, 3), np.float32),
            {"user_metadata": {"fields": "x:f8:0"}},
            "are not the fields",
        ),
        (
            np.zeros((2, 3), np.uint8),
            {"user_metadata": {"fields": "x:f4:0"}},
            "are not the fields",
        ),
        (np.zeros(2, [("x", "?")]), {}, "a field is one of"),
        (np.zeros((2, 2, 2), [("x", "f4")]), {}, "structured points"),
    ],
)
def test_arrays_that_are_no_points_are_refused(array: Any, options: Any, words: str) -> None:
    message = message_of(cloud(points((2,))))
    before = values_of(copy.deepcopy(message))
    with pytest.raises(ArrayLayoutError, match=words):
        fill_message(message, array, type_name=TYPE, **options)
    assert values_of(message) == before


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"row_step": 5 * STEP - 1}, "row_step"),
        ({"row_step": 5 * STEP + 1}, "row_step"),
        ({"width": 6}, "row_step"),
        ({"height": 2}, "row_step"),
        ({"point_step": STEP + 1}, "row_step"),
        ({"point_step": 21}, "'ring' is bytes 20 to 22"),
        ({"point_step": 65537}, "at most 65536"),
        ({"fields": [{"name": "x", "offset": 0, "datatype": 9, "count": 1}]}, "datatype 9"),
        ({"fields": [{"name": "x", "offset": 0, "datatype": 0, "count": 1}]}, "datatype 0"),
        ({"fields": [{"name": "x", "offset": 0, "datatype": 7, "count": 7}]}, "bytes 0 to 28"),
        ({"fields": [{"name": "x", "offset": 0, "datatype": 7, "count": 1}] * 2}, "one name"),
    ],
)
def test_clouds_whose_sizes_disagree_are_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(MessageLayoutError, match=words):
        frame_of(cloud(points((5,)), **changed))


def test_a_count_of_zero_is_one_number() -> None:
    values = cloud(points((5,)))
    for field in values["fields"]:
        field["count"] = 0
    np.testing.assert_array_equal(
        frame_of(values, fields=("ring",)).array[:, 0], points((5,))["ring"]
    )


def test_fields_that_overlap_are_read_both() -> None:
    fields = [
        {"name": "rgb", "offset": 0, "datatype": 7, "count": 1},
        {"name": "r", "offset": 2, "datatype": 2, "count": 1},
    ]
    values = cloud(points((1,), np.dtype([("x", "<u4")])), fields=fields)
    frame = frame_of(values)
    assert structured_points(frame.array, frame.user_metadata)["r"].shape == (1,)
    assert frame_of(values, fields=("r",)).array.dtype == np.uint8


@pytest.mark.parametrize("fields", [(), ("x", "nothing"), ("X",)])
def test_fields_that_are_not_there_are_refused(fields: tuple[str, ...]) -> None:
    with pytest.raises(FieldPathError, match="expected some of x, y, z, intensity, ring"):
        frame_of(cloud(points((5,))), fields=fields)


def test_nans_are_refused_when_they_are_in_what_is_taken() -> None:
    made = points((5,))
    made["intensity"][2] = np.nan
    values = cloud(made)

    assert frame_of(values, fields=("x", "y", "z"), nan="refuse").array.shape == (5, 3)
    with pytest.raises(NotANumberError, match="1 of 5 points"):
        frame_of(values, nan="refuse")
    with pytest.raises(NotANumberError, match="1 of 5 points"):
        frame_of(values, fields=("x", "intensity"), nan="refuse")
    assert frame_of(values, nan="keep").array.shape == (5, STEP)


def test_names_may_have_any_letters() -> None:
    made = points((2,), np.dtype([("x,y:z", "<f4"), ("é", "<u1"), ("", "<u1")]))
    values = cloud(made)
    values["fields"][2]["name"] = " "
    frame = frame_of(values)
    found = structured_points(frame.array, frame.user_metadata)
    assert found.dtype.names == ("x,y:z", "é", " ")
    again = filled(frame.array, user_metadata=frame.user_metadata)
    assert [field.name for field in again.fields] == ["x,y:z", "é", " "]


def test_fields_that_need_too_many_letters_are_refused_and_chosen_ones_are_not() -> None:
    dtype = np.dtype([(f"a_rather_long_name_{index}", "<f4") for index in range(12)])
    values = cloud(points((2,), dtype))
    with pytest.raises(UserMetadataError, match="convert fewer fields"):
        frame_of(values)
    assert frame_of(values, fields=("a_rather_long_name_3",)).array.shape == (2, 1)


def test_a_message_that_is_used_again_keeps_its_buffer() -> None:
    made = points((5,))
    message = filled(raw(made), user_metadata=frame_of(cloud(made)).user_metadata)
    buffer, fields = message.data, list(message.fields)
    fill_message(message, made, type_name=TYPE)
    assert message.data is buffer
    assert all(one is other for one, other in zip(message.fields, fields))


def test_a_metadata_of_dense_that_is_neither_is_refused() -> None:
    with pytest.raises(ConversionError, match="is_dense"):
        filled(np.zeros((2, 3), np.float32), user_metadata={"is_dense": "yes"})
