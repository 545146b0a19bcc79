"""Tables and plots from the figures of a run: ``python -m bench.compare.report --figures FILE``.

Writes ``compare.md`` and ``compare-*.svg`` beside the figures. Needs matplotlib, except with
``--no-plots``.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any, Callable, Iterable, NamedTuple

_SIZES = ("1KB", "VGA", "1080p", "4K")


class Spread(NamedTuple):
    """A figure over the repeats."""

    median: float
    least: float
    greatest: float


class Comparison:
    """The runs of one file, by what they measured."""

    def __init__(self, figures: dict[str, Any]) -> None:
        self.machine: dict[str, Any] = figures["machine"]
        self.contenders: list[dict[str, Any]] = figures["contenders"]
        self.repeats: int = figures["repeats"]
        self.quick: bool = figures["quick"]
        self._runs: list[dict[str, Any]] = figures["runs"]
        self.busiest = max((run["load"] for run in self._runs), default=0.0)

    def measures(self) -> list[tuple[str, str, int]]:
        """Return kind, check and consumers of what was measured, in order."""
        return list(
            dict.fromkeys((run["kind"], run["check"], run["consumers"]) for run in self._runs)
        )

    def sizes(self, measure: tuple[str, str, int]) -> list[str]:
        """Return the sizes at which that was measured."""
        found = {run["size"] for run in self._runs if _measure_of(run) == measure}
        return [size for size in _SIZES if size in found]

    def of(
        self, contender: str, size: str, measure: tuple[str, str, int]
    ) -> list[dict[str, Any]]:
        """Return the repeats of one measurement."""
        return [
            run
            for run in self._runs
            if run["contender"] == contender
            and run["size"] == size
            and _measure_of(run) == measure
        ]

    def spread(
        self, contender: str, size: str, measure: tuple[str, str, int], figure: str
    ) -> Spread | None:
        """Return a figure over the repeats that have it."""
        found = [
            run["figures"][figure]
            for run in self.of(contender, size, measure)
            if run.get("figures", {}).get(figure) is not None
        ]
        return Spread(statistics.median(found), min(found), max(found)) if found else None

    def total(self, contender: str, figure: str) -> int:
        """Return a count over all runs of a contender."""
        return sum(
            run["figures"][figure]
            for run in self._runs
            if run["contender"] == contender and "figures" in run
        )

    def failures(self, contender: str) -> list[dict[str, Any]]:
        """Return the runs that gave no figures."""
        return [run for run in self._runs if run["contender"] == contender and "failed" in run]


def _measure_of(run: dict[str, Any]) -> tuple[str, str, int]:
    return run["kind"], run["check"], run["consumers"]


def main() -> None:
    """Write everything."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare.report")
    parser.add_argument("--figures", type=Path, required=True)
    parser.add_argument("--no-plots", action="store_true")
    arguments = parser.parse_args()
    comparison = Comparison(json.loads(arguments.figures.read_text()))
    plots = [] if arguments.no_plots else _draw(comparison, arguments.figures)
    page = arguments.figures.with_suffix(".md")
    page.write_text(render(comparison, plots))


def render(comparison: Comparison, plots: Iterable[str] = ()) -> str:
    """Return the page."""
    parts = ["# Beside others", _introduction(comparison), _contenders(comparison)]
    for measure in comparison.measures():
        for size in comparison.sizes(measure):
            parts.append(_table(comparison, size, measure))
    parts += [_absent(comparison), *(f"![{name}]({name})" for name in plots)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _introduction(comparison: Comparison) -> str:
    at = comparison.machine
    kind = "virtual machine" if at["virtual"] else "machine"
    text = (
        f"Written by `scripts/bench-compare` from [the figures](compare.json); "
        f"[bench/README.md](../../bench/README.md) says what they mean. Measured on {at['date']} on a "
        f"{at['cores']}-core {kind} ({at['processor']}), Linux {at['kernel']}, {at['libc']}, "
        f"{at['compiler']}, Python {at['python']}. Medians of {comparison.repeats} repeats, each in "
        f"fresh processes and by turns; in brackets the least and the greatest. Load average "
        f"{at['load_before']:.2f} before, {comparison.busiest:.2f} at most meanwhile (a job keeps one "
        f"to all cores busy itself)."
    )
    if at["busy"]:
        text += (
            "\n\n**The machine was busy with something else before it began: do not publish.**"
        )
    if comparison.quick:
        text += "\n\n**Short jobs (`--quick`): to try the harness, not to compare.**"
    return text


def _contenders(comparison: Comparison) -> str:
    rows = [
        (
            one["title"],
            one["language"],
            one["waiting"],
            _copies(one),
            one["queueing"],
            comparison.total(one["name"], "torn"),
            comparison.total(one["name"], "repeated"),
            ", ".join(f"{name} {version}" for name, version in one["versions"].items()),
            one["source"],
        )
        for one in comparison.contenders
        if not one["absent"]
    ]
    heads = (
        *("contender", "language", "waits by", "copies", "slow consumer"),
        *("torn", "repeated", "versions", "used as in"),
    )
    return (
        "## Who\n\n"
        + _markdown(heads, rows)
        + (
            "\n\nCopies: producer + each consumer, the kernel's counted. Slow consumer: `newest`, it "
            "misses frames; `waits`, the producer waits for it. Torn and repeated: frames, over all jobs. "
            "In-place contenders and floors have bytes that nothing wrote; a floor prevents nothing."
        )
    )


def _copies(contender: dict[str, Any]) -> str:
    producer, consumer = contender["copies"]
    return f"{producer} + {consumer}"


_FIGURES: dict[str, tuple[tuple[str, str], ...]] = {
    "latency": (
        ("p50, us", "latency_p50_us"),
        ("p99, us", "latency_p99_us"),
        ("max, us", "latency_max_us"),
        ("put, us", "put_p50_us"),
        ("producer CPU, us/frame", "producer_cpu_us_per_frame"),
        ("consumer CPU, us/frame", "consumer_cpu_us_per_frame"),
        ("memory, MB", "memory_mb"),
    ),
    "throughput": (
        ("frames/s", "frames_per_s"),
        ("sent/s", "put_frames_per_s"),
        ("producer CPU, us/frame", "producer_cpu_us_per_frame"),
        ("consumer CPU, us/frame", "consumer_cpu_us_per_frame"),
    ),
    "history": (("last 5 as one array, us", "history_p50_us"), ("wrong", "history_wrong")),
    "attach": (("attach, ms", "attach_ms"), ("import, ms", "import_ms")),
}

#: What decides the order of rows, and whether more is better.
_ORDER: dict[str, tuple[str, bool]] = {
    "latency": ("latency_p50_us", False),
    "throughput": ("frames_per_s", True),
    "history": ("history_p50_us", False),
    "attach": ("attach_ms", False),
}


def _table(comparison: Comparison, size: str, measure: tuple[str, str, int]) -> str:
    kind, check, consumers = measure
    figures = _FIGURES[kind]
    deciding, more_is_better = _ORDER[kind]
    ranked: list[tuple[tuple[str, str, float], tuple[object, ...]]] = []
    for one in comparison.contenders:
        runs = comparison.of(one["name"], size, measure)
        if not runs:
            continue
        found = comparison.spread(one["name"], size, measure, deciding)
        value = found.median if found else float("inf")
        if found and more_is_better:
            value = -value
        cells = [
            _cell(comparison.spread(one["name"], size, measure, figure))
            for _, figure in figures
        ]
        counts = [
            sum(run["figures"][count] for run in runs if "figures" in run)
            for count in ("lost", "torn", "repeated")
        ]
        failed = sum("failed" in run for run in runs)
        ranked.append(
            (
                (one["language"], one["waiting"], value),
                (
                    *(one["title"], one["language"], one["waiting"], _copies(one), *cells),
                    *(*counts, f"{failed} of {len(runs)}" if failed else ""),
                ),
            )
        )
    heads = (
        *("contender", "language", "waits by", "copies"),
        *(head for head, _ in figures),
        *("lost", "torn", "repeated", "failed"),
    )
    title = {
        "latency": "Latency, paced",
        "throughput": "Throughput, "
        + ("every byte read" if check == "bytes" else "stamps read"),
        "history": "The last 5 frames as one array",
        "attach": "From the call to attach to the first frame in hand",
    }[kind]
    who = "1 consumer" if consumers == 1 else f"{consumers} consumers"
    rows = [row for _, row in sorted(ranked, key=lambda one: one[0])]
    return f"## {title}: {size}, {who}\n\n" + _markdown(heads, rows)


def _cell(found: Spread | None) -> str:
    if found is None:
        return "-"
    if found.least == found.greatest:
        return _short(found.median)
    return f"{_short(found.median)} ({_short(found.least)} to {_short(found.greatest)})"


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _absent(comparison: Comparison) -> str:
    lines = [
        f"- {one['title']} ({one['language']}) was not there: {one['absent']}"
        for one in comparison.contenders
        if one["absent"]
    ]
    for one in comparison.contenders:
        failures = comparison.failures(one["name"])
        reasons: dict[str, int] = {}
        for run in failures:
            where = f"{run['size']}, {run['kind']}, {run['consumers']}: {run['failed']}"
            reasons[where] = reasons.get(where, 0) + 1
        lines += [
            f"- {one['title']} ({one['language']}) failed {count} times at {where}"
            for where, count in reasons.items()
        ]
    return "## Absent, or failed\n\n" + "\n".join(lines) if lines else ""


def _markdown(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    heads = list(heads)
    lines = [" | ".join(heads), " | ".join("---" for _ in heads)]
    lines += [" | ".join(str(cell).replace("|", "/") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _draw(comparison: Comparison, beside: Path) -> list[str]:
    """Draw a plot for each language: latency, throughput, over sizes. Returns the names of the files."""
    import matplotlib as mpl  # noqa: PLC0415  tables need none of it

    mpl.use("svg")
    # The same figures give the same file, byte for byte.
    mpl.rcParams.update({"svg.hashsalt": "tensor_ipc", "svg.fonttype": "none", "font.size": 9})
    names = []
    for kind, check, figure, label in (
        ("latency", "stamps", "latency_p50_us", "latency p50, us"),
        ("throughput", "bytes", "frames_per_s", "frames/s, every byte read"),
    ):
        measure = (kind, check, 1)
        sizes = comparison.sizes(measure)
        for language in sorted({one["language"] for one in comparison.contenders}):
            name = f"{beside.stem}-{kind}-{language.replace('+', 'p')}.svg"
            if sizes and _plot(
                comparison, language, measure, figure, label, beside.with_name(name)
            ):
                names.append(name)
    return names


def _plot(
    comparison: Comparison,
    language: str,
    measure: tuple[str, str, int],
    figure: str,
    label: str,
    file: Path,
) -> bool:
    import matplotlib.pyplot as plt  # noqa: PLC0415

    sizes = comparison.sizes(measure)
    canvas, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    style: Callable[[dict[str, Any]], str] = lambda one: (
        "o--" if one["waiting"] == "spin" else "o-"
    )
    drawn = False
    for one in comparison.contenders:
        found = [comparison.spread(one["name"], size, measure, figure) for size in sizes]
        points = [
            (place, spread)
            for place, spread in enumerate(found)
            if spread and spread.median > 0
        ]
        if one["language"] != language or not points:
            continue
        axes.errorbar(
            [place for place, _ in points],
            [spread.median for _, spread in points],
            yerr=(
                [spread.median - spread.least for _, spread in points],
                [spread.greatest - spread.median for _, spread in points],
            ),
            fmt=style(one),
            capsize=2,
            linewidth=2.5 if one["title"].startswith("tensor_ipc") else 1.0,
            label=f"{one['title']} ({_copies(one)}, {one['waiting']})",
        )
        drawn = True
    axes.set(yscale="log", ylabel=label, title=f"{language}; copies and waiting in brackets")
    axes.set_xticks(range(len(sizes)), sizes)
    if drawn:
        axes.legend(fontsize=6, ncols=2)
        canvas.savefig(file, metadata={"Date": None})
    plt.close(canvas)
    return drawn


if __name__ == "__main__":
    main()
