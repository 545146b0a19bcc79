"""What a process has in memory."""

from __future__ import annotations

import re
from pathlib import Path


def proportional_bytes(process: int | str = "self") -> int:
    """Return a process's own pages and its share of those it shares, as the kernel counts them."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
