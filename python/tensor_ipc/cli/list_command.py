"""``tensor-ipc list``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from tensor_ipc import discover, list_pools
from tensor_ipc.cli import units
from tensor_ipc.cli.options import json_option
from tensor_ipc.cli.output import console, print_json, table

if TYPE_CHECKING:
    from tensor_ipc import NetworkPool, PoolInfo

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


_NETWORK_COLUMNS = (
    "pool",
    "host",
    "shape",
    "dtype",
    "device",
    ">history",
    ">frame",
    ">rate",
    "producer",
    "where",
)


@click.command("list")
@click.option("--network", is_flag=True, help="Those of all hosts, as told over DDS.")
@click.option(
    "--domain",
    type=click.IntRange(0, 230),
    help="DDS domain for --network. By default $TENSOR_IPC_DDS_DOMAIN, or 0.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.0),
    default=1.0,
    show_default=True,
    help="How long --network listens.",
)
@json_option
def command(*, network: bool, domain: int | None, seconds: float, as_json: bool) -> None:
    """List the pools on this host, the broken ones too, or those of the network."""
    if network:
        _list_network(discover(seconds, dds_participant=domain), as_json=as_json)
        return
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


def _list_network(pools: list[NetworkPool], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(pool) for pool in pools])
    elif not pools:
        click.echo("no pools")
    else:
        console().print(table(_NETWORK_COLUMNS, [_network_row(pool) for pool in pools]))


def _network_row(pool: NetworkPool) -> list[str]:
    return [
        pool.name,
        pool.host,
        units.shape(pool.metadata.shape),
        pool.metadata.dtype_str,
        pool.metadata.device,
        str(pool.metadata.history_len),
        units.NONE if pool.latest_frame < 0 else str(pool.latest_frame),
        units.in_hertz(pool.rate_hz),
        "alive" if pool.alive else "dead",
        "here" if pool.is_local else "elsewhere",
    ]


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


def memory(pool: PoolInfo) -> str:
    """Say how much memory the pool takes, and where."""
    shared = units.in_bytes(pool.segment_bytes)
    if pool.device_bytes == 0:
        return shared
    return f"{shared} + {units.in_bytes(pool.device_bytes)} GPU"


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
        memory(pool),
    ]
