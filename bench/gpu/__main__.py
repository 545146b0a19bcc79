"""Measure pools beside what a GPU can do, and write the section of docs/performance.md.

    python -m bench.gpu --figures docs/performance/gpu.json --page docs/performance.md
    python -m bench.gpu --figures ... --page ... --report    # only the section again

Needs a GPU, and takes torch where it is there; some three minutes. With ``--quick`` some seconds: to
see that it runs. Over the stand-in driver of the tests it writes figures that mean nothing, and says so.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from bench.gpu import measures, torch_queue
from bench.gpu.driver import Cuda, NoGpu
from bench.gpu.places import DriverPlace, Place, TorchPlace
from bench.gpu.section import section
from bench.report.facts import machine_facts

if TYPE_CHECKING:
    from collections.abc import Callable

_BEGIN = "<!-- gpu: written by scripts/bench-gpu -->"
_END = "<!-- end gpu -->"
_SKIPPED = 77  # as CTest has it


def main() -> None:
    """Measure, unless it is only to report, and write the section."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu")
    parser.add_argument("--figures", type=Path, required=True)
    parser.add_argument("--page", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="few frames, to see that it runs")
    parser.add_argument("--report", action="store_true", help="do not measure again")
    arguments = parser.parse_args()
    if not arguments.report:
        try:
            cuda = Cuda()
        except NoGpu as error:
            print(f"skipped: {error}", file=sys.stderr)
            sys.exit(_SKIPPED)
        figures = measured(cuda, arguments.quick)
        arguments.figures.write_text(json.dumps(figures, indent=1) + "\n")
    text = "\n".join(section(json.loads(arguments.figures.read_text())))
    page = arguments.page.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(_BEGIN) + ".*?" + re.escape(_END), re.DOTALL)
    page, count = pattern.subn(lambda _: f"{_BEGIN}\n{text}\n{_END}", page)
    if count != 1:
        parser.error(f"{arguments.page} has {count} places for the section, expected 1")
    arguments.page.write_text(page, encoding="utf-8")


def place_of(cuda: Cuda) -> tuple[Place, str]:
    """Return torch's GPU if torch sees one, else the driver's; and torch's version or why not."""
    if cuda.is_fake:
        return DriverPlace(cuda), "not used with the stand-in"
    try:
        import torch  # noqa: PLC0415 - may be missing
    except ImportError as error:
        return DriverPlace(cuda), str(error)
    if not torch.cuda.is_available():
        return DriverPlace(cuda), f"{torch.__version__} sees no GPU"
    return TorchPlace(), str(torch.__version__)


def measured(cuda: Cuda, quick: bool) -> dict[str, Any]:
    """Return all figures. One that cannot be had says why, and the others go on."""
    os.environ["TENSOR_IPC_NAMESPACE"] = f"b{uuid4().hex[:12]}"
    os.environ["TENSOR_IPC_DDS"] = "off"
    place, torch = place_of(cuda)
    sizes = [4096, 65536] if quick else [4096, 1 << 20, 6220800, 24883200, 100 << 20]
    small = sizes[:2] if quick else sizes[:3]
    frames, rounds = (20, 2) if quick else (500, 7)
    kinds = [kind for kind in ("vmm", "ipc") if kind == "ipc" or cuda.attribute(102)]
    load_before = os.getloadavg()[0]
    problems: list[str] = []

    def each(what: str, measure: Callable[..., dict[str, Any]], *ways: Any) -> list[Any]:
        rows = []
        for way in ways:
            try:
                rows.append(measure(*way))
            except Exception as error:  # noqa: BLE001 - any of them is a finding
                problems.append(f"{what} {way[1:]}: {type(error).__name__}: {error}")
        return rows

    found = {
        "throughput": each(
            "throughput",
            measures.throughput,
            *(
                (place, size, kind, max(frames // 10, 5), rounds)
                for size in sizes
                for kind in kinds
            ),
        ),
        "calls": each(
            "calls",
            measures.calls,
            *((place, size, kind, frames) for size in small for kind in kinds),
        ),
        "blocking": each(
            "blocking",
            measures.blocking,
            *((place, size, kind, frames) for size in small for kind in kinds),
        ),
        "hand_off": each(
            "hand-off",
            measures.hand_off,
            *((place, size, kind, frames) for size in small for kind in kinds),
        ),
        "from_host": each(
            "from host",
            measures.from_host,
            *((place, size, max(frames // 25, 3), rounds) for size in sizes[1:]),
        ),
        "attaching": each(
            "attaching",
            measures.attaching,
            *((place, sizes[-1], kind, 2 if quick else 5) for kind in kinds),
        ),
        "torch_queue": each(
            "torch.multiprocessing",
            lambda _, *way: torch_queue.hand_off(*way),
            *((place, size, frames) for size in small if place.name == "torch"),
        ),
    }
    return {
        **machine_facts("c++"),
        **cuda.facts(),
        "torch": torch,
        "place": place.name,
        "date": dt.datetime.now(tz=dt.timezone.utc).date().isoformat(),
        "load": [round(load_before, 2), round(os.getloadavg()[0], 2)],
        "quick": quick,
        **found,
        "problems": problems,
    }


if __name__ == "__main__":
    main()
