"""What can be chosen for a run."""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import NamedTuple

SABOTAGES = ("torn", "stuck", "leaked", "lost")


class Options(NamedTuple):
    """See `parse` for what each means."""

    minutes: float
    seed: int
    kills: int
    out: Path
    hang_s: float
    sabotage: str | None
    crash_tests: Path | None

    @property
    def seconds(self) -> float:
        """How long the run takes, without its beginning and end."""
        return self.minutes * 60


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/endurance", description=__doc__)
    add = parser.add_argument
    add("--minutes", type=float, required=True, help="how long")
    add("--seed", type=int, help="repeat the decisions of another run")
    add("--kills", type=int, default=0, help="SIGKILLs of the C++ crash tests beside it")
    add("--out", type=Path, default=Path("endurance-report"), help="for the plot and figures")
    add("--hang-s", type=float, default=120.0, help="how long without progress is stuck")
    add("--sabotage", choices=SABOTAGES, help="make one worker misbehave: the run has to fail")
    add("--crash-tests", type=Path, help="the built crash tests; scripts/endurance gives it")
    chosen = parser.parse_args(arguments)
    if chosen.kills and chosen.crash_tests is None:
        parser.error("--kills needs --crash-tests")
    seed = random.SystemRandom().randrange(2**32) if chosen.seed is None else chosen.seed
    return Options(
        chosen.minutes,
        seed,
        chosen.kills,
        chosen.out,
        chosen.hang_s,
        chosen.sabotage,
        chosen.crash_tests,
    )
