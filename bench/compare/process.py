"""One job of one contender, in fresh processes that end with it, whatever happens."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator

from bench.compare import leftovers
from bench.compare.install import ROOT, without_paths
from bench.compare.memory import proportional_bytes

if TYPE_CHECKING:
    from bench.compare.catalogue import Entry
    from bench.compare.contract import Job

#: Beyond the time that is measured: start, discovery, warm-up, end.
_GRACE_S = 120.0


class FailedError(Exception):
    """A job gave no figures; the text says why."""


def run(entry: Entry, job: Job, command: list[str]) -> dict[str, Any]:
    """Return the figures of `job`. `command` is what runs it, without job and output.

    Raises
    ------
    FailedError
        It ended without figures, or not at all.
    """
    before = leftovers.names()
    limit_s = _GRACE_S + max(job.seconds, job.frames * job.period_s)
    with tempfile.TemporaryDirectory() as folder, _daemon(entry) as daemon:
        output, log = Path(folder) / "figures.json", Path(folder) / "log"
        with log.open("wb") as sink:
            group = subprocess.Popen(
                [*command, *_arguments(entry, job), str(output)],
                cwd=ROOT,
                env=_environment(job),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        timed_out = False
        try:
            group.wait(limit_s)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group.pid, signal.SIGKILL)
            group.wait()
            leftovers.remove(before, (f"*{job.name}*", *entry.leftovers))
        if timed_out:
            msg = f"not over after {limit_s:.0f} s: {_last_words(log)}"
            raise FailedError(msg)
        if not output.exists():
            msg = f"exit code {group.returncode}: {_last_words(log)}"
            raise FailedError(msg)
        figures: dict[str, Any] = json.loads(output.read_text())
        if daemon:
            figures["memory_mb"] += proportional_bytes(daemon.pid) / 1e6
    return figures


def _arguments(entry: Entry, job: Job) -> list[str]:
    if entry.language == "python":
        return [entry.target, json.dumps(asdict(job))]
    # A program has no JSON to read: name=value.
    given = {**asdict(job), **job.options, "bytes": job.frame_bytes}
    for left_out in ("shape", "options"):
        del given[left_out]
    return [f"{name}={_plain(value)}" for name, value in given.items()]


def _plain(value: object) -> object:
    return int(value) if isinstance(value, bool) else value


def _environment(job: Job) -> dict[str, str]:
    return {
        **os.environ,
        "TENSOR_IPC_NAMESPACE": job.name,
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(ROOT), os.environ.get("BENCH_COMPARE_PATH")])
        ),
        # Copies of arrays are not what these are for, and their threads are in the way.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


@contextlib.contextmanager
def _daemon(entry: Entry) -> Iterator[subprocess.Popen[str] | None]:
    if not entry.daemon:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(__file__).with_name("native") / "roudi.toml"
        log = Path(folder) / "log"
        with log.open("w") as sink:
            process = subprocess.Popen(
                [*entry.daemon, str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                text=True,
            )
        try:
            until = time.monotonic() + 20
            while "ready for clients" not in log.read_text():
                if process.poll() is not None or time.monotonic() > until:
                    msg = f"{entry.daemon[0]} did not start: {_last_words(log)}"
                    raise FailedError(msg)
                time.sleep(0.05)
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _last_words(log: Path) -> str:
    lines = [
        line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()
    ]
    return without_paths(" | ".join(lines[-3:]))[-500:] or "it said nothing"
