"""``python -m tensor_ipc.cli``: the same as ``tensor-ipc``."""

from __future__ import annotations

from tensor_ipc.cli.main import main

if __name__ == "__main__":
    main(prog_name="tensor-ipc")
