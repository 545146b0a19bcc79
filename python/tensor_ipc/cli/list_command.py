"""``tensor-ipc list``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from tensor_ipc import list_pools
from tensor_ipc.cli import units
from tensor_ipc.cli.options import json_option
from tensor_ipc.cli.output import console, print_json, table

if TYPE_CHECKING:
    from tensor_ipc import PoolInfo

_COLUMNS = (
    "pool",
    "shape",
    "dtype",
    "device",
    ">history",
    ">frame",
    ">rate",
    ">consumers",
    "producer",
    ">memory",
)


@click.command("list")
@json_option
def command(*, as_json: bool) -> None:
    """List the pools on this host, the broken ones too."""
    pools = list_pools()
    if as_json:
        print_json([document(pool) for pool in pools])
    elif not pools:
        click.echo("no pools")
    else:
        console().print(table(_COLUMNS, [_row(pool) for pool in pools]))
        for pool in pools:
            if pool.error:
                click.echo(f"{pool.name}: {pool.error}")


def document(pool: PoolInfo) -> dict[str, Any]:
    """Return all that is known about the pool, as JSON knows it."""
    consumers = [
        {"consumer_id": each.consumer_id, "pid": each.pid, "pinned_slots": each.pinned_slots}
        for each in pool.consumers
    ]
    return {**asdict(pool), "consumers": consumers}


def producer_state(pool: PoolInfo) -> str:
    """Say in a word what became of the pool's producer."""
    if pool.error:
        return "broken"
    if pool.closed:
        return "closed"
    return "alive" if pool.producer_alive else "dead"


def _row(pool: PoolInfo) -> list[str]:
    if pool.error:
        nothing = [units.NONE] * (len(_COLUMNS) - 3)
        return [pool.name, *nothing, producer_state(pool), units.in_bytes(pool.segment_bytes)]
    return [
        pool.name,
        units.shape(pool.shape, varying=pool.varying_extent),
        pool.dtype_str,
        pool.device,
        str(pool.history_len),
        units.NONE if pool.latest_frame < 0 else str(pool.latest_frame),
        units.in_hertz(pool.rate_hz),
        str(len(pool.consumers)),
        producer_state(pool),
        units.in_bytes(pool.segment_bytes),
    ]
