"""The C++ crash tests beside the run: SIGKILL at named places and at random instants."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from endurance.options import Options

COUNTS = re.compile(
    r"^(?P<where>.+): kills (?P<kills>\d+), torn (?P<torn>\d+), stuck (?P<stuck>\d+), "
    r"leaked (?P<leaked>\d+), lost (?P<lost>\d+)"
)
TIMES = re.compile(r"^(?P<what>.+): (?P<figures>n \d+, p50 .+)$")

#: One round of the named places kills about seventy processes, at most a tenth of what is asked.
KILLS_OF_A_ROUND = 70


class Verdict(NamedTuple):
    """What the crash tests said."""

    counts: dict[str, int]
    times: dict[str, str]
    passed: bool


class Crashes:
    """Starts them at once; `verdict` waits for their end."""

    def __init__(self, options: Options) -> None:
        assert options.crash_tests is not None
        rounds = max(1, options.kills // 10 // KILLS_OF_A_ROUND)
        self._log = options.out / "crash_tests.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(options.crash_tests), "--gtest_brief=1", "--gtest_filter=*Dies*:Random*"],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    "TENSOR_IPC_CRASH_KILLS": str(options.kills - rounds * KILLS_OF_A_ROUND),
                    "TENSOR_IPC_CRASH_ROUNDS": str(rounds),
                    "TENSOR_IPC_CRASH_SEED": str(options.seed),
                },
            )

    def verdict(self) -> Verdict:
        """Wait, and read what they printed."""
        code = self._process.wait()
        return read(self._log.read_text(errors="replace"), code == 0)

    def end(self) -> None:
        """Kill them, if they still run."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def read(log: str, passed: bool) -> Verdict:
    """Add up what they printed."""
    counts = dict.fromkeys(("kills", "torn", "stuck", "leaked", "lost"), 0)
    times = {}
    for line in log.splitlines():
        if found := COUNTS.match(line):
            for name in counts:
                counts[name] += int(found[name])
        elif found := TIMES.match(line):
            times[found["what"]] = found["figures"]
    return Verdict(counts, times, passed)
