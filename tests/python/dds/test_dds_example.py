"""examples/discover.py, and the first block of docs/dds.md."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from support import REPOSITORY, filled

from tensor_ipc import discover

if TYPE_CHECKING:
    import pytest
    from support import MakeProducer


def await_discovered(pool: str) -> None:
    while pool not in {each.name for each in discover(0.05)}:
        pass


def test_example_sees_a_pool_and_reads_it(
    new_producer: MakeProducer, pool: str, domain: int
) -> None:
    producer = new_producer(dds_participant=domain)
    producer.put(filled(1))
    await_discovered(pool)

    output = subprocess.run(
        [sys.executable, REPOSITORY / "examples" / "discover.py", "--seconds", "0.4"],
        check=True,
        stdout=subprocess.PIPE,
    ).stdout.decode()

    assert f"{pool} on " in output
    assert "2 x 3 int32, alive" in output
    assert "frame 0, " in output
    assert output.endswith("1 pools seen\n")


def test_block_of_the_page_runs_as_printed(
    new_producer: MakeProducer, pool: str, domain: int, capsys: pytest.CaptureFixture[str]
) -> None:
    new_producer(dds_participant=domain)
    await_discovered(pool)
    page = (REPOSITORY / "docs" / "dds.md").read_text(encoding="utf-8")
    block = page.split("```python\n", 1)[1].split("```", 1)[0]

    exec(block, {})

    assert capsys.readouterr().out.startswith(f"{pool} ")
