"""Each series runs, and its points are drawn beside what was expected."""

from __future__ import annotations

import pytest
from bench.scale import series
from bench.scale.plot import LINES, table
from bench.scale.shapes import copied, flat, linear, passed_over

_SERIES = {
    "consumers": series.by_consumers,
    "history": series.by_history,
    "frame_bytes": series.by_frame_bytes,
    "pools": series.by_pools,
    "held": series.by_held,
}


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(series, "ROUNDS", 3)
    monkeypatch.setattr("bench.python.turns._ROUND_NS", 20_000)


@pytest.mark.parametrize("name", list(_SERIES))
def test_series_has_a_figure_for_each_line(name):
    points = _SERIES[name](series.QUICK)

    assert len(points) == 2
    assert points[0]["x"] < points[1]["x"]
    for line in LINES[name][1]:
        assert all(point[line.figure] > 0 for point in points)


def test_no_frame_of_a_history_was_copied():
    points = series.by_history(series.QUICK)

    assert [point["copied"] for point in points] == [0, 0]


def test_held_frames_are_views():
    points = series.by_held(series.QUICK)

    assert [point["held_as_copies"] for point in points] == [0, 0]


def test_shapes():
    assert flat([1, 2, 3], [5, 9, 6]) == [6, 6, 6]
    assert linear([1, 2, 3], [5, 0, 9]) == [5, 7, 9]
    assert copied([1, 100], [10, 100]) == [10, 109]
    assert passed_over([0, 33.5, 67 - 1], [5, 0, 71]) == [5, 6, 71]


def test_table_says_how_far_the_worst_point_is_off():
    points = [
        {"x": 1, "put_ns": 100.0, "get_ns": 100.0},
        {"x": 2, "put_ns": 50.0, "get_ns": 300.0},
    ]

    text = table({"held": points})

    _, _, put, get = text.splitlines()
    assert "| put | 0.10 us | 0.05 us | passed over" in put
    assert put.endswith("| 1.00x |")
    assert "| get | 0.10 us | 0.30 us | flat" in get
    assert get.endswith("| 0.50x |")
