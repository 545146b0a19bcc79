"""examples/cuda_pool.py, with the stand-in for the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support import REPOSITORY

if TYPE_CHECKING:
    from support import StartChild


def test_example(start_child: StartChild) -> None:
    code, output, errors = start_child(
        "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')",
        REPOSITORY / "examples" / "cuda_pool.py",
    ).finish()

    assert (code, errors) == (0, "")
    assert output.splitlines() == [
        "(480, 640) float32 on cuda:0",
        "read-only: True, a view of the pool: True",
        "frames (4, 3, 2), means [4.0, 3.0, 2.0]",
    ]
