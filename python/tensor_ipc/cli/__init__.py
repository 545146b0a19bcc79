"""The ``tensor-ipc`` command. Each subcommand is a module of its own name.

Exit codes: 0 fine; 1 refused, not found or failed, with the typed error on stderr; 2 wrong usage.
"""

from __future__ import annotations

from tensor_ipc.cli.main import main

__all__ = ["main"]
