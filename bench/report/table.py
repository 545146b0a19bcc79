"""Write the tables of ``docs/performance.md``, between their markers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Tuple

from bench.report.figures import Figures
from bench.report.page import with_part

_SIZES = {64: "64 B", 1024: "1 KB", 921600: "0.9 MB", 6220800: "6 MB", 24883200: "25 MB"}
_COPIED = (1024, 921600, 6220800, 24883200)

Spread = Tuple[float, ...]


def main() -> None:
    """Replace what is between each pair of markers."""
    parser = argparse.ArgumentParser(prog="python -m bench.report.table")
    parser.add_argument("--figures", type=Path, required=True)
    parser.add_argument("--page", type=Path, required=True)
    arguments = parser.parse_args()
    figures = Figures(arguments.figures)
    page = arguments.page.read_text()
    parts = {
        "machine": _machine(figures),
        "targets": _targets(figures),
        "sizes": _sizes(figures),
        "torch": _torch(figures),
        "sleepers": _sleepers(figures),
    }
    for name, text in parts.items():
        page = with_part(page, name, "scripts/bench", text)
    arguments.page.write_text(page)


def _machine(figures: Figures) -> str:
    at = figures.machine
    kind = "virtual machine" if at["virtual"] else "machine"
    return (
        f"Measured on {at['date']} on a {at['cores']}-core {kind} ({at['processor']}), Linux "
        f"{at['kernel']}, {at['libc']}, {at['compiler']}, Python {at['python']}, NumPy "
        f"{at['numpy']}, tensor_ipc {at['tensor_ipc']}. Load average {at['load_before']:.2f} before "
        f"and {at['load_after']:.2f} after (the benchmarks themselves keep one to two cores busy)."
    )


def _targets(figures: Figures) -> str:
    rows: list[tuple[str, str, str, bool]] = []

    def at_most(what: str, limit: float, unit: str, found: Spread, digits: int = 0) -> None:
        middle, low, high = found
        measured = f"{middle:.{digits}f}{unit} ({low:.{digits}f} to {high:.{digits}f})"
        rows.append((what, f"<= {limit:g}{unit}", measured, round(middle, digits) <= limit))

    by_size = [figures.core(f"loan_and_publish/bytes:{size}") for size in _COPIED]
    at_most(
        "put beyond the copy, 1 KB",
        60,
        " ns",
        _of_core(figures, "put_beside_memcpy/bytes:1024", "difference_ns"),
    )
    at_most("loan + publish, no copy, any size", 60, " ns", _worst(by_size))
    growth = max(found[0] for found in by_size) / min(found[0] for found in by_size)
    rows.append(
        ("the same, slowest size over fastest", "no growth", f"{growth:.2f}x", growth <= 1.1)
    )
    pins = [_new_pin(figures, size) for size in _COPIED]
    at_most("pin + unpin of a new frame, any size", 60, " ns", _worst(pins))
    again = [figures.core(f"pin_newest/bytes:{size}") for size in _COPIED]
    at_most("pin + unpin of the same frame again", 60, " ns", _worst(again))
    windows = [figures.core(f"window_of_16/bytes:{size}") for size in _COPIED]
    at_most("history window of 16, any size", 700, " ns", _worst(windows))
    sleeping = tuple(
        figures.core("wake_sleeping", name)[0] for name in ("ratio", "ratio_low", "ratio_high")
    )
    at_most("sleeping consumer woken, of a bare futex ping", 1.3, "x", sleeping, 2)
    spinning = tuple(
        figures.core("wake_spinning", name)[0] for name in ("ratio", "ratio_low", "ratio_high")
    )
    at_most("spinning consumer, of a bare spin ping", 2, "x", spinning, 2)
    for size in _COPIED:
        middle, low, high = _of_core(
            figures, f"put_beside_memcpy/bytes:{size}", "throughput_ratio"
        )
        rows.append(
            (
                f"put, throughput of memcpy, {_SIZES[size]}",
                ">= 0.95x",
                f"{middle:.3f}x ({low:.3f} to {high:.3f})",
                middle >= 0.95,
            )
        )
    python = figures.python
    gets = [_of_python(row, "get_ns", 1e3) for row in python["get"]]
    at_most("Python `get()`, any size", 0.6, " us", _worst(gets), 2)
    gets_of_5 = [_of_python(row, "get_5_ns", 1e3) for row in python["get"]]
    at_most("Python `get(5)`, any size", 1.5, " us", _worst(gets_of_5), 2)
    for row in python["put"][:2]:
        at_most(
            f"Python `put` beyond `np.copyto`, {_SIZES[row['frame_bytes']]}",
            1,
            " us",
            _of_python(row, "overhead_ns", 1e3),
            2,
        )
    torch = [_of_python(row, "get_readonly_ns", 1e3) for row in python["torch"]]
    at_most("torch `get()`, readonly, any size", 1.2, " us", _worst(torch), 2)
    at_most(
        "torch `get()`, private, beyond the look for pages, any size",
        1.2,
        " us",
        _worst([_beyond_the_look(figures, row) for row in python["torch"]]),
        2,
    )
    for row in python["torch"]:
        middle, low, high = _of_python(row, "throughput_ratio", 1)
        rows.append(
            (
                f"torch `put`, throughput of loan + `copy_`, {_SIZES[row['frame_bytes']]}",
                ">= 0.95x",
                f"{middle:.2f}x ({low:.2f} to {high:.2f})",
                middle >= 0.95,
            )
        )
    if "by_time" in python:  # figures kept from before there was reading by time have none
        rows_by_time = (
            ("Python `synchronized`, 8 pools", 10, "synchronized_ns"),
            ("Python `synchronized`, 8 pools, 4 frames of each", 10, "synchronized_4_ns"),
            ("Python `get_at`, an eighth of that", 1.25, "get_at_ns"),
            ("Python `between`, 4 frames, an eighth of that", 1.25, "between_4_ns"),
        )
        for what, limit, value in rows_by_time:
            at_most(what, limit, " us", _of_python(python["by_time"], value, 1e3), 2)
    callback = _of_python(python["callback"], "ratio", 1)
    at_most("`put` to callback p50, of a bare futex ping", 4, "x", callback, 2)
    imports = _of_python(python["import"], "process_beyond_numpy_ms", 1)
    at_most("process with `import tensor_ipc`, beyond one with NumPy", 60, " ms", imports)
    alone = _of_python(python["import"], "import_ms", 1)
    at_most("`import tensor_ipc` after `import numpy`, in one process", 60, " ms", alone)
    wheel = python["wheel_bytes"] / 1e6
    rows.append(("wheel", "<= 2 MB", f"{wheel:.2f} MB", wheel <= 2))
    threads = python["import"]["threads_started"]
    rows.append(("threads started by the import", "0", str(threads), threads == 0))
    lines = ["| what | target | measured (spread) | |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {what} | {target} | {measured} | {'met' if met else '**missed**'} |"
        for what, target, measured, met in rows
    ]
    return "\n".join(lines)


def _of_core(figures: Figures, name: str, value: str) -> Spread:
    """Return median, p10 and p90 of the rounds; each the median over the runs."""
    return tuple(figures.core(name, value + suffix)[0] for suffix in ("", "_p10", "_p90"))


def _of_python(row: dict[str, float], value: str, unit: float) -> Spread:
    return tuple(row[value + suffix] / unit for suffix in ("", "_p10", "_p90"))


def _beyond_the_look(figures: Figures, row: dict[str, float]) -> Spread:
    look_us = figures.core(f"look_for_private_pages/bytes:{int(row['frame_bytes'])}")[0] / 1e3
    return tuple(value - look_us for value in _of_python(row, "get_private_ns", 1e3))


def _worst(found: list[Spread]) -> Spread:
    return max(found)


def _new_pin(figures: Figures, size: int) -> Spread:
    """Return what pinning adds to a publication."""
    both = figures.core(f"publish_and_pin/bytes:{size}")
    publication = figures.core(f"loan_and_publish/bytes:{size}")[0]
    return tuple(value - publication for value in both)


def _sizes(figures: Figures) -> str:
    lines = [
        (
            "| frame | loan + publish | pin + unpin, new frame | same frame | window of 16 | `put` | "
            "`memcpy` | Python `get()` | `get(5)` | Python `put` | `np.copyto` |"
        ),
        "| --- |" + " ---: |" * 10,
    ]
    for size, get, put in zip(_COPIED, figures.python["get"], figures.python["put"]):
        copy = f"put_beside_memcpy/bytes:{size}"
        cells = [
            figures.core(f"loan_and_publish/bytes:{size}")[0],
            _new_pin(figures, size)[0],
            figures.core(f"pin_newest/bytes:{size}")[0],
            figures.core(f"window_of_16/bytes:{size}")[0],
            figures.core(copy, "put_ns")[0],
            figures.core(copy, "memcpy_ns")[0],
            get["get_ns"],
            get["get_5_ns"],
            put["put_ns"],
            put["copyto_ns"],
        ]
        lines.append(f"| {_SIZES[size]} | " + " | ".join(map(_time, cells)) + " |")
    return "\n".join(lines)


def _torch(figures: Figures) -> str:
    rows = figures.python["torch"]
    lines = [
        (
            "| frame | `get()`, readonly | `get()`, private | the look for written pages | "
            "`get(5)`, private | `put` | loan + `copy_` | `put`, throughput of loan + `copy_` |"
        ),
        "| --- |" + " ---: |" * 7,
    ]
    for row in rows:
        size = row["frame_bytes"]
        cells = [
            row["get_readonly_ns"],
            row["get_private_ns"],
            figures.core(f"look_for_private_pages/bytes:{size}")[0],
            row["get_5_private_ns"],
            row["put_ns"],
            row["loan_and_copy_ns"],
        ]
        ratio = f"{row['throughput_ratio']:.2f}x"
        lines.append(f"| {_SIZES[size]} | " + " | ".join(map(_time, cells)) + f" | {ratio} |")
    return "\n".join([f"torch {rows[0]['torch']}.", "", *lines])


def _sleepers(figures: Figures) -> str:
    lines = [
        "| sleeping consumers | loan + publish | bare wake-up of as many | difference |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for consumers in figures.arguments("publish_to_sleepers"):
        name = f"publish_to_sleepers/consumers:{consumers}"
        cells = [
            figures.core(name, value)[0]
            for value in ("publish_ns", "bare_wake_ns", "difference_ns")
        ]
        lines.append(f"| {consumers} | " + " | ".join(map(_time, cells)) + " |")
    return "\n".join(lines)


def _time(nanoseconds: float) -> str:
    if abs(nanoseconds) < 1000:
        return f"{nanoseconds:.0f} ns"
    if abs(nanoseconds) < 1e6:
        return f"{nanoseconds / 1e3:.1f} us"
    return f"{nanoseconds / 1e6:.2f} ms"


if __name__ == "__main__":
    main()
