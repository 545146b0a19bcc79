"""What is counted, built as users get it: the core by itself, and the Python module."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
_BUILD = ROOT / "build" / "instructions"

#: Their versions take part in what is counted, so they are fixed. Change them with new counts.
NUMPY = {"3.11": "2.4.6"}
NANOBIND = "2.9.2"


class Built(NamedTuple):
    """Where to find what was built."""

    core_paths: Path
    python: Path
    """An interpreter with NumPy."""
    packages: Path
    """What goes onto its path: tensor_ipc."""
    marks: Path


def build() -> Built:
    """Build what changed since the last time.

    Raises
    ------
    subprocess.CalledProcessError
        A compiler or pip failed; its output was printed.
    """
    # Each Python has its own: what pip and CMake found for one is of no use to another.
    of_python = _BUILD / f"python-{platform.python_version()}"
    python = _environment(of_python / "venv")
    core, module = _BUILD / "core", of_python / "build"
    _cmake(core, "-DTENSOR_IPC_BUILD_TESTS=OFF")
    _cmake(
        module,
        "-DTENSOR_IPC_BUILD_TESTS=OFF",
        "-DTENSOR_IPC_BUILD_PYTHON=ON",
        f"-DPython_EXECUTABLE={python}",
    )
    return Built(
        core / "bench/instructions/tensor_ipc_core_paths",
        python,
        _packages(
            of_python / "packages", next((module / "src/tensor_ipc/bindings").glob("_core*.so"))
        ),
        module / "bench/instructions/libtensor_ipc_marks.so",
    )


def _environment(folder: Path) -> Path:
    python = folder / "bin/python"
    if not python.exists():
        venv.create(folder, with_pip=True, clear=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    numpy = f"numpy=={NUMPY[version]}" if version in NUMPY else "numpy"
    _run(
        *(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *(numpy, f"nanobind=={NANOBIND}"),
    )
    return python


def _cmake(folder: Path, *options: str) -> None:
    generator = () if (folder / "CMakeCache.txt").exists() else ("-G", "Ninja")
    _run(
        *("cmake", "-S", str(ROOT), "-B", str(folder), *generator),
        *("-DCMAKE_BUILD_TYPE=Release", "-DTENSOR_IPC_BUILD_INSTRUCTIONS=ON", *options),
    )
    _run("cmake", "--build", str(folder), "--parallel", str(os.cpu_count()))


def _packages(folder: Path, core: Path) -> Path:
    """Return `folder` with the package as it would be installed: links, so that it is of now."""
    package = folder / "tensor_ipc"
    package.mkdir(parents=True, exist_ok=True)
    for old in package.iterdir():
        old.unlink()
    source = ROOT / "python/tensor_ipc"
    for entry in [*source.iterdir(), core]:
        if entry.name != "__pycache__":
            (package / entry.name).symlink_to(entry)
    return folder


def _run(*command: str) -> None:
    finished = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if finished.returncode != 0:
        print(finished.stdout, file=sys.stderr)
        finished.check_returncode()
