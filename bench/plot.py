"""Draw the kept figures: ``python -m bench.plot --figures FOLDER``. Needs matplotlib."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

from bench.report.figures import Figures

_SIZES = (1024, 921600, 6220800, 24883200)
_SIZE_NAMES = ("1 KB", "0.9 MB", "6 MB", "25 MB")


def main() -> None:
    """Draw every plot."""
    parser = argparse.ArgumentParser(prog="python -m bench.plot")
    parser.add_argument("--figures", type=Path, required=True)
    folder = parser.parse_args().figures
    mpl.use("svg")
    # The same figures give the same file, byte for byte.
    mpl.rcParams.update({"svg.hashsalt": "tensor_ipc", "svg.fonttype": "none", "font.size": 10})
    figures = Figures(folder)
    for name, draw in {
        "size": _by_size,
        "copy": _copies,
        "wake": _wakes,
        "sleepers": _sleepers,
    }.items():
        canvas, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
        draw(axes, figures)
        canvas.savefig(folder / f"{name}.svg", metadata={"Date": None})
        plt.close(canvas)


def _by_size(axes: Any, figures: Figures) -> None:
    lines = {
        "C++ loan + publish": "loan_and_publish",
        "C++ pin + unpin": "pin_newest",
        "C++ window of 16": "window_of_16",
    }
    for label, name in lines.items():
        found = [figures.core(f"{name}/bytes:{size}") for size in _SIZES]
        _line(axes, label, found)
    for label, value in {"Python get()": "get_ns", "Python get(5)": "get_5_ns"}.items():
        found = [
            (row[value], row[value + "_p10"], row[value + "_p90"])
            for row in figures.python["get"]
        ]
        _line(axes, label, found, style="s--")
    axes.set(title="What a frame costs, whatever its size", ylabel="ns", ylim=(0, None))
    axes.set_xticks(range(len(_SIZES)), _SIZE_NAMES)
    axes.legend(fontsize=8, ncols=2)


def _line(
    axes: Any, label: str, found: list[tuple[float, float, float]], style: str = "o-"
) -> None:
    middles, lows, highs = zip(*found)
    below = [max(0.0, middle - low) for middle, low in zip(middles, lows)]
    above = [max(0.0, high - middle) for middle, high in zip(middles, highs)]
    axes.errorbar(
        range(len(found)), middles, yerr=(below, above), fmt=style, capsize=3, label=label
    )


def _copies(axes: Any, figures: Figures) -> None:
    found = [
        tuple(
            figures.core(f"put_beside_memcpy/bytes:{size}", "throughput_ratio" + suffix)[0]
            for suffix in ("", "_p10", "_p90")
        )
        for size in _SIZES
    ]
    _line(axes, "C++ put", found)
    python = [
        tuple(row["throughput_ratio" + suffix] for suffix in ("", "_p10", "_p90"))
        for row in figures.python["put"]
    ]
    _line(axes, "Python put, of np.copyto", python, style="s--")
    axes.axhline(0.95, color="grey", linestyle=":", label="target")
    axes.set(title="put beside a copy into the same memory", ylabel="throughput, times memcpy")
    axes.set_xticks(range(len(_SIZES)), _SIZE_NAMES)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)


def _wakes(axes: Any, figures: Figures) -> None:
    callback = figures.python["callback"]
    bars: list[tuple[str, tuple[float, float, float]]] = [
        ("bare futex", _quantiles(figures, "wake_sleeping", "bare_ns")),
        ("wait() returns", _quantiles(figures, "wake_sleeping", "wake_ns")),
        ("frame in hand", _quantiles(figures, "wake_sleeping", "frame_in_hand_ns")),
        ("bare futex\n(other run)", _python_quantiles(callback, "bare_ns")),
        ("Python callback", _python_quantiles(callback, "callback_ns")),
    ]
    for place, (_, (middle, low, high)) in enumerate(bars):
        axes.bar(
            place,
            middle / 1e3,
            yerr=[[(middle - low) / 1e3], [(high - middle) / 1e3]],
            capsize=4,
            color="tab:grey" if "bare" in bars[place][0] else "tab:blue",
        )
    axes.set_xticks(range(len(bars)), [label for label, _ in bars], fontsize=8)
    axes.set(title="Waking a sleeping process: median, p10 to p90", ylabel="us")


def _quantiles(figures: Figures, name: str, value: str) -> tuple[float, float, float]:
    return (
        figures.core(name, value)[0],
        figures.core(name, value + "_p10")[0],
        figures.core(name, value + "_p90")[0],
    )


def _python_quantiles(row: dict[str, float], value: str) -> tuple[float, float, float]:
    return row[value], row[value + "_p10"], row[value + "_p90"]


def _sleepers(axes: Any, figures: Figures) -> None:
    for label, value, style in (
        ("loan + publish", "publish_ns", "o-"),
        ("bare wake-up of as many", "bare_wake_ns", "s--"),
    ):
        found = [
            tuple(part / 1e3 for part in _quantiles(figures, name, value))
            for name in (
                f"publish_to_sleepers/consumers:{consumers}"
                for consumers in figures.arguments("publish_to_sleepers")
            )
        ]
        _line(axes, label, found, style=style)
    axes.set(title="What a frame costs its producer", xlabel="sleeping consumers", ylabel="us")
    axes.legend(fontsize=8)


if __name__ == "__main__":
    main()
