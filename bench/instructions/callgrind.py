"""Run a program under Callgrind, and read what it counted."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Dict

#: Each path is run so often. One call more or less that is not its own would show.
CALLS = 100

Counts = Dict[str, float]

_NAME = re.compile(r"^desc: Trigger: Client Request: (.+)$", re.MULTILINE)
_TOTAL = re.compile(r"^(?:summary|totals): (\d+)$", re.MULTILINE)


def count(command: list[str], *, options: list[str], environment: dict[str, str]) -> Counts:
    """Return instructions per call, by the name under which the program wrote them down.

    The program sees nothing of our environment: where things lie on its stack, and what Python
    reads at its start, is the same each time.

    Raises
    ------
    RuntimeError
        The program failed, or wrote nothing down.
    """
    with tempfile.TemporaryDirectory() as folder:
        finished = subprocess.run(
            [
                "valgrind",
                "--tool=callgrind",
                "--instr-atstart=no",
                f"--callgrind-out-file={folder}/out",
                *options,
                *command,
            ],
            env={"PATH": os.environ["PATH"], **environment},
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        found = {}
        for path in Path(folder).iterdir():
            found.update(parse(path.read_text()))
    if finished.returncode != 0 or not found:
        msg = f"{' '.join(command)} under Callgrind: exit {finished.returncode}, {len(found)} counts\n"
        raise RuntimeError(msg + finished.stdout)
    return found


def parse(dump: str) -> Counts:
    """Return what one file of Callgrind's says: instructions per call, or nothing."""
    name, total = _NAME.search(dump), _TOTAL.search(dump)
    return {name[1]: int(total[1]) / CALLS} if name and total else {}


def per_path(of_python: Counts) -> Counts:
    """Take the loop off the counts of python_paths.py, and off a pair what is counted alone."""
    loop = of_python["nothing"]
    paths = {
        name: of_python[name] - loop
        for name in ("put", "loan", "get of the same frame", "get(5)", "put and get")
    }
    paths["put with a sleeper to wake"] = (
        of_python["falling asleep and put"] - of_python["falling asleep"]
    )
    return paths
