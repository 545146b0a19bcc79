"""Counts are read, compared within 5 %, and stored with what they hold for."""

from __future__ import annotations

import json

import pytest
from bench.instructions import stored
from bench.instructions.callgrind import CALLS, parse, per_path

_HERE = {"compiler": "gcc 12"}


def test_dump_of_callgrind_is_instructions_per_call():
    dump = f"desc: Trigger: Client Request: get(5)\nevents: Ir\ntotals: {250 * CALLS}\n"

    assert parse(dump) == {"get(5)": 250}


def test_dump_at_the_end_of_the_program_is_left_out():
    assert parse("desc: Trigger: Program termination\ntotals: 12\n") == {}


def test_the_loop_is_taken_off():
    counts = {
        "nothing": 10,
        "put": 110,
        "loan": 60,
        "get of the same frame": 40,
        "get(5)": 50,
        "put and get": 150,
        "falling asleep": 200,
        "falling asleep and put": 320,
    }

    found = per_path(counts)

    assert found["put"] == 100
    assert found["put with a sleeper to wake"] == 120
    assert "nothing" not in found


@pytest.mark.parametrize(
    ("found", "off"), [(100, False), (105, False), (95, False), (106, True), (94, True)]
)
def test_five_percent_either_way(found, off):
    assert bool(stored.differences({"put": 100}, {"put": found})) == off


def test_path_that_came_or_went_is_a_difference():
    gone, new = stored.differences({"get": 1.0}, {"put": 2.0})

    assert str(gone) == "get: 1 stored, 0 now (-100.0%)"
    assert str(new) == "put: 0 stored, 2 now (new)"


def test_update_replaces_only_what_holds_for_the_same(tmp_path):
    file = tmp_path / "stored.json"
    other = {"compiler": "clang 19"}
    stored.update("core", _HERE, {"put": 1.2}, "first", file)
    stored.update("core", other, {"put": 7.0}, "first", file)
    stored.update("core", _HERE, {"put": 2.4}, "one more fence", file)

    entries = stored.load(file)

    assert stored.find(entries, "core", _HERE) == {"put": 2}
    assert stored.find(entries, "core", other) == {"put": 7}
    assert stored.find(entries, "python", _HERE) is None
    assert [entry["why"] for entry in entries] == ["first", "one more fence"]


def test_kept_counts_have_a_reason_and_all_paths():
    entries = json.loads(stored.FILE.read_text())

    assert {entry["face"] for entry in entries} == {"core", "python"}
    for entry in entries:
        assert entry["why"]
        assert {"put", "put with a sleeper to wake"} <= set(entry["instructions"])
        assert all(count > 0 for count in entry["instructions"].values())
