"""``tensor-ipc mirror``."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import time
from typing import Any, Callable, ContextManager

import click

from tensor_ipc import Mirror, MirrorServer, mirror, serve
from tensor_ipc.cli import units
from tensor_ipc.cli.options import json_option
from tensor_ipc.cli.output import print_json


@click.command("mirror")
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option(
    "--serve", "serving", is_flag=True, help="Send these pools to those who mirror them."
)
@click.option(
    "--all", "all_pools", is_flag=True, help="With --serve: all pools, also new ones."
)
@click.option("--from", "from_host", metavar="HOST", help="Machine that is to send, or 'any'.")
@click.option("--as", "local_name", metavar="NAME", help="Name of the pool here.")
@click.option("--domain", type=int, help="DDS domain.")
@click.option("--interface", metavar="IF", help="Network interface.  [default: this host only]")
@click.option("--peer", "peers", metavar="ADDR", multiple=True, help="Where multicast is not.")
@click.option(
    "--reliable/--best-effort", default=True, show_default=True, help="Send again what is lost."
)
@click.option("--rate", type=click.FloatRange(min=0), default=0.0, help="Most frames a second.")
@click.option(
    "--bandwidth", type=click.IntRange(min=0), default=0, help="Most payload bytes a second."
)
@click.option(
    "--piece-bytes",
    type=click.IntRange(1024, 57344),
    default=57344,
    help="Bytes of one sample.",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    default=2 << 30,
    help="Largest pool to make here.",
)
@click.option("--seconds", type=click.FloatRange(min=0), help="End after so long.")
@click.option("--interval", type=click.FloatRange(min=0.05), default=1.0, help="Between lines.")
@json_option
def command(
    names: tuple[str, ...],
    *,
    serving: bool,
    all_pools: bool,
    from_host: str | None,
    local_name: str | None,
    domain: int | None,
    interface: str | None,
    peers: tuple[str, ...],
    seconds: float | None,
    interval: float,
    as_json: bool,
    **wishes: Any,
) -> None:
    """Make the pool NAME of another machine again on this one, or serve pools to such mirrors.

    On the machine that has the pool: tensor-ipc mirror --serve NAME... (or --all). On the one that
    wants it: tensor-ipc mirror NAME --from HOST. Both need the same --domain, and an --interface
    that leads to the other. Ends with Ctrl-C. DDS is not authenticated: whoever reaches the domain
    can read what is served.
    """
    network = {"domain": domain, "interface": interface, "peers": peers}
    if serving:
        if from_host or local_name:
            msg = "--serve goes with neither --from nor --as"
            raise click.UsageError(msg)
        if not names and not all_pools:
            msg = "name the pools to serve, or say --all"
            raise click.UsageError(msg)
        server = serve(*names, all_pools=all_pools, **network)  # type: ignore[arg-type]
        _run(server, lambda: _served(server), _served_lines, seconds, interval, as_json=as_json)
        return
    if len(names) != 1 or from_host is None or all_pools:
        msg = "name one pool and the machine that has it: NAME --from HOST (or --from any)"
        raise click.UsageError(msg)
    here = mirror(
        names[0],
        from_host,
        local_name=local_name,
        reliable=wishes["reliable"],
        max_rate_hz=wishes["rate"],
        max_bytes_per_s=wishes["bandwidth"],
        piece_bytes=wishes["piece_bytes"],
        max_pool_bytes=wishes["max_bytes"],
        **network,  # type: ignore[arg-type]
    )
    _run(here, lambda: _mirrored(here), _mirrored_lines, seconds, interval, as_json=as_json)


def _run(
    end: ContextManager[object],
    facts: Callable[[], dict[str, Any]],
    lines: Callable[[dict[str, Any]], list[str]],
    seconds: float | None,
    interval: float,
    *,
    as_json: bool,
) -> None:
    """Print the facts again and again, until it is time, or Ctrl-C or SIGTERM comes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    end_s = None if seconds is None else time.monotonic() + seconds
    with end, contextlib.suppress(KeyboardInterrupt):
        while end_s is None or time.monotonic() < end_s:
            left_s = interval if end_s is None else max(0.0, end_s - time.monotonic())
            time.sleep(min(interval, left_s))
            if as_json:
                print_json(facts(), line=True)
            else:
                for line in lines(facts()):
                    click.echo(line)


def _served(server: MirrorServer) -> dict[str, Any]:
    return {"pools": server.pools, "mirrors": [each._asdict() for each in server.mirrors]}


def _served_lines(facts: dict[str, Any]) -> list[str]:
    return [
        f"{each['pool_name']} to {each['host']} (user {each['uid']}, process {each['pid']}): "
        f"{each['frames']} frames, {units.in_bytes(each['bytes'])}"
        for each in facts["mirrors"]
    ] or [f"nobody mirrors {', '.join(facts['pools']) or 'anything'}"]


def _mirrored(here: Mirror) -> dict[str, Any]:
    facts = dataclasses.asdict(here.status)
    source = here.status.source
    facts["source"] = None if source is None else source._asdict()
    return {"pool": here.local_name, **facts}


def _mirrored_lines(facts: dict[str, Any]) -> list[str]:
    source = facts["source"]
    if source is None:
        return [f"nobody serves {facts['pool']}"]
    text = (
        f"{facts['pool']} from {source['host']} (user {source['uid']}): "
        f"frame {facts['latest_frame']}, {facts['received']} received, {facts['lost']} lost, "
        f"{facts['missed']} missed, {units.in_bytes(facts['received_bytes'])}"
    )
    return [text] + ([facts["problem"]] if facts["problem"] else [])
