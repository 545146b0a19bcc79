"""The tables of docs/ros-conversions.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, Mapping, NamedTuple

import numpy as np

_PAGE = Path(__file__).parents[4] / "docs" / "ros-conversions.md"


def cells_of(mark: str) -> list[list[str]]:
    """The rows of the table after ``<!-- mark -->``, without its head."""
    text = _PAGE.read_text()
    table = text.partition(f"<!-- {mark} -->\n")[2].partition("\n\n")[0]
    lines = table.splitlines()[2:]
    assert lines, f"no table {mark!r} in {_PAGE}"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def code_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]*)`", cell)


class Array(NamedTuple):
    """An array as a table describes it, as ``uint8 (height, width)``."""

    dtype: str
    extents: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Array:
        dtype, _, shape = text.partition(" (")
        extents = shape.rstrip(")").split(",")
        return cls(dtype, tuple(extent.strip() for extent in extents if extent.strip()))

    def check(self, array: np.ndarray[Any, Any], sizes: Mapping[str, int]) -> None:
        """Compare with an array; `sizes` says what the words mean."""
        expected = [int(one) if one.isdecimal() else sizes[one] for one in self.extents]
        assert list(array.shape) == expected
        assert array.dtype == np.dtype(self.dtype)
        assert array.dtype.isnative


class Row(NamedTuple):
    message: str
    case: str
    options: dict[str, Any]
    array: Array
    memory: str
    metadata: set[str]


def message_rows() -> list[Row]:
    rows = []
    for message, case, array, memory, metadata in cells_of("messages"):
        calls = code_in(case)
        options: dict[str, Any] = {}
        for call in calls:
            parsed = ast.parse(f"f({call})", mode="eval").body
            assert isinstance(parsed, ast.Call)
            options.update({k.arg: ast.literal_eval(k.value) for k in parsed.keywords if k.arg})
        rows.append(
            Row(
                message.strip("`"),
                case,
                options,
                Array.parse(array.strip("`")),
                memory,
                set(code_in(metadata)),
            )
        )
    return rows
