"""From a message into a pool, and from a view of the pool into a message."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cloud_cases import TYPE as CLOUD
from cloud_cases import cloud, points
from message_cases import message_cases
from message_kinds import blank, kind_of, values_of
from test_table_of_encodings import TYPE as IMAGE
from test_table_of_encodings import image

from tensor_ipc.rosext.conversions import fill_message, structured_points, to_frame, xyz_points


def unaligned_depth() -> dict[str, Any]:
    """Rows of an odd number of bytes."""
    pixels = np.arange(12, dtype="<u2").reshape(3, 4)
    values, _ = image("16UC1", "rows without padding")
    data = type(values["data"])("B", b"".join(row.tobytes() + b"\xee" for row in pixels))
    return {**values, "height": 3, "width": 4, "step": 9, "data": data}


MESSAGES = {
    "padded": (IMAGE, image("rgb8", "rows with padding (`step` larger than a row)")[0], {}),
    "unaligned": (IMAGE, unaligned_depth(), {}),
    "foreign": (
        IMAGE,
        image("64FC1", "the other byte order, elements of several bytes")[0],
        {},
    ),
    "points": (CLOUD, cloud(points((3, 4)), row_padding=10), {}),
    "columns": (CLOUD, cloud(points((5,))), {"fields": ("x", "y", "z")}),
    "number": ("std_msgs/msg/Float64", {"data": 0.1}, {}),
    "pose": (
        "geometry_msgs/msg/PoseStamped",
        message_cases()["geometry_msgs/msg/PoseStamped", "position, orientation"].values,
        {},
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_the_message_that_comes_out_is_as_if_there_were_no_pool(
    name: str, new_producer: Any, new_consumer: Any
) -> None:
    type_name, values, options = MESSAGES[name]
    plain = kind_of("plain")
    frame = to_frame(plain.make(type_name, values), type_name=type_name, **options)
    producer, consumer = new_producer(frame.array), new_consumer(frame.array)

    producer.put(frame.array)
    received = consumer.get()

    np.testing.assert_array_equal(received, frame.array)
    direct, through_pool = (
        plain.make(type_name, blank(values)),
        plain.make(type_name, blank(values)),
    )
    for message, array in ((direct, frame.array), (through_pool, received)):
        fill_message(
            message,
            array,
            type_name=type_name,
            stamp_ns=frame.stamp_ns,
            user_metadata=frame.user_metadata,
        )
    assert values_of(through_pool) == values_of(direct)


def test_points_of_a_pool_have_their_fields(new_producer: Any, new_consumer: Any) -> None:
    made = points((5,))
    frame = to_frame(kind_of("plain").make(CLOUD, cloud(made)), type_name=CLOUD)
    producer, consumer = new_producer(frame.array), new_consumer(frame.array)
    producer.put(frame.array)

    received = consumer.get()

    np.testing.assert_array_equal(
        structured_points(received, frame.user_metadata)["ring"], made["ring"]
    )
    xyz = xyz_points(received, frame.user_metadata)
    assert np.shares_memory(xyz, received)
    np.testing.assert_array_equal(xyz[:, 1], made["y"])
