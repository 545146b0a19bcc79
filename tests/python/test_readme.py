"""The code of our own documents and the examples, run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Iterator
from uuid import uuid4

import pytest
from support import HANG_S, REPOSITORY, segments_of

from tensor_ipc.core import network

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = re.compile(
    r"(?P<not_run><!-- not run: [^>]+ -->\s*\n)?^```python\n(?P<code>.*?)^```$",
    flags=re.DOTALL | re.MULTILINE,
)
DOCUMENTS = [
    path
    for path in [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
    if path.exists()
]
OPTIONAL = re.compile(r"^import (torch|jax|rclpy)\b", flags=re.MULTILINE)
NETWORK = re.compile(r"\bimport\b.*\b(discover|mirror|PoolToTopic)\b")
EXAMPLES = sorted((REPOSITORY / "examples").glob("*.py"))


def code_of(document: Path) -> str:
    """The blocks of a document in one program, each on the lines it has in the document."""
    text = document.read_text(encoding="utf-8")
    lines: list[str] = []
    for match in BLOCK.finditer(text):
        if match.group("not_run") is None:
            lines += [""] * (text.count("\n", 0, match.start("code")) - len(lines))
            lines += match.group("code").splitlines()
    return "\n".join(lines) + "\n" if lines else ""


@pytest.fixture
def own_namespace(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = f"t{uuid4().hex[:12]}"
    monkeypatch.setenv("TENSOR_IPC_NAMESPACE", name)
    yield name
    left = segments_of(name)
    for path in left:
        path.unlink()
    assert left == []


def skip_without_its_framework(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in OPTIONAL.findall(code):
        pytest.importorskip(module)
    if NETWORK.search(code):
        if not network.is_built_in():
            pytest.skip("this tensor-ipc was built without Cyclone DDS")
        monkeypatch.setenv("TENSOR_IPC_DDS", "on")
        monkeypatch.setenv("TENSOR_IPC_DDS_DOMAIN", "39")


def run(program: Path, where: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(program)],
        cwd=where,
        env={**os.environ, "PYTHONWARNINGS": "error::DeprecationWarning:__main__"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * HANG_S,
        check=False,
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_code_of_document_runs(
    document: Path, own_namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own_namespace
    code = code_of(document)
    if not code:
        pytest.skip(f"{document.name} has no Python to run")
    skip_without_its_framework(code, monkeypatch)
    program = tmp_path / f"code_of_{document.stem}.py"  # not numpy.py, which others import
    program.write_text(code, encoding="utf-8")

    result = run(program, tmp_path)

    assert result.returncode == 0, result.stderr


def without_killed_workers(text: str) -> str:
    """`text` without what Python says of the semaphores of a worker that torch ended by a signal.

    Its DataLoader does that to workers that take some seconds to leave, on a busy machine.
    """
    semaphore = re.compile(
        r"^.*resource_tracker: (There appear to be \d+ leaked semaphore|'/mp-).*\n.*warnings\.warn.*\n",
        flags=re.MULTILINE,
    )
    return semaphore.sub("", text)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_runs(
    example: Path, own_namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own_namespace
    skip_without_its_framework(example.read_text(encoding="utf-8"), monkeypatch)

    result = run(example, tmp_path)

    assert without_killed_workers(result.stderr) == ""
    assert result.returncode == 0
    assert result.stdout


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5
