"""The group that all commands hang in, and what it makes of their errors."""

from __future__ import annotations

import importlib
from typing import Any

import click

from tensor_ipc import TensorIpcError, __version__

_COMMANDS = (
    "list",
    "info",
    "watch",
    "clean",
    "mirror",
    "ros-bridge",
    "demo",
    "bench",
    "completion",
)


class _Commands(click.Group):
    """Imports a command when it is asked for, and turns refusals into exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"tensor_ipc.cli.{cmd_name.replace('-', '_')}_command")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TensorIpcError as error:
            click.echo(f"{type(error).__name__}: {error}", err=True)
            ctx.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tensor-ipc")
def main() -> None:
    """Look at, watch, measure and tidy up tensor-ipc pools on this host.

    Exit codes: 0 fine; 1 refused, not found or failed (the error is on stderr); 2 wrong usage.
    """
