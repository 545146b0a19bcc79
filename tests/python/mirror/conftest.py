"""Mirrors between two network namespaces, each test in a DDS domain of its own."""

from __future__ import annotations

import itertools
import os
from typing import Callable, Iterator

import pytest
from links import CannotLinkError, Link
from sides import Command, Producer
from support import segments_of

from tensor_ipc.core import network

MakeLink = Callable[..., Link]
Start = Callable[..., Command]
Produce = Callable[..., Producer]

# 40 to 59, from another place in each process of a machine on which several test.
_domains = itertools.cycle(40 + (os.getpid() + i) % 20 for i in range(20))


@pytest.fixture(autouse=True)
def domain(monkeypatch: pytest.MonkeyPatch) -> int:
    if not network.is_built_in():
        pytest.skip("this tensor-ipc was built without Cyclone DDS")
    number = next(_domains)
    monkeypatch.setenv("TENSOR_IPC_DDS", "on")
    monkeypatch.setenv("TENSOR_IPC_DDS_DOMAIN", str(number))
    monkeypatch.delenv("CYCLONEDDS_URI", raising=False)
    return number


@pytest.fixture
def source_space(namespace: str) -> Iterator[str]:
    """Namespace of the pools at the source; the test's own is that of the mirror."""
    name = f"{namespace}-far"
    yield name
    for path in segments_of(name):
        path.unlink()


@pytest.fixture
def make_link() -> Iterator[MakeLink]:
    made = []

    def make(relay: dict[str, float] | None = None) -> Link:
        try:
            link = Link(relay)
        except (CannotLinkError, OSError) as error:
            pytest.skip(f"no network namespaces here: {error}")
        made.append(link)
        return link

    yield make
    for link in made:
        link.remove()


@pytest.fixture
def start(namespace: str) -> Iterator[Start]:
    """Start ``tensor-ipc mirror``; what still runs at the end is killed."""
    started = []

    def run(place: str | None, *words: object, name_space: str = namespace) -> Command:
        command = Command(place, name_space, *words)
        started.append(command)
        return command

    yield run
    for command in started:
        command.kill()
    for path in segments_of(namespace):
        path.unlink()  # of mirrors that were killed


@pytest.fixture
def produce(source_space: str) -> Iterator[Produce]:
    started = []

    def run(name: str, shape: tuple[int, ...] = (48, 64, 3), rate: float = 0.0) -> Producer:
        producer = Producer(source_space, name, shape, rate)
        started.append(producer)
        return producer

    yield run
    for producer in started:
        producer.kill()
