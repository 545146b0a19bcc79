"""What a job that was killed leaves in ``/dev/shm``, found and removed."""

from __future__ import annotations

import fnmatch
import os
import shutil
from pathlib import Path

_SHARED_MEMORY = Path("/dev/shm")


def names() -> set[str]:
    """Return what is there now."""
    return {path.name for path in _SHARED_MEMORY.iterdir()}


def remove(before: set[str], patterns: tuple[str, ...]) -> None:
    """Remove what came since `before`, has a name of these, and is used by no process."""
    new = {
        name
        for name in names() - before
        if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
    }
    for name in new - _used() if new else ():
        path = _SHARED_MEMORY / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _used() -> set[str]:
    """Return the names that some process has mapped or open."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            for line in (process / "maps").read_text().splitlines():
                _, slash, name = line.partition(f"{_SHARED_MEMORY}/")
                if slash:
                    found.add(name.split(" ")[0])
            for descriptor in (process / "fd").iterdir():
                target = os.readlink(descriptor)
                if target.startswith(f"{_SHARED_MEMORY}/"):
                    found.add(Path(target).name)
        except OSError:
            continue  # it ended, or is not ours to look at
    return found
