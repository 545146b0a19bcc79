"""The figures as a section of ``docs/performance.md``."""

from __future__ import annotations

from typing import Any

_UNITS = ((1 << 20, "MB"), (1 << 10, "KB"))


def section(figures: dict[str, Any]) -> list[str]:
    """Return its lines."""
    before, after = figures["load"]
    lines = [
        (
            f"Measured on {figures['date']} on {figures['gpu']}, CUDA {figures['cuda']} (driver), torch "
            f"{figures['torch']}, {figures['cores']} cores ({figures['processor']}), Linux "
            f"{figures['kernel']}; load average {before} before and {after} after. Median, p10 and p90."
        ),
        "",
    ]
    if figures["fake"] or figures["quick"]:
        lines += ["**A dry run: these figures mean nothing.**", ""]
    copy = "`copy_`" if figures["place"] == "torch" else "cuMemcpyDtoDAsync"
    lines += _table(
        ["frame", "memory", "`put`, GB/s", f"{copy}, GB/s", "ratio"],
        figures["throughput"],
        ["bytes", "memory", "put_gb_s", "copy_gb_s", "ratio"],
    )
    lines += _table(
        ["frame", "memory", "`put` call, us", "to seen, us", "`get`, us", "drop, us"],
        figures["calls"],
        ["bytes", "memory", "put_us", "seen_us", "get_us", "drop_us"],
    )
    lines += _table(
        ["frame", "memory", '`put`, `sync="block"`, us'],
        figures["blocking"],
        ["bytes", "memory", "put_us"],
    )
    queue = [{**row, "memory": "torch.multiprocessing queue"} for row in figures["torch_queue"]]
    lines += _table(
        ["frame", "to a process that sleeps", "age in hand, us"],
        [*figures["hand_off"], *queue],
        ["bytes", "memory", "age_us"],
    )
    lines += _table(
        ["frame", "host to GPU, pinned, GB/s", "pageable, GB/s"],
        figures["from_host"],
        ["bytes", "pinned_gb_s", "pageable_gb_s"],
    )
    lines += [
        f"Not pinned: {row['refusal']}" for row in figures["from_host"][:1] if row["refusal"]
    ]
    lines += _table(
        ["pool's frame", "memory", "first attach of a process, ms", "second, ms"],
        figures["attaching"],
        ["bytes", "memory", "first_ms", "second_ms"],
    )
    lines += [f"- could not be measured: {problem}" for problem in figures["problems"]]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _table(heads: list[str], rows: list[dict[str, Any]], keys: list[str]) -> list[str]:
    if not rows:
        return []
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
    lines += ["| " + " | ".join(_cell(key, row[key]) for key in keys) + " |" for row in rows]
    return [*lines, ""]


def _cell(key: str, value: Any) -> str:
    if key == "bytes":
        return _size(value)
    if isinstance(value, list):
        middle, low, high = value
        return f"{middle:.4g} ({low:.4g} to {high:.4g})"
    return str(value)


def _size(count: int) -> str:
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} B"
