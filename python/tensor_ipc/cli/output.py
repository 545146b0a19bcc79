"""Printing: JSON for programs, tables through rich for people.

rich is imported when a table is printed and not before: completion and ``--json`` are fast.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Sequence

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

#: A pipe has no width. Cells must not be cut for want of one.
_WIDTH_WITHOUT_TERMINAL = 200


def print_json(document: object, *, line: bool = False) -> None:
    """Print `document`, on one line if it is one of a stream."""
    click.echo(json.dumps(document, indent=None if line else 2))


def console() -> Console:
    """Return a console on stdout."""
    from rich.console import Console  # noqa: PLC0415

    return Console() if sys.stdout.isatty() else Console(width=_WIDTH_WITHOUT_TERMINAL)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> Table:
    """Return a table whose cells are taken literally, markup or not. `>` aligns to the right."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    result = Table(box=SIMPLE_HEAD, title=Text(title) if title else None, title_justify="left")
    for column in columns:
        if column.startswith(">"):
            result.add_column(Text(column[1:]), justify="right")
        else:
            result.add_column(Text(column))
    for row in rows:
        result.add_row(*(Text(str(cell)) for cell in row))
    return result
