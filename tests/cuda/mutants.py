"""Mistakes in the code of pools on a device, and the tests that have to find each of them.

    mutants.py names                 prints "name file" for each
    mutants.py make NAME FILE OUT    writes FILE with the mistake to OUT
    mutants.py catch NAME PROGRAM    runs the tests of NAME; passes when every one of them fails

Each mutant is one piece of text in one file that becomes another. CMakeLists.txt builds the tests
once more with it.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PRODUCER = "pool/cuda_producer_core.cpp"
READER = "pool/device_reader.cpp"
SEGMENT = "segment/producer_segment.cpp"

FULL_SPEED = "Kinds/CudaPoolProcesses.ShowEveryFrameWholeAtFullSpeed/"


@dataclass(frozen=True)
class Mutant:
    """One change of the code, and tests that fail with it."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def each_kind(*tests: str) -> tuple[str, ...]:
    """Return the tests with memory of each kind."""
    return tuple(test + kind for test in tests for kind in ("Ipc", "Vmm"))


MUTANTS = [
    Mutant(
        "commit_at_once",
        PRODUCER,
        "        return then(current, Then::Commit, slot, extent, captured_ns);\n",
        "        commit(slot, extent, captured_ns);\n        return {};\n",
        each_kind("Kinds/CudaPool.ShowsNoFrameBeforeItsBytesAreThere/", FULL_SPEED),
    ),
    Mutant(
        "commit_before_the_copy",
        PRODUCER,
        "    if (auto copied = copy(current, slot, frame, origin); !copied) {\n"
        "        return copied;\n"
        "    }\n",
        "    if (auto early = publish_here(current, slot, frame.bytes / "
        "segment_.geometry.row_bytes, captured_ns); !early) {\n"
        "        return early;\n"
        "    }\n"
        "    return copy(current, slot, frame, origin);\n",
        each_kind(FULL_SPEED),
    ),
    Mutant(
        "wait_for_nothing",
        PRODUCER,
        "    return parts_.stream.wait_for(current, event);\n",
        "    return {};\n",
        each_kind(FULL_SPEED),
    ),
    Mutant(
        "let_the_source_change_at_once",
        PRODUCER,
        "    return cuda::let_wait(*there ? **there : current, stream, parts_.after);\n",
        "    return {};\n",
        each_kind(FULL_SPEED),
    ),
    Mutant(
        "publish_into_a_graph",
        PRODUCER,
        "    if (*capturing) {\n",
        "    if (*capturing && stream == nullptr) {\n",
        each_kind("Kinds/CudaPool.RefusesAStreamThatRecordsAGraph/"),
    ),
    Mutant(
        "give_a_loan_back_at_once",
        PRODUCER,
        "    if (follows && then(current.value(), Then::GiveBack, slot, 0, {})) {\n"
        "        return;\n"
        "    }\n"
        "    if (current) {\n"
        "        static_cast<void>(parts_.stream.synchronize(current.value()));\n"
        "    }\n",
        "    static_cast<void>(follows);\n",
        each_kind("Kinds/CudaPool.GivesALoanBackWhenTheDeviceIsDoneWithIt/"),
    ),
    Mutant(
        "free_under_an_import",
        PRODUCER,
        "        if (!is_anybody_attached()) {\n",
        "        {\n",
        ("Kinds/CudaPoolProcesses.KeepFramesWholeWhenThePoolEndsWhileTheyAreHeld/Ipc",),
    ),
    Mutant(
        "unpin_at_once",
        READER,
        "    if (hold->streams_.empty() && "
        "!hold->was_handed_out_.load(std::memory_order_relaxed)) {\n",
        "    if (hold != nullptr) {\n",
        each_kind("Kinds/CudaViews.StayUntilTheStreamThatReadsThemIsDone/", FULL_SPEED),
    ),
    Mutant(
        "close_on_the_drivers_thread",
        READER,
        "    hold->unpin();\n    FrameHold* first",
        "    hold->unpin();\n    delete hold;\n    return;\n    FrameHold* first",
        each_kind("Kinds/CudaViews.LeaveNothingWhenTheDeviceLetsThemGoLast/"),
    ),
    Mutant(
        "take_over_in_place",
        SEGMENT,
        "    return !ended && !found.geometry.on_device() &&",
        "    return !ended &&",
        each_kind("Kinds/CudaPoolProcesses.FollowProducersThatAreKilledAndComeAgain/"),
    ),
]


def find(name: str) -> Mutant:
    """Return the mutant of that name."""
    return next(mutant for mutant in MUTANTS if mutant.name == name)


def make(name: str, file: str, out: str) -> None:
    """Write `file` with the mistake, or fail when it is not where it was."""
    mutant = find(name)
    text = Path(file).read_text()
    if text.count(mutant.old) != 1:
        sys.exit(
            f"{name}: expected its text once in {file}, found it {text.count(mutant.old)} times"
        )
    Path(out).write_text(text.replace(mutant.old, mutant.new))


def catch(name: str, program: str) -> None:
    """Run each test of a mutant by itself; it has to run and to fail."""
    missed = []
    for test in find(name).tests:
        run = subprocess.run(
            [program, f"--gtest_filter={test}"], capture_output=True, text=True, check=False
        )
        failed = run.returncode != 0 and f"[ RUN      ] {test}" in run.stdout
        print(f"{'caught' if failed else 'MISSED'} by {test}")
        missed += [] if failed else [run.stdout + run.stderr]
    sys.exit("\n".join(missed) if missed else 0)


if __name__ == "__main__":
    command, *arguments = sys.argv[1:] or [""]
    if command == "names":
        print("\n".join(f"{mutant.name} {mutant.file}" for mutant in MUTANTS))
    elif command == "make":
        make(*arguments)
    elif command == "catch":
        catch(*arguments)
    else:
        sys.exit(__doc__)
