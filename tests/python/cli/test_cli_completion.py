import os
import subprocess
import sys

import numpy as np
import pytest

from tensor_ipc import TensorProducer


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(tensor_ipc, shell):
    result = tensor_ipc("completion", shell)

    assert result.exit_code == 0
    assert "_TENSOR_IPC_COMPLETE" in result.output
    assert "tensor-ipc" in result.output


def test_shell_completes_the_names_of_pools(pool):
    with TensorProducer.from_sample(pool, np.zeros(1)):
        completed = subprocess.run(
            [
                sys.executable,
                "-c",
                "from tensor_ipc.cli import main; main(prog_name='tensor-ipc')",
            ],
            env={
                **os.environ,
                "_TENSOR_IPC_COMPLETE": "bash_complete",
                "COMP_WORDS": "tensor-ipc info pool",
                "COMP_CWORD": "2",
            },
            check=False,
            capture_output=True,
            text=True,
        ).stdout

    assert completed.strip() == f"plain,{pool}"
