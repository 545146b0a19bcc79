"""When there is a participant and when not, and that nobody has to wait or fail for one."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tensor_ipc
from tensor_ipc import DdsError, discover

if TYPE_CHECKING:
    from support import StartChild

# The beginning of each child's program.
PRELUDE = """
    import warnings
    # Python 3.12 and later: of fork() in a process with threads, which is what is tested.
    warnings.filterwarnings("ignore", "This process", DeprecationWarning)
    import logging, os, sys, time
    import numpy as np
    import tensor_ipc
    from tensor_ipc import TensorConsumer, TensorProducer

    logging.basicConfig(format="%(levelname)s %(message)s")
    SAMPLE = np.zeros((2, 3), np.int32)

    def threads():
        return sorted(
            open(f"/proc/self/task/{task}/comm").read().strip()
            for task in os.listdir("/proc/self/task")
        )

    def loaded():
        return "tensor_ipc._dds" in sys.modules

    def await_announced(producer):
        while not producer._announcement.is_announced:
            time.sleep(0.002)
"""


def run(start_child: StartChild, program: str, *args: object) -> tuple[str, str]:
    """Run a program to its end, which has to be an orderly one: output and errors."""
    child = start_child(PRELUDE + program, *args)
    code, output, errors = child.finish()
    assert code == 0, errors
    return output, errors


def test_nothing_is_loaded_by_import_nor_by_a_consumer(
    start_child: StartChild, pool: str
) -> None:
    output, errors = run(
        start_child,
        """
    metadata = tensor_ipc.MetadataCreator.from_numpy_sample(sys.argv[1], SAMPLE)
    with TensorConsumer(metadata) as consumer:
        consumer.wait(0.6)
    print(loaded())
        """,
        pool,
    )
    assert output == "False\n"
    assert errors == ""


def test_short_lived_producer_never_joins(start_child: StartChild, pool: str) -> None:
    output, errors = run(
        start_child,
        """
    with TensorProducer.from_sample(sys.argv[1], SAMPLE) as producer:
        producer.put(SAMPLE)
    print(loaded())
        """,
        pool,
    )
    assert output == "False\n"
    assert errors == ""


def test_all_threads_are_gone_when_the_last_producer_is(
    start_child: StartChild, pool: str, domain: int
) -> None:
    output, errors = run(
        start_child,
        """
    before = threads()
    for _ in range(3):
        producers = [
            TensorProducer.from_sample(f"{sys.argv[1]}/{i}", SAMPLE, 1, int(sys.argv[2]))
            for i in range(3)
        ]
        for producer in producers:
            await_announced(producer)
        assert len(threads()) > len(before)
        for producer in producers:
            producer.cleanup()
        while threads() != before:  # the one that began them may be on its way out
            time.sleep(0.002)
    print("gone")
        """,
        pool,
        domain,
    )
    assert output == "gone\n"
    assert errors == ""


@pytest.mark.parametrize("ending", ["pass", "del producer, consumer", "sys.exit(0)"])
def test_interpreter_ends_in_order_whatever_is_open(
    start_child: StartChild, pool: str, domain: int, ending: str
) -> None:
    output, errors = run(
        start_child,
        f"""
    domain = int(sys.argv[2])
    producer = TensorProducer.from_sample(sys.argv[1], SAMPLE, 1, domain)
    consumer = TensorConsumer.attach(
        sys.argv[1], notify="dds", dds_participant=domain, callback=lambda frame: None
    )
    await_announced(producer)
    producer.put(SAMPLE)
    print("open", flush=True)
    {ending}
        """,
        pool,
        domain,
    )
    assert output == "open\n"
    assert errors == ""


def test_interpreter_may_end_while_it_joins(
    start_child: StartChild, pool: str, domain: int
) -> None:
    output, errors = run(
        start_child,
        """
    producers = [
        TensorProducer.from_sample(f"{sys.argv[1]}/{i}", SAMPLE, 1, int(sys.argv[2]))
        for i in range(20)
    ]
    print("made", flush=True)
        """,
        pool,
        domain,
    )
    assert output == "made\n"
    assert errors == ""


def test_children_of_a_busy_process_begin_anew(
    start_child: StartChild, pool: str, domain: int
) -> None:
    """They neither hang in what the parent's threads held, nor end the parent's pools."""
    output, errors = run(
        start_child,
        """
    name, domain = sys.argv[1], int(sys.argv[2])
    producers = [TensorProducer.from_sample(f"{name}/{i}", SAMPLE, 1, domain) for i in range(5)]
    readers = [
        TensorConsumer.attach(f"{name}/{i}", notify="dds", dds_participant=domain)
        for i in range(5)
    ]
    for producer in producers:
        await_announced(producer)
    ended = 0
    for turn in range(20):
        for producer in producers:
            producer.put(SAMPLE)
        child = os.fork()
        if child == 0:
            with TensorProducer.from_sample(f"{name}/child", SAMPLE, 1, domain) as own:
                await_announced(own)
                found = set()
                while len(found) < 6:
                    found = {each.name for each in tensor_ipc.discover(0.02)}
            os._exit(0)
        ended += os.waitpid(child, 0)[1] == 0
    found = []
    while len(found) < 5:
        found = [each for each in tensor_ipc.discover(0.2) if each.name != f"{name}/child"]
    print(ended, len(found), all(each.alive for each in found))
        """,
        pool,
        domain,
    )
    assert output == "20 5 True\n"
    assert errors == ""


def test_child_of_a_process_with_dds_announces_only_what_it_is_asked_to(
    start_child: StartChild, pool: str, domain: int
) -> None:
    output, errors = run(
        start_child,
        """
    name, domain = sys.argv[1], int(sys.argv[2])
    with TensorProducer.from_sample(f"{name}/parent", SAMPLE) as producer:
        await_announced(producer)
        child = os.fork()
        if child == 0:
            plain = TensorProducer.from_sample(f"{name}/plain", SAMPLE)
            asked = TensorProducer.from_sample(f"{name}/asked", SAMPLE, 1, domain)
            ok = plain._announcement is None and asked._announcement is not None
            plain.put(SAMPLE)
            asked.cleanup()
            plain.cleanup()
            os._exit(0 if ok else 1)
        print(os.waitpid(child, 0)[1])
        """,
        pool,
        domain,
    )
    assert output == "0\n"
    assert errors == ""


def test_multiprocessing_children_end_in_order(
    start_child: StartChild, pool: str, domain: int
) -> None:
    output, errors = run(
        start_child,
        """
    import multiprocessing

    def child(name, domain):
        producer = TensorProducer.from_sample(name, SAMPLE, 1, domain)
        await_announced(producer)
        producer.put(SAMPLE)

    producer = TensorProducer.from_sample(sys.argv[1], SAMPLE, 1, int(sys.argv[2]))
    await_announced(producer)
    process = multiprocessing.get_context("fork").Process(
        target=child, args=(f"{sys.argv[1]}/child", int(sys.argv[2]))
    )
    process.start()
    process.join()
    print(process.exitcode)
        """,
        pool,
        domain,
    )
    assert output == "0\n"
    assert errors == ""


def test_interface_that_is_not_there_is_told_once_and_hinders_nobody(
    start_child: StartChild, pool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENSOR_IPC_DDS_INTERFACE", "nosuch0")
    output, errors = run(
        start_child,
        """
    from tensor_ipc.core import network

    producers = [TensorProducer.from_sample(f"{sys.argv[1]}/{i}", SAMPLE) for i in range(3)]
    print([producer.put(SAMPLE) for producer in producers])
    while network._beginner._is_running:
        time.sleep(0.01)
        """,
        pool,
    )
    assert output == "[0, 0, 0]\n"
    told = [line for line in errors.splitlines() if line.startswith("WARNING")]
    assert len(told) == 1
    assert "interface nosuch0" in told[0]
    assert "TENSOR_IPC_DDS=off" in told[0]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TENSOR_IPC_DDS_DOMAIN", "many"),
        ("TENSOR_IPC_DDS_DOMAIN", "231"),
        ("TENSOR_IPC_DDS_INTERFACE", 'lo"/><evil a="'),
        ("TENSOR_IPC_DDS_PEERS", "127.0.0.1,<"),
    ],
)
def test_environment_that_makes_no_sense_is_a_value_error(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match="DDS"):
        discover(0.0)


def test_refused_interface_is_a_dds_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSOR_IPC_DDS_INTERFACE", "nosuch0")
    with pytest.raises(DdsError, match=r"dds_create_(domain|participant).*interface nosuch0"):
        discover(0.0)


CONFIGURATION = """<CycloneDDS><Domain Id="any">
<General><Interfaces><NetworkInterface name="lo"/></Interfaces>
<AllowMulticast>false</AllowMulticast></General>
<Discovery><ParticipantIndex>auto</ParticipantIndex>
<Peers><Peer address="127.0.0.1"/></Peers></Discovery></Domain></CycloneDDS>
"""


@pytest.mark.parametrize("where", ["in a file", "in the variable"])
def test_configuration_of_cyclone_dds_comes_before_ours(
    start_child: StartChild,
    pool: str,
    where: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "cyclone.xml"
    path.write_text(CONFIGURATION, encoding="utf-8")
    monkeypatch.setenv(
        "CYCLONEDDS_URI", f"file://{path}" if where == "in a file" else CONFIGURATION
    )
    monkeypatch.setenv("TENSOR_IPC_DDS_INTERFACE", "nosuch0")
    # Each in its own process, where this is what the domain is configured by. The child of a fork
    # adds to it what a forked child needs.
    output, errors = run(
        start_child,
        """
    producer = TensorProducer.from_sample(sys.argv[1], SAMPLE)
    await_announced(producer)
    child = os.fork()
    if child == 0:
        while not tensor_ipc.discover(0.05):
            pass
        os._exit(0)
    print(os.waitpid(child, 0)[1])
        """,
        pool,
    )
    assert output == "0\n"
    assert errors == ""


def test_switched_off_it_stays_off_whatever_is_asked_for(
    start_child: StartChild, pool: str, domain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENSOR_IPC_DDS", "off")
    output, errors = run(
        start_child,
        """
    with TensorProducer.from_sample(sys.argv[1], SAMPLE, 1, int(sys.argv[2])) as producer:
        time.sleep(0.05)
        print(producer.put(SAMPLE), producer._announcement, loaded())
        """,
        pool,
        domain,
    )
    assert output == "0 None False\n"
    assert errors == ""


@pytest.fixture
def without_dds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package as it is when it was built without Cyclone DDS."""
    shutil.copytree(
        Path(tensor_ipc.__file__).parent,
        tmp_path / "tensor_ipc",
        ignore=shutil.ignore_patterns("_dds.*.so", "__pycache__"),
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))


@pytest.mark.usefixtures("without_dds")
def test_without_cyclone_dds_pools_work_and_asking_for_it_says_how_to_get_it(
    start_child: StartChild, pool: str
) -> None:
    output, errors = run(
        start_child,
        """
    from tensor_ipc.core import network

    assert not network.is_built_in()
    with TensorProducer.from_sample(sys.argv[1], SAMPLE) as producer:
        print(producer.put(SAMPLE))
    for ask in (
        lambda: TensorProducer.from_sample(sys.argv[1], SAMPLE, 1, 5),
        lambda: TensorConsumer.from_sample(sys.argv[1], SAMPLE, notify="dds"),
        lambda: tensor_ipc.discover(0.0),
    ):
        try:
            ask()
        except tensor_ipc.DdsUnavailableError as error:
            print("apt-get install cyclonedds-dev" in str(error), isinstance(error, ImportError))
        """,
        pool,
    )
    assert output == "0\n" + "True True\n" * 3
    assert errors == ""
