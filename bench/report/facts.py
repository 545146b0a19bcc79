"""What a figure depends on besides the code: processor, kernel, compiler. No host names, no paths."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any


def machine_facts(compiler: str) -> dict[str, Any]:
    """Return the facts of this machine, of `compiler` and of the Python that runs this."""
    facts = Path("/proc/cpuinfo").read_text()
    flags = re.search(r"^flags\s*:.*\bhypervisor\b", facts, re.MULTILINE)
    return {
        "processor": _found(r"^model name\s*:\s*(.+)$", facts) or platform.machine(),
        "cores": os.cpu_count(),
        "virtual": flags is not None,
        "kernel": platform.release().split("-")[0],
        "libc": " ".join(platform.libc_ver()),
        "compiler": _first_line([compiler, "--version"]),
        "python": platform.python_version(),
    }


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1].strip() if match else ""


def _first_line(command: list[str]) -> str:
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return output.splitlines()[0]
