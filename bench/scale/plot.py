"""Draw what was measured beside the shape that was expected: ``python -m bench.scale.plot``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

from bench.scale.shapes import SHAPES


class Line(NamedTuple):
    """A figure of a series, and how it should grow."""

    figure: str
    label: str
    shape: str
    why: str


LINES: dict[str, tuple[str, tuple[Line, ...]]] = {
    "consumers": (
        "consumers",
        (
            Line(
                "idle_ns",
                "put, none waits",
                "flat",
                "a look at one line of pins per 64 consumers",
            ),
            Line("sleeping_ns", "put, all asleep", "linear", "one call that wakes each"),
        ),
    ),
    "history": (
        "length of the history",
        (
            Line("put_ns", "put", "flat", "the next slot, however many there are"),
            Line("get_ns", "get(all)", "linear", "a pin for each frame, no copy"),
        ),
    ),
    "frame_bytes": (
        "bytes of a frame",
        (
            Line("put_ns", "put", "copied", "memcpy"),
            Line("loan_ns", "loan + publish", "flat", "no byte is touched"),
            Line("get_ns", "get", "flat", "a view"),
            Line(
                "attach_ns", "attach + close", "flat", "pages are mapped when they are touched"
            ),
        ),
    ),
    "pools": (
        "pools in one process",
        (
            Line("put_ns", "put to one", "flat", "nothing is shared between pools"),
            Line("get_ns", "get of one", "flat", "nothing is shared between pools"),
            Line("create_ns", "create, each", "flat", "one file, whatever else is there"),
            Line("list_ns", "list_pools()", "linear", "each is opened"),
        ),
    ),
    "held": (
        "frames held, of a history of 64",
        (
            Line("put_ns", "put", "passed over", "each held slot is looked at once in a turn"),
            Line("get_ns", "get", "flat", "the newest frame, whatever is held"),
        ),
    ),
}


def table(figures: dict[str, Any]) -> str:
    """Return, for each line, its ends, the expected shape, and how far off it was at most."""
    rows = [
        "| by | what | from | to | expected | farthest from it |",
        "| --- | --- | ---: | ---: | --- | ---: |",
    ]
    for name, (axis, lines) in LINES.items():
        points = figures.get(name, [])
        for line in lines if points else ():
            x, y = [point["x"] for point in points], [point[line.figure] for point in points]
            expected = SHAPES[line.shape](x, y)
            farthest = max(
                (found / wanted for found, wanted in zip(y, expected) if wanted > 0),
                key=lambda ratio: max(ratio, 1 / ratio) if ratio > 0 else 0.0,
                default=1.0,
            )
            rows.append(
                f"| {axis}, {x[0]} to {x[-1]} | {line.label} | {y[0] / 1e3:.2f} us | "
                f"{y[-1] / 1e3:.2f} us | {line.shape}: {line.why} | {farthest:.2f}x |"
            )
    return "\n".join(rows)


def main() -> None:
    """Write ``scale.md`` and a plot for each series beside the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale.plot")
    parser.add_argument("--figures", type=Path, required=True)
    file = parser.parse_args().figures
    figures = json.loads(file.read_text())
    at = figures["machine"]
    names = [_draw(name, figures[name], file) for name in LINES if figures.get(name)]
    text = (
        f"# How cost grows\n\nWritten by `scripts/bench-scale`. Measured on {at['date']} on "
        f"{at['cores']} cores ({at['processor']}), Linux {at['kernel']}, Python {at['python']}. "
        f"Processor time of the calling thread, medians. Load average {at['load_before']:.2f} before, "
        f"{at['load_after']:.2f} after.\n\n{table(figures)}\n\n"
    )
    text += "\n\n".join(f"![{name}]({name})" for name in names)
    file.with_suffix(".md").write_text(text + "\n")


def _draw(name: str, points: list[dict[str, Any]], beside: Path) -> str:
    import matplotlib as mpl  # noqa: PLC0415  the table needs none of it

    mpl.use("svg")
    # The same figures give the same file, byte for byte.
    mpl.rcParams.update({"svg.hashsalt": "tensor_ipc", "svg.fonttype": "none", "font.size": 9})
    import matplotlib.pyplot as plt  # noqa: PLC0415

    axis, lines = LINES[name]
    canvas, axes = plt.subplots(figsize=(7, 3.8), layout="constrained")
    x = [point["x"] for point in points]
    for number, line in enumerate(lines):
        y = [point[line.figure] / 1e3 for point in points]
        low = [point.get(line.figure + "_p10", point[line.figure]) / 1e3 for point in points]
        high = [point.get(line.figure + "_p90", point[line.figure]) / 1e3 for point in points]
        below = [max(0.0, middle - least) for middle, least in zip(y, low)]
        above = [max(0.0, most - middle) for middle, most in zip(y, high)]
        axes.errorbar(
            x, y, yerr=(below, above), fmt="o-", capsize=2, color=f"C{number}", label=line.label
        )
        axes.plot(
            x,
            SHAPES[line.shape](x, y),
            ":",
            color=f"C{number}",
            label=f"expected: {line.shape}",
        )
    axes.set(xlabel=axis, ylabel="us", yscale="log", xscale="symlog" if x[0] == 0 else "log")
    axes.legend(fontsize=7, ncols=2)
    written = beside.with_name(f"{beside.stem}-{name.replace('_', '-')}.svg")
    canvas.savefig(written, metadata={"Date": None})
    plt.close(canvas)
    return written.name


if __name__ == "__main__":
    main()
