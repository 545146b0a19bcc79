"""Check that the models hold, and that every mutant of them is found out.

    python3 tests/model/run_models.py                 both kinds, in the bounds of CI
    python3 tests/model/run_models.py spin|code       one kind
    python3 tests/model/run_models.py --deep          larger bounds for the sound ones (minutes)
    python3 tests/model/run_models.py --only WORDS    mutants whose name has these words

`spin` models are Promela (*.pml) for SPIN; a mutant is a -D. `code` is the real ring/ and notify/
under the explorer (explorer.hpp); a mutant is a change of the text of a copy of the sources
(code_mutants.py). Prints a table. Ends with 1 when a sound model breaks a property, or a mutant
none.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import code_mutants
import spin_models

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
COMPILER = os.environ.get("CXX", "c++")
C_COMPILER = os.environ.get("CC", "cc")

# Sources of the explorer, with the headers of ours that each one reads.
MODEL_SOURCES = {
    "tests/model/ring_model.cpp": (),
    "tests/model/explorer.cpp": (),
    "tests/model/memory.cpp": (),
    "tests/model/pool_model.cpp": (code_mutants.MEMORY,),
    "tests/model/frames_model.cpp": (code_mutants.MEMORY,),
    "tests/model/wake_model.cpp": (code_mutants.MEMORY, code_mutants.WAKE),
    code_mutants.READER: (code_mutants.MEMORY,),
    code_mutants.WRITER: (code_mutants.MEMORY,),
}

# A mutant that is not found out in so many states has survived.
MUTANT_STATES = 4_000_000


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    kind: str
    name: str
    is_mutant: bool
    found: str  # the broken property; empty when none was
    states: str
    seconds: float

    @property
    def is_as_expected(self) -> bool:
        return bool(self.found) == self.is_mutant


def run(command: list[str], folder: Path) -> str:
    """Run `command`, which may fail only by saying so in what it prints."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def build(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        msg = f"{' '.join(command)}\n{done.stderr}"
        raise RuntimeError(msg)


class CodeModels:
    """The real code: sound objects once, and for each mutant those that it changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sound = self.copy("sound")
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda source: self.compile(self.sound, source), MODEL_SOURCES))

    def copy(self, name: str) -> Path:
        tree = self.folder / name
        shutil.copytree(ROOT / "src", tree / "src")
        shutil.copytree(ROOT / "tests/model", tree / "tests/model")
        return tree

    @staticmethod
    def compile(tree: Path, source: str) -> None:
        flags = [
            "-std=c++20",
            "-O1",
            "-w",
            "-Isrc",
            "-include",
            "tests/model/scripted_atomic.hpp",
        ]
        build([COMPILER, *flags, "-c", source, "-o", f"{Path(source).stem}.o"], tree)

    @staticmethod
    def explore(
        objects: list[Path], scenario: str, tree: Path, states: int = 0
    ) -> tuple[str, str]:
        """Return the broken property, and how many states were seen."""
        build([COMPILER, *map(str, objects), "-o", "ring_model"], tree)
        text = run(["./ring_model", *scenario.split(), "--states", str(states)], tree)
        seen = next((word for line in text.splitlines() for word in line.split()[:1]), "none")
        for line in text.splitlines():
            if line.startswith("BROKEN: "):
                return line[len("BROKEN: ") :], seen
        if states == 0 and "no property was broken" not in text:
            msg = f"{scenario}: {text}"
            raise RuntimeError(msg)
        return "", seen

    def run_sound(self, name: str, scenario: str) -> Row:
        start = time.monotonic()
        tree = self.folder / name
        tree.mkdir()
        objects = [self.sound / f"{Path(source).stem}.o" for source in MODEL_SOURCES]
        found, states = self.explore(objects, scenario, tree)
        return Row("code", scenario, False, found, states, time.monotonic() - start)

    def run_mutant(self, name: str, mutant: code_mutants.Mutant) -> Row:
        start = time.monotonic()
        tree = self.copy(name)
        path = tree / mutant.file
        text = path.read_text()
        if text.count(mutant.old) != 1:
            msg = f"mutant '{mutant.name}' does not fit {mutant.file} any more"
            raise RuntimeError(msg)
        path.write_text(text.replace(mutant.old, mutant.new))
        objects = []
        for source, headers in MODEL_SOURCES.items():
            is_changed = mutant.file == source or mutant.file in headers
            if is_changed:
                self.compile(tree, source)
            objects.append((tree if is_changed else self.sound) / f"{Path(source).stem}.o")
        found, states = self.explore(objects, mutant.scenario, tree, MUTANT_STATES)
        shutil.rmtree(tree)
        return Row("code", mutant.name, True, found, states, time.monotonic() - start)


def run_spin(folder: Path, name: str, model: spin_models.Model) -> Row:
    """Let SPIN verify one model with its defines."""
    start = time.monotonic()
    tree = folder / name
    tree.mkdir()
    defines = [f"-D{define}" for define in model.defines]
    source = str(ROOT / "tests/model" / model.file)
    build(["spin", "-a", *defines, source], tree)
    # A mutant is found out long before an optimiser would have paid for itself.
    level = "-O0" if model.is_mutant else "-O1"
    build([C_COMPILER, level, "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c"], tree)
    text = run(["./pan", "-m1000000", "-w22"], tree)
    states = next(
        (line.split()[0] for line in text.splitlines() if "states, stored" in line), "?"
    )
    is_over = "errors: 0" in text or "errors: 1" in text
    if not is_over or "max search depth too small" in text:
        msg = f"{model.name}: {text}"
        raise RuntimeError(msg)
    found = ""
    for line in text.splitlines():
        if line.startswith("pan:1: "):
            found = next(
                (p for part, p in spin_models.PROPERTIES.items() if part in line), line
            )
    return Row("spin", model.name, model.is_mutant, found, states, time.monotonic() - start)


def jobs(options: argparse.Namespace, folder: Path) -> list[Callable[[], Row]]:
    """Return what there is to do."""
    wanted: list[Callable[[], Row]] = []
    words = options.only

    def is_chosen(name: str) -> bool:
        return not words or all(word in name for word in words)

    if options.kind in ("spin", "all"):
        models = spin_models.DEEP if options.deep else spin_models.QUICK
        for i, model in enumerate([*models, *spin_models.MUTANTS]):
            if is_chosen(model.name):
                wanted.append(partial(run_spin, folder, f"spin{i}", model))
    if options.kind in ("code", "all"):
        code = CodeModels(folder)
        for i, scenario in enumerate(code_mutants.DEEP if options.deep else code_mutants.QUICK):
            if is_chosen(scenario):
                wanted.append(partial(code.run_sound, f"run{i}", scenario))
        for i, mutant in enumerate(code_mutants.MUTANTS):
            if is_chosen(mutant.name):
                wanted.append(partial(code.run_mutant, f"mutant{i}", mutant))
    return wanted


def print_head() -> None:
    print("| kind | model or mutant | broken property | states | s |")
    print("| --- | --- | --- | ---: | ---: |")


def print_row(row: Row) -> None:
    found = row.found or ("SURVIVED" if row.is_mutant else "none")
    if row.found and not row.is_mutant:
        found = f"UNSOUND: {row.found}"
    name = row.name if row.is_mutant else f"**sound** {row.name}"
    print(f"| {row.kind} | {name} | {found} | {row.states} | {row.seconds:.1f} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("kind", nargs="?", default="all", choices=["spin", "code", "all"])
    parser.add_argument("--deep", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="tensor-ipc-model-") as folder, ThreadPoolExecutor(
        os.cpu_count()
    ) as pool:
        work = jobs(options, Path(folder))
        print_head()
        for row in pool.map(lambda job: job(), work):
            print_row(row)
            rows.append(row)
    wrong = [row for row in rows if not row.is_as_expected]
    print(f"\n{len(rows)} runs, {len(wrong)} not as expected")
    return 1 if wrong or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
