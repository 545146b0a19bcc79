"""Measure how cost grows: ``scripts/bench-scale``, or ``python -m bench.scale --out FILE``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bench.report.facts import machine_facts
from bench.scale import series

_SERIES = {
    "consumers": series.by_consumers,
    "history": series.by_history,
    "frame_bytes": series.by_frame_bytes,
    "pools": series.by_pools,
    "held": series.by_held,
}


def main() -> None:
    """Run all series, or those that are named."""
    parser = argparse.ArgumentParser(prog="scripts/bench-scale")
    parser.add_argument("--series", nargs="+", default=list(_SERIES), choices=list(_SERIES))
    parser.add_argument("--quick", action="store_true", help="two points each: to try")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    extent = series.QUICK if arguments.quick else series.FULL
    figures: dict[str, Any] = {
        "machine": {
            **machine_facts("c++"),
            "date": datetime.now(timezone.utc).date().isoformat(),
            "load_before": round(os.getloadavg()[0], 2),
        }
    }
    for name in arguments.series:
        print(f"measuring by {name}", file=sys.stderr)
        figures[name] = _SERIES[name](extent)
    figures["machine"]["load_after"] = round(os.getloadavg()[0], 2)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
