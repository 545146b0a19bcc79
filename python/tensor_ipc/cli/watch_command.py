"""``tensor-ipc watch NAME``."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Any, Callable, ContextManager, Dict, Iterator

import click

from tensor_ipc import TensorConsumer
from tensor_ipc.cli import units
from tensor_ipc.cli.options import json_option, pool_argument
from tensor_ipc.cli.output import console, print_json, table
from tensor_ipc.cli.watcher import Watcher

if TYPE_CHECKING:
    from rich.table import Table

_Figures = Dict[str, Any]


@click.command("watch")
@pool_argument
@click.option(
    "--seconds", type=click.FloatRange(min=0), help="End after so long.  [default: never]"
)
@click.option(
    "--interval",
    type=click.FloatRange(min=0.05),
    default=1.0,
    show_default=True,
    help="Seconds between two lines.",
)
@json_option
def command(name: str, *, seconds: float | None, interval: float, as_json: bool) -> None:
    """Show rate, latency and missed frames of the pool NAME, live. End with Ctrl-C.

    Joins the pool as one more consumer that looks at every frame as soon as it is published. With
    --json each line is one object.
    """
    with TensorConsumer.attach(name) as consumer, contextlib.suppress(KeyboardInterrupt):
        watcher = Watcher(name, consumer)
        with _display(as_json=as_json) as show:
            end_s = None if seconds is None else time.monotonic() + seconds
            while end_s is None or time.monotonic() < end_s:
                until_s = time.monotonic() + interval
                show(watcher.watch(until_s if end_s is None else min(until_s, end_s)))


def _display(*, as_json: bool) -> ContextManager[Callable[[_Figures], None]]:
    if as_json:
        return contextlib.nullcontext(lambda figures: print_json(figures, line=True))
    if sys.stdout.isatty():
        return _live()
    return contextlib.nullcontext(lambda figures: click.echo(_line(figures)))


@contextlib.contextmanager
def _live() -> Iterator[Callable[[_Figures], None]]:
    from rich.live import Live  # noqa: PLC0415

    with Live(console=console(), auto_refresh=False) as live:
        yield lambda figures: live.update(_table(figures), refresh=True)


def _table(figures: _Figures) -> Table:
    columns = (">frame", ">rate", ">latency p50", ">p99", ">missed", ">copied", "producer")
    row = (
        figures["latest_frame"],
        units.in_hertz(figures["rate_hz"]),
        units.in_microseconds(figures["latency_p50_us"]),
        units.in_microseconds(figures["latency_p99_us"]),
        figures["missed"],
        units.in_bytes(figures["copied_bytes"]),
        "alive" if figures["connected"] else "gone",
    )
    return table(columns, [row], title=figures["name"])


def _line(figures: _Figures) -> str:
    return (
        f"{figures['name']}: frame {figures['latest_frame']}, "
        f"{units.in_hertz(figures['rate_hz'])}, "
        f"latency p50 {units.in_microseconds(figures['latency_p50_us'])}"
        f" p99 {units.in_microseconds(figures['latency_p99_us'])}, "
        f"missed {figures['missed']}, "
        f"producer {'alive' if figures['connected'] else 'gone'}"
    )
