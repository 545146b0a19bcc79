"""``tensor-ipc info NAME``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from tensor_ipc import inspect
from tensor_ipc.cli import units
from tensor_ipc.cli.list_command import document, memory, producer_state
from tensor_ipc.cli.options import json_option, pool_argument
from tensor_ipc.cli.output import console, print_json, table

if TYPE_CHECKING:
    from tensor_ipc import PoolInfo


@click.command("info")
@pool_argument
@json_option
def command(name: str, *, as_json: bool) -> None:
    """Show all there is to know about the pool NAME, without joining it."""
    pool = inspect(name)
    if as_json:
        print_json(document(pool))
        return
    to = console()
    to.print(table(("", pool.name), _facts(pool)))
    if pool.consumers:
        rows = [(each.consumer_id, each.pid, each.pinned_slots) for each in pool.consumers]
        to.print(table((">consumer", ">pid", ">pinned slots"), rows))


def _facts(pool: PoolInfo) -> list[tuple[str, str]]:
    shape = units.shape(pool.shape, varying=pool.varying_extent)
    return [
        ("frame", f"{shape} {pool.dtype_str} ({pool.backend_type})"),
        ("frame size", f"{units.in_bytes(pool.frame_bytes)} on {pool.device}"),
        ("latest frame", _latest(pool)),
        ("rate", units.in_hertz(pool.rate_hz)),
        ("history", f"{pool.history_len} frames in {pool.slot_count} slots"),
        ("memory", memory(pool)),
        ("producer", f"{producer_state(pool)}, pid {pool.producer_pid}"),
        ("generation", str(pool.generation)),
        ("skipped slots", str(pool.skipped_slots)),
        ("layout version", str(pool.layout_version)),
        ("consumers", str(len(pool.consumers))),
    ]


def _latest(pool: PoolInfo) -> str:
    if pool.latest_frame < 0:
        return "none yet"
    age_us = (time.monotonic_ns() - pool.last_published_ns) / 1e3
    return f"{pool.latest_frame}, {units.in_microseconds(age_us)} ago"
