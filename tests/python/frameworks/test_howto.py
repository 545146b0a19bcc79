"""The tables of the how-to pages: what is copied, found out by counting and by looking where data lies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import numpy as np
import pytest
from support import REPOSITORY

PAGES = sorted((REPOSITORY / "docs" / "howto").glob("*.md"))
NEEDS = {"torch": "torch", "jax": "jax", "numpy": "numpy", "others": "numpy"}
HISTORY_LEN = 4


class Row(NamedTuple):
    code: str
    copied_frames: int
    counted: bool


def rows_of(page: Path) -> list[Row]:
    (table,) = re.findall(r"<!-- copies -->\n((?:\|.*\n)+)", page.read_text(encoding="utf-8"))
    rows = []
    for line in table.splitlines()[2:]:
        code, copied, counted = (cell.strip() for cell in line.strip("|").split("|"))
        frames = 0 if copied == "nothing" else int(copied.split()[0])
        rows.append(Row(code.strip("`"), frames, counted == "yes"))
    return rows


def setting_of(page: Path) -> str:
    """The first block of a page, which makes the pool of the rest."""
    return re.findall(
        r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )[0]


def address_of(data: Any) -> int:
    if hasattr(data, "data_ptr"):
        return int(data.data_ptr())
    if hasattr(data, "unsafe_buffer_pointer"):
        return int(data.unsafe_buffer_pointer())
    return int(np.asarray(data).ctypes.data)


def lies_in_a_pool(data: Any) -> bool:
    address = address_of(data)
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        first, last = (int(part, 16) for part in line.split()[0].split("-"))
        if first <= address < last:
            return "tensoripc_" in line
    return False


@pytest.fixture
def setting(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    pytest.importorskip(NEEDS[request.param.stem])
    names: dict[str, Any] = {"np": np}
    try:
        exec(setting_of(request.param), names)
        yield names
    finally:
        names["consumer"].cleanup()
        names["producer"].cleanup()


@pytest.mark.parametrize(
    ("setting", "row"),
    [
        pytest.param(page, row, id=f"{page.stem}: {row.code}")
        for page in PAGES
        for row in rows_of(page)
    ],
    indirect=["setting"],
)
def test_table_is_true(setting: dict[str, Any], row: Row) -> None:
    consumer, producer = setting["consumer"], setting["producer"]
    frame_bytes = consumer.metadata.total_size // HISTORY_LEN
    read_before = consumer.stats.copied_bytes
    put_before = producer.stats.copied_bytes

    if "producer" in row.code:
        frames_before = producer.stats.frames
        exec(row.code, setting)
        assert producer.stats.frames == frames_before + 1
        counted = producer.stats.copied_bytes - put_before
        assert counted == row.copied_frames * frame_bytes
    else:
        data = eval(row.code, setting)
        counted = consumer.stats.copied_bytes - read_before
        assert lies_in_a_pool(data) == (row.copied_frames == 0)
        assert counted == (row.copied_frames * frame_bytes if row.counted else 0)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_has_a_table(page: Path) -> None:
    assert len(rows_of(page)) >= 3
    assert page.stem in NEEDS
