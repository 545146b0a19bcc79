"""Two network namespaces as two hosts, with a /dev/shm and a name each."""

from __future__ import annotations

import os
import shutil
import subprocess
import textwrap
from typing import TYPE_CHECKING, Iterator
from uuid import uuid4

import pytest
from support import HANG_S, Child

if TYPE_CHECKING:
    from typing import Callable

PRODUCER = """
    import sys
    import numpy as np
    from tensor_ipc import TensorProducer

    producer = TensorProducer.from_sample("shared/name", np.zeros((4, 5), np.uint8), 4)
    print("made", flush=True)
    for line in sys.stdin:
        print(producer.put(np.zeros((4, 5), np.uint8)), flush=True)
"""
# Says which pools it sees, until its input ends. Each time as one who has just come.
OBSERVER = """
    import sys
    from tensor_ipc import discover

    for line in sys.stdin:
        pools = discover(float(line))
        print([(each.host, each.alive, each.is_local) for each in pools], flush=True)
"""


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def why_not() -> str:
    """Return what keeps this process from making network namespaces, or nothing."""
    if shutil.which("ip") is None or shutil.which("unshare") is None:
        return "needs ip (iproute2) and unshare (util-linux)"
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    probe = ["unshare", "--net", "--mount", "--uts", "ip", "link", "add", "type", "veth"]
    if subprocess.run(probe, check=False, stderr=subprocess.PIPE).returncode != 0:
        return "network namespaces with veth pairs are not permitted here"
    return ""


class Host:
    """One of two that a cable connects."""

    def __init__(self, name: str, address: str, peer: str, domain: int) -> None:
        self.name = name
        self.address = address
        self.peer = peer
        self.domain = domain
        self.children: list[Child] = []
        ip("netns", "add", name)

    def plug(self, link: str) -> None:
        ip("link", "set", link, "netns", self.name)
        ip("-n", self.name, "address", "add", f"{self.address}/24", "dev", link)
        for each in ("lo", link):
            ip("-n", self.name, "link", "set", each, "up")

    def start(self, program: str, interface: str | None = None, peers: str = "") -> Child:
        """Run a Python program there; on the loopback interface without `interface`."""
        set_up = f"""
            import os, subprocess, sys
            subprocess.run(["hostname", {self.name!r}], check=True)
            subprocess.run(["mount", "-t", "tmpfs", "shm", "/dev/shm"], check=True)
            os.environ["TENSOR_IPC_DDS_DOMAIN"] = {str(self.domain)!r}
            os.environ["TENSOR_IPC_DDS_INTERFACE"] = {interface or "lo"!r}
            os.environ["TENSOR_IPC_DDS_PEERS"] = {peers!r}
        """
        child = Child(
            textwrap.dedent(set_up) + textwrap.dedent(program),
            within=["ip", "netns", "exec", self.name, "unshare", "--mount", "--uts"],
        )
        self.children.append(child)
        return child

    def remove(self) -> None:
        for child in self.children:
            child.kill()
        ip("netns", "delete", self.name)


@pytest.fixture
def hosts(domain: int) -> Iterator[tuple[Host, Host]]:
    reason = why_not()
    if reason:
        pytest.skip(reason)
    tag = uuid4().hex[:6]
    pair = (
        Host(f"tipc-{tag}a", "10.77.0.1", "10.77.0.2", domain),
        Host(f"tipc-{tag}b", "10.77.0.2", "10.77.0.1", domain),
    )
    ip("link", "add", f"v{tag}a", "type", "veth", "peer", "name", f"v{tag}b")
    for host, side in zip(pair, "ab"):
        host.plug(f"v{tag}{side}")
    yield pair
    for host in pair:
        host.remove()


def await_answer(observer: Child, is_it: Callable[[str], bool]) -> str:
    """Ask for the pools again and again; return the first answer that is the right one."""
    for _ in range(int(HANG_S)):
        observer.write(0.3)
        answer = observer.read()
        if is_it(answer):
            return answer
    msg = f"the last answer was {answer}"
    raise AssertionError(msg)


@pytest.mark.parametrize("by_peers", [True, False], ids=["by peers", "by multicast"])
def test_pools_of_one_host_are_seen_on_the_other(
    hosts: tuple[Host, Host], by_peers: bool
) -> None:
    here, there = hosts
    owner = here.start(PRODUCER, here.address, here.peer if by_peers else "")
    owner.read()
    owner.write()
    owner.read()
    observer = there.start(OBSERVER, there.address, there.peer if by_peers else "")

    answer = await_answer(observer, lambda text: text != "[]")
    assert answer == str([(here.name, True, False)])

    also = there.start(PRODUCER, there.address, there.peer if by_peers else "")
    also.read()
    both = await_answer(observer, lambda text: text.count("True, ") == 2)
    assert both == str([(here.name, True, False), (there.name, True, False)])

    owner.kill()
    await_answer(observer, lambda text: text == str([(there.name, True, False)]))


def test_nothing_leaves_the_host_unless_it_is_asked_for(hosts: tuple[Host, Host]) -> None:
    here, there = hosts
    owner = here.start(PRODUCER)
    owner.read()
    at_home = here.start(OBSERVER)
    await_answer(at_home, lambda text: text == str([(here.name, True, False)]))
    observer = there.start(OBSERVER, there.address, there.peer)

    observer.write(1.0)

    assert observer.read() == "[]"
