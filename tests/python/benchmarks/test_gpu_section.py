"""The section that ``scripts/bench-gpu`` writes, from figures that nobody measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from bench.gpu.measures import spread
from bench.gpu.section import section
from support import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

_MACHINE = {
    "date": "2030-01-02",
    "gpu": "A GPU",
    "cuda": "13.0",
    "torch": "2.15.0",
    "place": "torch",
    "cores": 16,
    "processor": "A processor",
    "kernel": "6.1",
    "load": [0.1, 0.2],
    "fake": False,
    "quick": False,
    "problems": [],
}
_ROW = {"bytes": 6220800, "memory": "vmm"}
_THREE = [2.0, 1.0, 3.0]
_MEASURED = {
    "throughput": [
        {**_ROW, "put_gb_s": _THREE, "copy_gb_s": [4, 4, 4], "ratio": [0.5, 0.4, 0.6]}
    ],
    "calls": [
        {**_ROW, "put_us": _THREE, "seen_us": _THREE, "get_us": _THREE, "drop_us": _THREE}
    ],
    "blocking": [{**_ROW, "put_us": _THREE}],
    "hand_off": [{**_ROW, "age_us": _THREE}],
    "torch_queue": [{"bytes": 4096, "age_us": [300.0, 200.0, 400.0]}],
    "from_host": [
        {"bytes": 1 << 20, "refusal": "", "pinned_gb_s": [25, 24, 26], "pageable_gb_s": _THREE}
    ],
    "attaching": [{**_ROW, "first_ms": [300.5, 300, 301], "second_ms": _THREE}],
}
FIGURES: dict[str, Any] = {**_MACHINE, **_MEASURED}


def test_the_section_has_every_figure_with_its_spread() -> None:
    text = "\n".join(section(FIGURES))

    assert "2030-01-02 on A GPU, CUDA 13.0" in text
    assert "| 5.93 MB | vmm | 2 (1 to 3) | 4 (4 to 4) | 0.5 (0.4 to 0.6) |" in text
    assert "| 4 KB | torch.multiprocessing queue | 300 (200 to 400) |" in text
    assert "| 1 MB | 25 (24 to 26) | 2 (1 to 3) |" in text
    assert "| 5.93 MB | vmm | 300.5 (300 to 301) | 2 (1 to 3) |" in text
    assert "dry run" not in text
    assert "Not pinned" not in text


@pytest.mark.parametrize("what", ["fake", "quick"])
def test_a_dry_run_says_that_it_is_one(what: str) -> None:
    assert "dry run" in "\n".join(section({**FIGURES, what: True}))


def test_what_was_not_measured_is_told() -> None:
    none: dict[str, list[Any]] = {name: [] for name in _MEASURED}
    text = "\n".join(section({**_MACHINE, **none, "problems": ["calls: out of memory"]}))

    assert "could not be measured: calls: out of memory" in text
    assert "|" not in text


def test_a_spread_is_median_and_tenths() -> None:
    assert spread([float(value) for value in range(101)]) == [50.0, 10.0, 90.0]


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench.gpu", *(str(each) for each in arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def test_the_section_replaces_what_was_in_its_place(tmp_path: Path) -> None:
    page, figures = tmp_path / "page.md", tmp_path / "gpu.json"
    page.write_text(
        "before\n<!-- gpu: written by scripts/bench-gpu -->\nold\n<!-- end gpu -->\nafter\n"
    )
    figures.write_text(json.dumps(FIGURES))

    done = run("--figures", figures, "--page", page, "--report")

    assert done.returncode == 0, done.stderr
    text = page.read_text()
    assert text.startswith("before\n<!-- gpu")
    assert text.endswith("<!-- end gpu -->\nafter\n")
    assert "old" not in text
    assert "A GPU" in text


def test_a_page_without_the_place_is_left_alone(tmp_path: Path) -> None:
    page, figures = tmp_path / "page.md", tmp_path / "gpu.json"
    page.write_text("no place\n")
    figures.write_text(json.dumps(FIGURES))

    done = run("--figures", figures, "--page", page, "--report")

    assert done.returncode != 0
    assert "0 places" in done.stderr
    assert page.read_text() == "no place\n"


def test_without_a_gpu_nothing_is_written(tmp_path: Path) -> None:
    page, figures = tmp_path / "page.md", tmp_path / "gpu.json"
    page.write_text("as it was\n")

    done = run("--figures", figures, "--page", page, TENSOR_IPC_CUDA_DRIVER="/nonexistent.so")

    assert done.returncode == 77
    assert "skipped" in done.stderr
    assert page.read_text() == "as it was\n"
    assert not figures.exists()


def test_the_real_page_has_the_place() -> None:
    text = (REPOSITORY / "docs" / "performance.md").read_text(encoding="utf-8")

    assert text.count("<!-- gpu: written by scripts/bench-gpu -->") == 1
    assert text.count("<!-- end gpu -->") == 1
