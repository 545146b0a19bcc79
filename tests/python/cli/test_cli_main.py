import subprocess
import sys

import pytest

COMMANDS = (
    "list",
    "info",
    "watch",
    "clean",
    "mirror",
    "ros-bridge",
    "demo",
    "bench",
    "completion",
)


def test_help_names_every_command(tensor_ipc):
    result = tensor_ipc("--help")

    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_help(tensor_ipc, name):
    result = tensor_ipc(name, "--help")

    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_version_is_printed(tensor_ipc):
    result = tensor_ipc("--version")

    assert result.exit_code == 0
    assert result.output.startswith("tensor-ipc, version ")


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["info"],
        ["list", "surplus"],
        ["watch", "pool", "--seconds", "soon"],
        ["demo", "--size", "large"],
        ["demo", "--size", "1x1"],
        ["completion", "tcsh"],
    ],
)
def test_wrong_usage_is_exit_code_2(tensor_ipc, args):
    assert tensor_ipc(*args).exit_code == 2


def test_import_leaves_rich_and_opencv_alone():
    script = (
        "import sys, tensor_ipc.cli\n"
        "print([name for name in ('rich', 'cv2', 'skimage') if name in sys.modules])"
    )

    output = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout

    assert output.strip() == "[]"


def test_module_runs_as_a_program():
    output = subprocess.run(
        [sys.executable, "-m", "tensor_ipc.cli", "--version"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert output.startswith("tensor-ipc, version ")
