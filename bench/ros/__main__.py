"""Age and CPU of images, by turns; the table goes into docs/performance.md. Needs ROS 2.

    python -m bench.ros --figures docs/performance/ros.json --page docs/performance.md
    python -m bench.ros --figures ... --page ... --report    # only the table again

The processes are those of examples/ros_camera_bridge. Takes about ten minutes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

from bench.report.page import with_part

_EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "ros_camera_bridge"
_ROUNDS = 3
_SECONDS = 6.0
_CASES = (
    ("640x480", 30.0, 1),
    ("1920x1080", 30.0, 1),
    ("640x480", 30.0, 4),
    ("1920x1080", 15.0, 4),
)
# The bridge with the C library's allocator as it is.
_PLAIN_ALLOCATOR = """
import signal, threading
from tensor_ipc.rosext.bridge import read_config, run_bridge
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
run_bridge(read_config("bridge.yaml"), stop)
"""


def main() -> None:
    """Measure, unless it is only to report, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.ros")
    parser.add_argument("--figures", type=Path, required=True)
    parser.add_argument("--page", type=Path, required=True)
    parser.add_argument("--report", action="store_true", help="do not measure again")
    arguments = parser.parse_args()
    if not arguments.report:
        arguments.figures.write_text(json.dumps(_measured(), indent=1) + "\n")
    text = "\n".join(_text(json.loads(arguments.figures.read_text())))
    page = arguments.page.read_text(encoding="utf-8")
    page = with_part(page, "ros", "python -m bench.ros", text)
    arguments.page.write_text(page, encoding="utf-8")


def _measured() -> dict[str, Any]:
    sys.path.insert(0, str(_EXAMPLE))
    compare = importlib.import_module("compare")
    ways: dict[str, dict[str, Any]] = {
        "rclpy": {"bridged": False},
        "bridge": {"bridged": True},
        "bridge, plain allocator": {"bridged": True, "bridge": ("-c", _PLAIN_ALLOCATOR)},
    }
    rows = []
    load_before = os.getloadavg()[0]
    for size, rate, readers in _CASES:
        options = compare.Options(size, rate, _SECONDS, readers)
        rounds: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
        for _ in range(_ROUNDS):
            for way, how in ways.items():
                rounds[way].append(compare.measure(options, **how))
        rows += [
            {"size": size, "rate_hz": rate, "readers": readers, "way": way, **_summary(found)}
            for way, found in rounds.items()
        ]
    return {
        "date": dt.datetime.now(tz=dt.timezone.utc).date().isoformat(),
        "load": [load_before, os.getloadavg()[0]],
        "rounds": _ROUNDS,
        "seconds": _SECONDS,
        "rows": rows,
    }


def _summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return median, least and greatest of the rounds."""
    return {
        "age_ms_p50": _spread([_of_readers(found, "age_ms_p50") for found in rounds]),
        "age_ms_p99": _spread([_of_readers(found, "age_ms_p99") for found in rounds]),
        "frames_per_s": _spread([statistics.mean(found["frames_per_s"]) for found in rounds]),
        "cpu_ms_per_image": _spread([_cpu_ms(found) for found in rounds]),
    }


def _of_readers(found: dict[str, Any], key: str) -> float:
    ages = [answer[key] for answer in found["readers"] if answer[key] is not None]
    return max(ages) if ages else float("nan")


def _cpu_ms(found: dict[str, Any]) -> float:
    """CPU of the receiving side, readers and bridge, for each image that a reader got."""
    spent_s = (
        sum(percent for name, percent in found["cpu_percent"].items() if name != "camera")
        * found["elapsed_s"]
        / 100
    )
    got = max(answer["frames"] for answer in found["readers"])
    return 1e3 * spent_s / got if got else float("nan")


def _spread(values: list[float]) -> list[float]:
    return [round(each, 2) for each in (statistics.median(values), min(values), max(values))]


def _text(figures: dict[str, Any]) -> list[str]:
    before, after = figures["load"]
    measured = (
        f"Measured on {figures['date']}; load average {before:.0f} before and {after:.0f} after on 2 cores. Medians of "
        f"{figures['rounds']} rounds of {figures['seconds']:g} s by turns, least and greatest in brackets."
    )
    lines = [
        measured,
        "",
        "| images | readers | way | images/s | age p50 | age p99 | CPU for an image, receiving side |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in figures["rows"]:
        age, late, rate, cpu = (
            row[key] for key in ("age_ms_p50", "age_ms_p99", "frames_per_s", "cpu_ms_per_image")
        )
        lines.append(
            f"| {row['size']}, {row['rate_hz']:g} Hz | {row['readers']} | {row['way']} | "
            f"{rate[0]:.1f} | {_ms(age)} | {_ms(late)} | {_ms(cpu)} |"
        )
    return lines


def _ms(spread: list[float]) -> str:
    return f"{spread[0]:.1f} ms ({spread[1]:.1f} to {spread[2]:.1f})"


if __name__ == "__main__":
    main()
