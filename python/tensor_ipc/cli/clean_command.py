"""``tensor-ipc clean``."""

from __future__ import annotations

import click

from tensor_ipc import clean
from tensor_ipc.cli import units
from tensor_ipc.cli.options import json_option
from tensor_ipc.cli.output import print_json


@click.command("clean")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@json_option
def command(*, dry_run: bool, as_json: bool) -> None:
    """Remove what dead producers left behind, and nothing else."""
    cleaned = clean(dry_run=dry_run)
    if as_json:
        print_json(
            [
                {"name": pool.name, "bytes": pool.bytes, "reason": pool.reason}
                for pool in cleaned
            ]
        )
        return
    verb = "would remove" if dry_run else "removed"
    for pool in cleaned:
        click.echo(f"{verb} {pool.name} ({units.in_bytes(pool.bytes)}): {pool.reason}")
    if not cleaned:
        click.echo("nothing to clean")
