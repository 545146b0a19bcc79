"""Get a contender ready, or the reason why it is not to be had."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.compare.catalogue import Entry

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "compare"


class NotInstalledError(Exception):
    """A contender cannot take part; the text says why."""


def python_of(environment: str) -> Path:
    """Return the interpreter of a contender's environment."""
    return BUILD / "venv" / environment / "bin/python"


def program(target: str) -> Path:
    """Return where CMake puts a contender's program."""
    return BUILD / "native" / "bench/compare/native" / target


def install(entry: Entry) -> None:
    """Install what `entry` needs, where it is not there.

    Raises
    ------
    NotInstalledError
        It could not be had.
    """
    _apt(entry.packages)
    if entry.language == "python":
        _pip(entry)
    else:
        _build(entry.target)


def _build(target: str) -> None:
    native = BUILD / "native"
    _run(
        *("cmake", "-S", str(ROOT), "-B", str(native), "-DCMAKE_BUILD_TYPE=Release"),
        *("-DTENSOR_IPC_BUILD_COMPARE=ON", "-DTENSOR_IPC_BUILD_TESTS=OFF"),
    )
    jobs = str(os.cpu_count())
    _run("cmake", "--build", str(native), "--parallel", jobs, "--target", target)


def _apt(packages: tuple[str, ...]) -> None:
    missing = [
        package
        for package in packages
        if subprocess.run(
            ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}", package],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ).stdout.strip()
        != "ii"
    ]
    if missing:
        root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        install_now = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
        _run(*root, "apt-get", "update", "-qq")
        _run(*root, "env", "DEBIAN_FRONTEND=noninteractive", *install_now)


def _pip(entry: Entry) -> None:
    python = python_of(entry.environment)
    if not python.exists():
        venv.create(python.parents[1], with_pip=True, clear=True)
    # What was installed for these requirements stays: a repeat needs no network.
    done = python.parents[1] / "installed.txt"
    wanted = "\n".join([*entry.pip_options, *entry.requirements])
    if entry.environment == "ours":
        _pip_install(python, str(ROOT))  # builds and installs what is there now
    elif not done.exists() or done.read_text() != wanted:
        _pip_install(python, *entry.pip_options, *entry.requirements)
        if entry.undeclared:
            _pip_install(python, *entry.undeclared)
        done.write_text(wanted)


def _pip_install(python: Path, *what: str) -> None:
    _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what)


def _run(*command: str) -> None:
    finished = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if finished.returncode != 0:
        last = " | ".join(finished.stdout.strip().splitlines()[-3:])[-500:]
        msg = f"{' '.join(command[:6])} ...: {last}"
        raise NotInstalledError(without_paths(msg))


def without_paths(text: str) -> str:
    """Return `text` without where this checkout lies, for figures that are kept."""
    return text.replace(f"{ROOT}/", "")
