"""``python -m endurance``, from the folder ``tests``. See the package's docstring."""

from __future__ import annotations

import os
import sys

# Before tensor_ipc is imported or anything is forked: apart from all other pools of this machine.
os.environ["TENSOR_IPC_NAMESPACE"] = f"endurance-{os.getpid()}"

from endurance.conductor import Conductor
from endurance.crashes import Crashes
from endurance.options import parse
from endurance.report import keep, show


def main() -> int:
    """Run, report, and say whether all was well: 0, or 1."""
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"endurance: seed {options.seed}, {options.minutes} minutes", flush=True)
    crashes = Crashes(options) if options.kills else None
    try:
        run = Conductor(options)
        run.run()
        verdict = None if crashes is None else crashes.verdict()
    finally:
        if crashes is not None:
            crashes.end()
    keep(run, verdict, options)
    is_well = show(run, verdict, options)
    print(f"endurance: seed {options.seed}: {'all well' if is_well else 'FAILED'}", flush=True)
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
