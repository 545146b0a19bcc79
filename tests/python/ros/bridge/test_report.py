"""What a bridge reports of its links."""

from __future__ import annotations

from tensor_ipc.rosext.bridge.report import Reporter
from tensor_ipc.rosext.topic_reader import ReaderStats


class Link:
    name = "/t -> pool p"
    last_error = ""
    stats = ReaderStats(0, 0, 0, 0, 0, 0)


def test_rates_are_of_the_time_since_the_last_report() -> None:
    now_s = [10.0]
    link = Link()
    reporter = Reporter([link], lambda: now_s[0])

    link.stats = ReaderStats(60, 50, 0, 0, 10, 0)
    now_s[0] = 12.0
    (first,) = reporter.report()
    link.stats = ReaderStats(70, 60, 0, 0, 10, 0)
    now_s[0] = 13.0
    (second,) = reporter.report()

    assert first.rate_hz == 25.0
    assert second.rate_hz == 10.0
    assert second.line() == "/t -> pool p: 10.0 Hz; messages 70, frames 60, limited 10"


def test_trouble_is_told_while_it_is_new() -> None:
    link = Link()
    reporter = Reporter([link], iter(range(9)).__next__)

    link.stats = ReaderStats(2, 0, 2, 0, 0, 0)
    link.last_error = "unknown encoding"
    (first,) = reporter.report()
    (second,) = reporter.report()

    assert first.new_trouble == 2
    assert first.line().endswith("; last error: unknown encoding")
    assert second.new_trouble == 0
    assert "last error" not in second.line()


def test_nothing_yet_is_said_as_such() -> None:
    (report,) = Reporter([Link()]).report()

    assert report.line() == "/t -> pool p: 0.0 Hz; nothing yet"
