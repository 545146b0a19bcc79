"""Every row of the table of messages in docs/ros-conversions.md, in messages of every kind."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from cloud_cases import cloud_cases
from compressed_cases import TYPE as COMPRESSED
from compressed_cases import compressed_cases
from conversion_table import Row, message_rows
from message_cases import Case, message_cases
from message_kinds import KINDS, blank, kind_of, values_of

from tensor_ipc.rosext.conversions import fill_message, to_frame
from tensor_ipc.rosext.conversions.registry import CONVERTERS

ROWS = message_rows()


@functools.lru_cache(maxsize=None)
def plain_cases() -> dict[tuple[str, str], Case]:
    return {**message_cases(), **cloud_cases()}


def case_of(row: Row) -> Case:
    if row.message == COMPRESSED:
        return compressed_cases(pytest.importorskip("cv2"))[row.message, row.case]
    return plain_cases()[row.message, row.case]


def test_table_has_every_type_and_every_case() -> None:
    assert {row.message for row in ROWS} == set(CONVERTERS) - {"sensor_msgs/msg/Image"} | {
        "any"
    }
    rows = {(row.message, row.case) for row in ROWS if row.message != COMPRESSED}
    assert rows == set(plain_cases())


@pytest.mark.parametrize("kind_name", KINDS)
@pytest.mark.parametrize("row", ROWS, ids=[f"{row.message}: {row.case}" for row in ROWS])
def test_message_becomes_the_array_of_the_table_and_the_same_message_again(
    row: Row, kind_name: str
) -> None:
    case, kind = case_of(row), kind_of(kind_name)
    type_name = case.type_name or row.message
    path = row.options.get("path")
    message = kind.through_wire(kind.make(type_name, case.values), type_name)

    frame = to_frame(message, type_name=type_name, **row.options)

    row.array.check(frame.array, case.sizes)
    if "about" in row.case:
        assert np.abs(frame.array.astype(int) - case.expected.astype(int)).max() < 16
    else:
        np.testing.assert_array_equal(frame.array, case.expected)
    memory = "copy" if "copy in rclpy" in row.memory and kind_name == "rclpy" else row.memory
    is_view = any(np.shares_memory(frame.array, held) for held in arrays_in(message))
    assert is_view == memory.startswith("view")
    header = case.values.get("header")
    assert frame.frame_id == (header["frame_id"] if header else None)
    assert frame.stamp_ns == (12_000_000_034 if header else None)
    assert set(frame.user_metadata) == row.metadata | ({"frame_id"} if header else set())

    start = zeroed(case.values) if case.template else blank(case.values)
    again = kind.make(type_name, start)
    fill_message(
        again,
        frame.array,
        type_name=type_name,
        path=path,
        stamp_ns=frame.stamp_ns,
        user_metadata=frame.user_metadata,
    )
    again = kind.through_wire(again, type_name)

    expected = values_of({**case.values, **case.again})
    if case.template:
        check_part(values_of(again), expected, values_of(start))
        once_more = to_frame(again, type_name=type_name, **row.options)
        np.testing.assert_array_equal(once_more.array, case.expected)
    elif "about" in row.case:
        again_array = to_frame(again, type_name=type_name).array
        assert np.abs(again_array.astype(int) - case.expected.astype(int)).max() < 16
        assert again.format == case.values["format"]
    else:
        assert values_of(again) == expected


def arrays_in(message: Any) -> list[np.ndarray[Any, Any]]:
    """The memory of all sequences of numbers in a message."""
    found = []
    names = (
        list(message.get_fields_and_field_types())
        if hasattr(message, "get_fields_and_field_types")
        else list(vars(message))
    )
    for name in names:
        value = getattr(message, name)
        if isinstance(value, np.ndarray):
            found.append(value)
        elif hasattr(value, "typecode"):
            found.append(np.asarray(memoryview(value)))
    return found


def zeroed(values: Any) -> Any:
    """The same message with all numbers 0, and sequences as long as they were."""
    if isinstance(values, dict):
        return {key: zeroed(value) for key, value in values.items()}
    if isinstance(values, list):
        return [zeroed(value) for value in values]
    if isinstance(values, np.ndarray):
        return np.zeros_like(values)
    if hasattr(values, "typecode"):
        return type(values)(values.typecode, bytes(len(values) * values.itemsize))
    return type(values)()


def check_part(found: Any, full: Any, untouched: Any) -> None:
    """Each value is as in the full message or as it was before, and some are new."""
    changed = differences(found, full, untouched)
    assert changed > 0


def differences(found: Any, full: Any, untouched: Any) -> int:
    if isinstance(found, dict):
        return sum(differences(found[key], full[key], untouched[key]) for key in found)
    if isinstance(found, list):
        assert len(found) == len(full) == len(untouched)
        return sum(differences(*three) for three in zip(found, full, untouched))
    assert found in (full, untouched)
    return int(found != untouched)
