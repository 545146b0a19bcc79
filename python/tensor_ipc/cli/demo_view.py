"""The demo's figures on the terminal: a live table, or plain lines where there is none."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Any, Callable, Iterator

import click

from tensor_ipc.cli import units
from tensor_ipc.cli.output import console, table
from tensor_ipc.demo.options import HISTORY_LEN

if TYPE_CHECKING:
    from rich.table import Table

    from tensor_ipc.demo.messages import Received
    from tensor_ipc.demo.summary import DemoSummary

_COLUMNS = (
    "process",
    ">frames",
    ">frames/s",
    ">latency p50",
    ">p99",
    ">bytes copied",
    ">missed",
    ">verified",
    ">checksum failures",
)

_LINE_EVERY_S = 1.0


@contextlib.contextmanager
def progress() -> Iterator[Callable[[DemoSummary], None]]:
    """Give a function that shows the figures of a running demo."""
    if sys.stdout.isatty():
        from rich.live import Live  # noqa: PLC0415

        with Live(console=console(), auto_refresh=False, transient=True) as live:
            yield lambda summary: live.update(_table(summary), refresh=True)
    else:
        yield _Lines().show


def print_summary(summary: DemoSummary) -> None:
    """Print the outcome of a demo that has ended."""
    to = console()
    to.print(_table(summary))
    picture = f"{summary.width}x{summary.height} RGB from {summary.source}"
    click.echo(
        f"{summary.published.frames} frames of {picture}, "
        f"{units.in_bytes(summary.frame_bytes)} each, checked over every byte"
    )
    click.echo(f"bytes copied on the way to the consumers: {summary.copied_bytes}")
    if summary.picture:
        click.echo(f"the last frames as received: {summary.picture}")
    click.echo(_verdict(summary))


def _verdict(summary: DemoSummary) -> str:
    if summary.ok:
        return "OK: every frame received was whole"
    if summary.checksum_failures:
        return f"FAILED: {summary.checksum_failures} checks found a frame that was not whole"
    return "FAILED: a consumer received nothing"


class _Lines:
    """One line a second."""

    def __init__(self) -> None:
        self._next_s = 0.0

    def show(self, summary: DemoSummary) -> None:
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + _LINE_EVERY_S
        published = summary.published
        click.echo(
            f"published {published.frames} "
            f"({units.in_hertz(published.rate_hz)}); "
            f"newest: {_short(summary.newest)}; history: {_short(summary.history)}"
        )


def _short(received: Received) -> str:
    return (
        f"{received.frames} received, {received.missed} missed, "
        f"{received.failures} failures, p50 {units.in_microseconds(received.latency_p50_us)}"
    )


def _table(summary: DemoSummary) -> Table:
    published = summary.published
    rows: list[tuple[Any, ...]] = [
        (
            "producer",
            published.frames,
            f"{published.rate_hz:.1f}",
            units.NONE,
            units.NONE,
            "in place",
            units.NONE,
            units.NONE,
            units.NONE,
        ),
        _row("consumer, newest frame", summary.newest),
        _row(f"consumer, last {HISTORY_LEN} frames", summary.history),
    ]
    return table(_COLUMNS, rows, title=f"pool {summary.pool}")


def _row(name: str, received: Received) -> tuple[Any, ...]:
    return (
        name,
        received.frames,
        f"{received.rate_hz:.1f}",
        units.in_microseconds(received.latency_p50_us),
        units.in_microseconds(received.latency_p99_us),
        received.copied_bytes,
        received.missed,
        received.verified,
        received.failures,
    )
