"""The point clouds of the table of messages."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
from message_cases import Case

TYPE = "sensor_msgs/msg/PointCloud2"
STEP = 24

#: Bytes 12 to 15 and 22 to 23 are padding.
POINT = np.dtype(
    {
        "names": ["x", "y", "z", "intensity", "ring"],
        "formats": ["<f4", "<f4", "<f4", "<f4", "<u2"],
        "offsets": [0, 4, 8, 16, 20],
        "itemsize": STEP,
    }
)
_DATATYPES = {"i1": 1, "u1": 2, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 8}


def points(shape: tuple[int, ...], dtype: np.dtype[Any] = POINT) -> np.ndarray[Any, Any]:
    """Points that all differ, with padding that is not zero."""
    array_of_bytes = np.full((*shape, dtype.itemsize), 0xEE, np.uint8)
    made = array_of_bytes.view(dtype)[..., 0]
    count = int(np.prod(shape, dtype=int))
    for index, name in enumerate(dtype.names or ()):
        field = made[name]
        numbers = 100 * index + np.arange(count * (field.size // max(count, 1)))
        made[name] = numbers.reshape(field.shape)
    return made


def cloud(made: np.ndarray[Any, Any], row_padding: int = 0, **fields: Any) -> dict[str, Any]:
    """A message with these points."""
    rows = np.atleast_2d(made)
    height, width = rows.shape
    assert made.dtype.fields is not None
    described = []
    for name, (dtype, offset) in ((n, place[:2]) for n, place in made.dtype.fields.items()):
        datatype = _DATATYPES[f"{dtype.base.kind}{dtype.base.itemsize}"]
        count = int(np.prod(dtype.shape, dtype=int))
        described.append({"name": name, "offset": offset, "datatype": datatype, "count": count})
    data = b"".join(row.tobytes() + b"\xdd" * row_padding for row in rows)
    return {
        "header": {"stamp": {"sec": 12, "nanosec": 34}, "frame_id": "lidar"},
        "height": height,
        "width": width,
        "fields": described,
        "is_bigendian": False,
        "point_step": made.dtype.itemsize,
        "row_step": width * made.dtype.itemsize + row_padding,
        "data": array.array("B", data),
        "is_dense": True,
        **fields,
    }


def raw(made: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The bytes of the points."""
    rows = made.reshape(-1)
    return np.frombuffer(rows.tobytes(), np.uint8).reshape(*made.shape, made.dtype.itemsize)


def _packed(columns: np.ndarray[Any, Any], names: list[tuple[str, int]]) -> dict[str, Any]:
    """What is made of columns: fields side by side, all of the array's type."""
    code = columns.dtype.str
    fields = [(name, code) if count == 1 else (name, code, (count,)) for name, count in names]
    made = np.ascontiguousarray(columns).view(np.dtype(fields))[..., 0]
    return cloud(made)


def cloud_cases() -> dict[tuple[str, str], Case]:
    """By message and case, as in the table."""
    five, image = points((5,)), points((3, 4))
    foreign = points((5,), POINT.newbyteorder(">"))
    native = raw(foreign).copy()
    for name in POINT.names or ():
        native.view(POINT)[..., 0][name] = foreign[name]
    with_normal = points((5,), np.dtype([("x", "<f4"), ("normal", "<f4", (3,))]))
    holes = points((5,))
    holes["intensity"][1] = np.nan
    holes["z"][3] = np.nan
    n, organised = {"n": 5, "point_step": STEP}, {"height": 3, "width": 4, "point_step": STEP}

    def columns(made: np.ndarray[Any, Any], *names: str) -> np.ndarray[Any, Any]:
        return np.stack([made[name] for name in names], axis=-1)

    xyz = [("x", 1), ("y", 1), ("z", 1)]
    x_and_ring = np.stack([five["x"], five["ring"].astype("<f4")], axis=-1)
    normal_and_x = np.concatenate([with_normal["normal"], with_normal["x"][:, None]], axis=1)
    four = columns(five, "x", "y", "z", "intensity")
    ring = columns(five, "ring")
    without_both, without_z = raw(holes)[[0, 2, 4]], columns(holes, "x", "y", "z")[[0, 1, 2, 4]]
    cases = {
        "any fields": Case(cloud(five), raw(five), n),
        "organised": Case(cloud(image), raw(image), organised),
        "organised, rows with padding": Case(
            cloud(image, row_padding=10), raw(image), organised, cloud(image)
        ),
        "the other byte order": Case(
            cloud(foreign, is_bigendian=True),
            native,
            n,
            {**cloud(foreign), "data": array.array("B", native.tobytes())},
        ),
        "no points": Case(cloud(points((0,))), raw(points((0,))), n),
        '`fields=("x", "y", "z")`': Case(
            cloud(five), columns(five, "x", "y", "z"), n, _packed(columns(five, *"xyz"), xyz)
        ),
        'organised, `fields=("x", "y", "z")`': Case(
            cloud(image),
            columns(image, *"xyz"),
            organised,
            _packed(columns(image, *"xyz"), xyz),
        ),
        'the other byte order, `fields=("x", "y", "z")`': Case(
            cloud(foreign, is_bigendian=True),
            columns(foreign, *"xyz").astype("<f4"),
            n,
            _packed(columns(foreign, *"xyz").astype("<f4"), xyz),
        ),
        'of one type, not equally spaced, `fields=("x", "y", "z", "intensity")`': Case(
            cloud(five), four, n, _packed(four, [*xyz, ("intensity", 1)])
        ),
        'of several types, `fields=("x", "ring")`': Case(
            cloud(five), x_and_ring, n, _packed(x_and_ring, [("x", 1), ("ring", 1)])
        ),
        'several numbers in a field, `fields=("normal", "x")`': Case(
            cloud(with_normal),
            normal_and_x,
            n,
            _packed(normal_and_x, [("normal", 3), ("x", 1)]),
        ),
        'one field, `fields=("ring",)`': Case(
            cloud(five), ring, n, _packed(ring, [("ring", 1)])
        ),
        'NaN, `nan="drop"`': Case(
            cloud(holes, is_dense=False),
            without_both,
            {"m": 3, "point_step": STEP},
            cloud(without_both.view(POINT)[..., 0]),
        ),
        'NaN, `fields=("x", "y", "z"), nan="drop"`': Case(
            cloud(holes, is_dense=False), without_z, {"m": 4}, _packed(without_z, xyz)
        ),
    }
    return {(TYPE, case): made for case, made in cases.items()}
