"""Every encoding of docs/ros-conversions.md, in every layout, in messages of every kind."""

from __future__ import annotations

import array
import re
from typing import Any

import numpy as np
import pytest
from conversion_table import Array, cells_of, code_in
from message_kinds import KINDS, blank, kind_of, values_of

from tensor_ipc.rosext.conversions import fill_message, to_frame

TYPE = "sensor_msgs/msg/Image"
HEIGHT, WIDTH, PADDING = 5, 6, 8

ARRAYS = {
    encoding: Array.parse(
        cell.strip("`").replace("<bits>", (re.findall(r"^\d+", encoding) or [""])[0])
    )
    for encodings, cell in cells_of("encodings")
    for encoding in code_in(encodings)
}
LAYOUTS = {row[0]: row for row in cells_of("image layouts")}

# sensor_msgs/image_encodings.hpp of ROS 2 Jazzy, and nv12, which newer ones have.
KNOWN_TO_ROS = {
    *(
        "rgb8",
        "rgba8",
        "rgb16",
        "rgba16",
        "bgr8",
        "bgra8",
        "bgr16",
        "bgra16",
        "mono8",
        "mono16",
    ),
    *(
        f"{kind}C{n}"
        for kind in ("8U", "8S", "16U", "16S", "32S", "32F", "64F")
        for n in range(1, 5)
    ),
    *(f"bayer_{order}{bits}" for order in ("rggb", "bggr", "gbrg", "grbg") for bits in (8, 16)),
    *("uyvy", "yuv422", "yuyv", "yuv422_yuy2", "nv12", "nv21", "nv24"),
}


def test_table_has_all_encodings_of_ros() -> None:
    assert set(ARRAYS) >= KNOWN_TO_ROS


def image(encoding: str, layout: str) -> tuple[dict[str, Any], np.ndarray[Any, Any]]:
    """A message, and the array that it has to become."""
    described = ARRAYS[encoding]
    dtype = np.dtype(described.dtype)
    height, width = (0, WIDTH) if layout.startswith("no rows") else (HEIGHT, WIDTH)
    padding = PADDING if "with padding" in layout else 0
    is_bigendian = "the other byte order" in layout
    if encoding.startswith("nv"):
        step = width + padding
        rows = 3 * height if encoding == "nv24" else height + (height + 1) // 2
        pixels = random_array((rows, step), dtype)
        data = pixels.tobytes()
    else:
        words = {"height": height, "width": width, "channels": channels_in(encoding)}
        shape = [int(words.get(word, word)) for word in described.extents]
        pixels = random_array(tuple(shape), dtype)
        rows_of_bytes = [
            row.astype(dtype.newbyteorder(">" if is_bigendian else "<")).tobytes()
            for row in pixels
        ]
        data = b"".join(row + b"\xee" * padding for row in rows_of_bytes)
        step = len(rows_of_bytes[0]) + padding if rows_of_bytes else 0
    values = {
        "header": {"stamp": {"sec": 12, "nanosec": 34}, "frame_id": "camera"},
        "height": height,
        "width": width,
        "encoding": encoding,
        "is_bigendian": int(is_bigendian),
        "step": step,
        "data": array.array("B", data),
    }
    return values, pixels


def channels_in(encoding: str) -> int:
    return int((re.findall(r"C(\d+)$", encoding) or ["0"])[0])


def random_array(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(7)
    if dtype.kind == "f":
        return random.standard_normal(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return random.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def layouts_of(encoding: str) -> list[str]:
    one_byte = np.dtype(ARRAYS[encoding].dtype).itemsize == 1
    left_out = "elements of several bytes" if one_byte else "elements of one byte"
    return [layout for layout in LAYOUTS if left_out not in layout]


@pytest.mark.parametrize("kind_name", KINDS)
@pytest.mark.parametrize(
    ("encoding", "layout"),
    [(encoding, layout) for encoding in ARRAYS for layout in layouts_of(encoding)],
)
def test_image_becomes_the_array_of_the_table_and_the_same_image_again(
    encoding: str, layout: str, kind_name: str
) -> None:
    kind = kind_of(kind_name)
    values, pixels = image(encoding, layout)
    message = kind.through_wire(kind.make(TYPE, values), TYPE)

    frame = to_frame(message, type_name=TYPE)

    sizes = {
        "height": values["height"],
        "width": values["width"],
        "channels": pixels.shape[-1],
        "step": values["step"],
        "height + height / 2": values["height"] + (values["height"] + 1) // 2,
        "3 * height": 3 * values["height"],
    }
    ARRAYS[encoding].check(frame.array, sizes)
    np.testing.assert_array_equal(frame.array, pixels)
    _, memory, metadata = LAYOUTS[layout]
    if memory != "empty":
        is_view = np.shares_memory(frame.array, np.asarray(message.data))
        assert is_view == memory.startswith("view")
    expected = {**dict.fromkeys(code_in(metadata), encoding), "frame_id": "camera"}
    if encoding.startswith("nv") and sizes["step"] != sizes["width"]:
        expected["width"] = str(sizes["width"])
    assert frame.user_metadata == expected
    assert (frame.stamp_ns, frame.frame_id) == (12_000_000_034, "camera")

    again = kind.make(TYPE, blank(values))
    fill_message(
        again,
        frame.array,
        type_name=TYPE,
        stamp_ns=frame.stamp_ns,
        user_metadata=frame.user_metadata,
    )
    again = kind.through_wire(again, TYPE)

    step = values["step"] if encoding.startswith("nv") else pixels[:1].nbytes
    if not values["height"]:
        step = values["width"] * pixels.itemsize * (pixels.shape[2] if pixels.ndim == 3 else 1)
        step = values["step"] if encoding.startswith("nv") else step
    canonical = {**values, "is_bigendian": 0, "step": step, "data": list(pixels.tobytes())}
    assert values_of(again) == values_of(canonical)
