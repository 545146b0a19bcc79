"""What is run, and what is said of it."""

from __future__ import annotations

import json
from collections import Counter
from importlib import util

import pytest
from bench.compare import catalogue, leftovers, schedule, summary
from bench.compare.__main__ import as_text
from bench.compare.figures import Comparison
from bench.compare.install import ROOT
from bench.compare.report import render
from bench.report.page import with_part

_MACHINE = {
    "date": "2026-01-02",
    "cores": 2,
    "virtual": True,
    "processor": "P",
    "kernel": "6.1",
    "libc": "glibc",
    "compiler": "c++ 12",
    "python": "3.11",
    "load_before": 0.1,
    "busy": False,
}


def test_each_contender_can_be_found():
    for entry in catalogue.CATALOGUE:
        if entry.language == "python":
            assert util.find_spec(entry.target.split(":")[0]) is not None
        else:
            assert (ROOT / f"bench/compare/native/{entry.target}.cpp").exists()
        assert entry.source
        assert entry.waiting in {"sleep", "spin"}
        assert entry.queueing in {"newest", "waits"}


def test_names_are_unique():
    names = Counter(entry.name for entry in catalogue.CATALOGUE)

    assert names.most_common(1)[0][1] == 1


def test_unknown_contender_is_named():
    with pytest.raises(KeyError, match="nobody"):
        catalogue.find(["ours", "nobody"])


def test_all_take_turns_in_each_repeat():
    entries = catalogue.find(["ours", "mp-queue", "floor futex"])

    planned = schedule.plan(entries, ["1KB", "VGA"], [1, 4], 3, schedule.QUICK, seed=1)

    turns = Counter(
        (one.entry.name, one.size, one.job.kind, one.job.check, one.job.consumers, one.repeat)
        for one in planned
    )
    assert set(turns.values()) == {1}
    assert len({one.job.name for one in planned}) == len(planned)
    of_ours = [key for key in turns if key[0] == "ours"]
    of_queue = [key for key in turns if key[0] == "mp-queue"]
    assert len(of_ours) == len(of_queue) == 3 * (3 + 7)
    assert [one.repeat for one in planned] == sorted(one.repeat for one in planned)


def test_figures_are_read_as_they_were_written():
    figures = {"format": 1, "machine": {"cores": 2}, "runs": [{"size": "VGA"}, {"size": "4K"}]}

    text = as_text(figures)

    assert json.loads(text) == figures
    assert '\n{"size": "VGA"},\n' in text


def test_consumers_that_are_not_asked_for_are_not_measured():
    planned = schedule.plan(
        catalogue.find(["ours"]), ["1KB", "VGA"], [8], 1, schedule.QUICK, seed=1
    )

    assert {(one.size, one.job.consumers) for one in planned} == {("VGA", 8)}


def test_bytes_that_nobody_wrote_are_not_checked():
    entries = catalogue.find(["ours", "ours-in-place"])

    planned = schedule.plan(entries, ["1KB"], [1], 1, schedule.QUICK, seed=1)

    checked = {one.entry.name for one in planned if one.job.check == "bytes"}
    assert checked == {"ours"}


def contender(name, **more):
    return {
        "name": name,
        "title": f"the {name}",
        "language": "python",
        "waiting": "sleep",
        "copies": (1, 0),
        "queueing": "newest",
        "source": "its page",
        "versions": {"numpy": "2"},
        "absent": None,
        **more,
    }


def run_of(name, p50_us, **more):
    figures = {
        "latency_p50_us": p50_us,
        "latency_p99_us": 2 * p50_us,
        "latency_max_us": 9 * p50_us,
        "put_p50_us": 1.0,
        "memory_mb": 2.0,
        "lost": 0,
        "torn": 0,
        "repeated": 0,
        "producer_cpu_us_per_frame": 3.0,
        "consumer_cpu_us_per_frame": None,
        **more,
    }
    return {
        "contender": name,
        "size": "VGA",
        "kind": "latency",
        "check": "stamps",
        "consumers": 1,
        "repeat": 0,
        "load": 0.5,
        "figures": figures,
    }


def compared(contenders, runs, **more):
    return Comparison(
        {
            "machine": {**_MACHINE, **more},
            "contenders": contenders,
            "runs": runs,
            "quick": False,
        }
    )


def page(contenders, runs, **more):
    return render(compared(contenders, runs, **more))


def rows_of(text, title):
    table = text.split(f"## {title}")[1].split("\n\n")[1]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]


def test_table_has_the_median_and_the_spread_fastest_first():
    text = page(
        [contender("slow"), contender("quick")],
        [run_of("slow", 50), *(run_of("quick", p50) for p50 in (10, 30, 20))],
    )

    heads, _, first, second = rows_of(text, "Latency, paced: VGA, 1 consumer")
    assert first[0] == "the quick"
    assert first[heads.index("copies")] == "1 + 0"
    assert first[heads.index("p50, us")] == "20 (10 to 30)"
    assert second[heads.index("p50, us")] == "50"
    assert second[heads.index("consumer CPU, us/frame")] == "-"


def test_how_often_was_measured_is_said():
    once = [run_of("one", 1)]

    assert "Medians of 1 repeats" in page([contender("one")], once)
    assert "Medians of 1 to 3 repeats" in page(
        [contender("one"), contender("two")], [*once, *(run_of("two", 1) for _ in range(3))]
    )


def test_spinners_are_apart_from_sleepers():
    text = page(
        [contender("spinner", waiting="spin"), contender("sleeper")],
        [run_of("spinner", 1), run_of("sleeper", 9)],
    )

    rows = rows_of(text, "Latency, paced: VGA, 1 consumer")
    assert [row[0] for row in rows[2:]] == ["the sleeper", "the spinner"]


def test_torn_frames_are_in_the_table():
    text = page([contender("bad")], [run_of("bad", 1, torn=7), run_of("bad", 1, torn=2)])

    heads, _, row = rows_of(text, "Latency, paced: VGA, 1 consumer")
    assert row[heads.index("torn")] == "9"


def test_who_is_absent_or_failed_is_said_with_the_reason():
    failed = {**run_of("broken", 1), "failed": "exit code 3: it said nothing"}
    del failed["figures"]
    text = page([contender("gone", absent="no wheel for it"), contender("broken")], [failed])

    assert "the gone (python) was not there: no wheel for it" in text
    assert "the broken (python) failed 1 times at VGA, latency, 1: exit code 3" in text
    heads, _, row = rows_of(text, "Latency, paced: VGA, 1 consumer")
    assert row[heads.index("failed")] == "1 of 1"


@pytest.mark.parametrize("busy", [True, False])
def test_busy_machine_is_said(busy):
    text = page([contender("one")], [run_of("one", 1)], busy=busy)

    assert ("The machine was busy" in text) == busy


def test_summary_sets_ours_beside_the_best_that_does_the_same():
    found = compared(
        [
            contender("ours"),
            contender("slow"),
            contender("quick"),
            contender("other-in-place", copies=(0, 0)),
            contender("spinner", waiting="spin"),
            contender("c++ quick", language="c++"),
        ],
        [
            run_of("ours", 20),
            run_of("slow", 100),
            run_of("quick", 50),
            *(run_of(name, 1) for name in ("other-in-place", "spinner", "c++ quick")),
        ],
    )

    (line,) = summary.lines(found)

    assert (line.ours, line.best, line.who) == (20, 50, "the quick")
    assert line.ahead == 2.5
    assert "Ours is first in 1 of 1 lines" in summary.render(found)


def test_summary_says_where_ours_is_not_first():
    found = compared(
        [contender("ours"), contender("quick")], [run_of("ours", 20), run_of("quick", 10)]
    )

    assert "Ours is first in 0 of 1 lines" in summary.render(found)
    assert "**0.50x**" in summary.render(found)


def test_summary_has_the_floor_of_the_same_number_of_copies():
    cpp = {"language": "c++"}
    found = compared(
        [
            contender("c++ ours", **cpp),
            contender("c++ other", **cpp),
            contender("floor memcpy", **cpp),
        ],
        [run_of("c++ ours", 12), run_of("c++ other", 24), run_of("floor memcpy", 10)],
    )

    (line,) = summary.lines(found)

    assert line.of_floor == 1.2


def test_part_of_a_page_is_replaced_and_the_rest_is_left():
    page_with = "a\n<!-- x: written by p -->\nold\n<!-- end x -->\nb\n"

    replaced = with_part(page_with, "x", "p", "new")

    assert replaced == "a\n<!-- x: written by p -->\nnew\n<!-- end x -->\nb\n"
    with pytest.raises(ValueError, match="0 places for 'y'"):
        with_part(page_with, "y", "p", "new")


def test_only_what_is_new_unused_and_of_that_name_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(leftovers, "_SHARED_MEMORY", tmp_path)
    (tmp_path / "old.job").touch()
    before = leftovers.names()
    for name in ("new.job", "used.job", "other"):
        (tmp_path / name).touch()

    with (tmp_path / "used.job").open():
        leftovers.remove(before, ("*.job",))

    assert leftovers.names() == {"old.job", "used.job", "other"}
