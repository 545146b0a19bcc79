"""Count the instructions of put, get, get(5) and wake, and compare them with those stored.

    scripts/instructions                 build, count, compare
    scripts/instructions --require       the same; no stored counts for these versions is a failure
    scripts/instructions --update WHY    store the counts of now, and why they changed

Not a timed test: the counts are the same on a busy machine and an idle one. Exit code 1 when a
count is off by more than 5 %, in either direction; what became cheaper is worth storing, too.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys

from bench.instructions import stored
from bench.instructions.build import NANOBIND, Built, build
from bench.instructions.callgrind import CALLS, Counts, count, per_path


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/instructions",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--update", metavar="WHY", help="store the counts of now")
    parser.add_argument("--require", action="store_true", help="never skip")
    arguments = parser.parse_args()
    if arguments.update is not None and not arguments.update.strip():
        parser.error("--update needs the reason for the change")
    built = build()
    failed = False
    for face, (environment, found) in _count(built).items():
        if arguments.update:
            stored.update(face, environment, found, arguments.update)
            print(f"{face}: stored {len(found)} counts")
        else:
            failed |= _compare(face, environment, found, require=arguments.require)
    return int(failed)


def _count(built: Built) -> dict[str, tuple[stored.Environment, Counts]]:
    core = count(
        [str(built.core_paths), str(CALLS)],
        options=["--collect-atstart=no"],
        environment={"TENSOR_IPC_NAMESPACE": "instructions"},
    )
    python = count(
        [
            str(built.python),
            str(stored.FILE.with_name("python_paths.py")),
            str(built.marks),
            str(CALLS),
        ],
        options=[],
        environment={
            "PYTHONPATH": str(built.packages),
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "TENSOR_IPC_NAMESPACE": "instructions",
        },
    )
    compiler = {"compiler": _compiler(), "processor": platform.machine()}
    numpy = subprocess.run(
        [str(built.python), "-c", "import numpy; print(numpy.__version__)"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.strip()
    versions = {"python": platform.python_version(), "numpy": numpy, "nanobind": NANOBIND}
    return {
        "core": (compiler, core),
        "python": ({**compiler, **versions}, per_path(python)),
    }


def _compiler() -> str:
    """Return name and major version: what CMake took, unless CXX says otherwise."""
    first = subprocess.run(
        [os.environ.get("CXX", "c++"), "--version"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.splitlines()[0]
    name = "clang" if "clang" in first else "gcc"
    version = re.search(r"(\d+)\.\d+\.\d+", first)
    return f"{name} {version[1] if version else first}"


def _compare(
    face: str, environment: stored.Environment, found: Counts, *, require: bool
) -> bool:
    """Print what was found; return whether that is a failure."""
    expected = stored.find(stored.load(), face, environment)
    versions = ", ".join(f"{name} {version}" for name, version in environment.items())
    print(f"{face} ({versions})")
    for path, instructions in found.items():
        print(f"  {instructions:8.0f}  {path}")
    if expected is None:
        held = [entry["holds_for"] for entry in stored.load() if entry["face"] == face]
        print(f"  {'failed' if require else 'skipped'}: counts are stored for {held} only")
        return require
    off = stored.differences(expected, found)
    for difference in off:
        print(f"  off by more than {stored.TOLERANCE:.0%}: {difference}")
    if off:
        print('  If that is meant: scripts/instructions --update "why"')
    return bool(off)


if __name__ == "__main__":
    sys.exit(main())
