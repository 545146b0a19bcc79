"""Options and arguments that several commands have."""

from __future__ import annotations

from typing import Any, Callable, TypeVar

import click

from tensor_ipc import list_pools

_Command = TypeVar("_Command", bound=Callable[..., Any])


def json_option(command: _Command) -> _Command:
    """``--json``, passed as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")(
        command
    )


def pool_argument(command: _Command) -> _Command:
    """``NAME`` of a pool, passed as ``name``. The shell completes it."""
    return click.argument("name", shell_complete=_complete_pool)(command)


def _complete_pool(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    return [pool.name for pool in list_pools() if pool.name.startswith(incomplete)]
