"""Tables and plots from the figures of a run: ``python -m bench.compare.report --figures FILE``.

Writes ``compare.md`` and ``compare-*.svg`` beside the figures, and with ``--page`` a summary into that
page. Needs matplotlib, except with ``--no-plots``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Callable, Iterable

from bench.compare import summary
from bench.compare.figures import (
    MORE_IS_BETTER,
    Comparison,
    Measure,
    Spread,
    deciding,
    markdown,
    short,
)
from bench.report.page import with_part


def main() -> None:
    """Write everything."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare.report")
    parser.add_argument("--figures", type=Path, required=True)
    parser.add_argument("--page", type=Path, help="the page that has the summary")
    parser.add_argument("--no-plots", action="store_true")
    arguments = parser.parse_args()
    comparison = Comparison(json.loads(arguments.figures.read_text()))
    plots = [] if arguments.no_plots else _draw(comparison, arguments.figures)
    arguments.figures.with_suffix(".md").write_text(render(comparison, plots))
    if arguments.page:
        page = arguments.page.read_text()
        text = summary.render(comparison)
        arguments.page.write_text(with_part(page, "compare", "scripts/bench-compare", text))


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
        + markdown(heads, rows)
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


def _table(comparison: Comparison, size: str, measure: Measure) -> str:
    kind, check, consumers = measure
    figures = _FIGURES[kind]
    ranked: list[tuple[tuple[str, str, float], tuple[object, ...]]] = []
    for one in comparison.contenders:
        runs = comparison.of(one["name"], size, measure)
        if not runs:
            continue
        found = comparison.spread(one["name"], size, measure, deciding(measure))
        value = found.median if found else float("inf")
        if found and MORE_IS_BETTER[kind]:
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
    return f"## {title}: {size}, {who}\n\n" + markdown(heads, rows)


def _cell(found: Spread | None) -> str:
    if found is None:
        return "-"
    if found.least == found.greatest:
        return short(found.median)
    return f"{short(found.median)} ({short(found.least)} to {short(found.greatest)})"


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
    measure: Measure,
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
