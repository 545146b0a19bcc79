"""What the command refuses before it does anything."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from tensor_ipc.cli import main


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "name one pool"),
        (["one"], "name one pool"),
        (["one", "two", "--from", "any"], "name one pool"),
        (["--all", "--from", "any"], "name one pool"),
        (["--serve"], "or say --all"),
        (["--serve", "one", "--from", "any"], "neither --from nor --as"),
        (["--serve", "one", "--as", "two"], "neither --from nor --as"),
        (["one", "--from", "any", "--piece-bytes", "10"], "--piece-bytes"),
    ],
)
def test_wrong_usage_is_told(words: list[str], reason: str) -> None:
    result = CliRunner().invoke(main, ["mirror", *words])

    assert result.exit_code == 2
    assert reason in result.output


def test_interface_that_is_not_there_is_exit_code_1() -> None:
    result = CliRunner().invoke(main, ["mirror", "--serve", "one", "--interface", "nosuch0"])

    assert result.exit_code == 1
    assert "DdsError" in result.output
    assert "nosuch0" in result.output
