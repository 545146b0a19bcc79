"""The stored counts, and how those of now compare with them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict

#: What a compiler's patch release or a differently aligned copy may change.
TOLERANCE = 0.05

FILE = Path(__file__).with_name("stored.json")

#: What the counts hold for: compiler, versions of Python, NumPy and nanobind.
Environment = Dict[str, str]


@dataclass(frozen=True)
class Difference:
    """One path that costs more or less than stored."""

    path: str
    stored: float
    found: float

    def __str__(self) -> str:
        """Return both counts and the change, for who has to decide."""
        change = f"{self.found / self.stored - 1:+.1%}" if self.stored else "new"
        return f"{self.path}: {self.stored:.0f} stored, {self.found:.0f} now ({change})"


def load(file: Path = FILE) -> list[dict[str, Any]]:
    """Return all entries: one for each face and environment."""
    entries: list[dict[str, Any]] = json.loads(file.read_text()) if file.exists() else []
    return entries


def find(
    entries: list[dict[str, Any]], face: str, environment: Environment
) -> dict[str, float] | None:
    """Return the counts of `face` ("core" or "python") that hold for `environment`."""
    for entry in entries:
        if entry["face"] == face and entry["holds_for"] == environment:
            counts: dict[str, float] = entry["instructions"]
            return counts
    return None


def differences(stored: dict[str, float], found: dict[str, float]) -> list[Difference]:
    """Return the paths that are out of tolerance, and those that only one side has."""
    return [
        Difference(path, stored.get(path, 0.0), found.get(path, 0.0))
        for path in sorted(set(stored) | set(found))
        if path not in stored
        or path not in found
        or abs(found[path] - stored[path]) > TOLERANCE * stored[path]
    ]


def update(
    face: str, environment: Environment, found: dict[str, float], why: str, file: Path = FILE
) -> None:
    """Put `found` in the place of what was stored for that face and environment."""
    entry = {
        "face": face,
        "holds_for": environment,
        "why": why,
        "instructions": {path: round(count) for path, count in found.items()},
    }
    others = [
        old for old in load(file) if (old["face"], old["holds_for"]) != (face, environment)
    ]
    entries = sorted(
        [*others, entry], key=lambda one: (one["face"], sorted(one["holds_for"].items()))
    )
    file.write_text(json.dumps(entries, indent=1) + "\n")
