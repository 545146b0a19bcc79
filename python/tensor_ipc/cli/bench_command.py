"""``tensor-ipc bench``."""

from __future__ import annotations

from typing import Any

import click

from tensor_ipc.cli import units
from tensor_ipc.cli.measure.gets import measure_get
from tensor_ipc.cli.measure.puts import SIZES, measure_put
from tensor_ipc.cli.measure.wakes import measure_wake
from tensor_ipc.cli.options import json_option
from tensor_ipc.cli.output import console, print_json, table


@click.command("bench")
@json_option
def command(*, as_json: bool) -> None:
    """Measure put, get and wake-up on this machine, in fresh processes.

    Takes some seconds. Other load on the machine shows in the figures.
    """
    figures = {
        "put": [measure_put(frame_bytes) for frame_bytes in SIZES],
        "get": measure_get(),
        "wake": measure_wake(),
    }
    if as_json:
        print_json(figures)
    else:
        _show(figures)


def _show(figures: dict[str, Any]) -> None:
    to = console()
    rows = [
        (
            units.in_bytes(put["frame_bytes"]),
            units.in_microseconds(put["put_us"]),
            units.in_microseconds(put["memcpy_us"]),
            f"{put['put_gb_s']:.2f} GB/s",
            f"{put['memcpy_gb_s']:.2f} GB/s",
        )
        for put in figures["put"]
    ]
    columns = (">frame", ">put()", ">memcpy", ">put() throughput", ">memcpy throughput")
    to.print(table(columns, rows))
    get, wake = figures["get"], figures["wake"]
    times = [
        ("get() of the newest 1080p frame, median", units.in_microseconds(get["get_us"])),
        ("get(5), median", units.in_microseconds(get["get_5_us"])),
        ("put() to a sleeping consumer, p50", units.in_microseconds(wake["p50_us"])),
        ("put() to a sleeping consumer, p99", units.in_microseconds(wake["p99_us"])),
    ]
    to.print(table(("call", ">time"), times))
