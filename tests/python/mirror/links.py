"""Two machines: network namespaces with a link between them, direct or through `relay.py`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SOURCE_ADDRESS = "10.77.0.1"
MIRROR_ADDRESS = "10.77.0.2"


class CannotLinkError(Exception):
    """This machine lets nobody make network namespaces."""


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        msg = f"ip {' '.join(words)}: {done.stderr.strip()}"
        raise CannotLinkError(msg)


class Link:
    """Namespaces ``source`` and ``mirror``, and what is between them.

    Parameters
    ----------
    relay
        Options of `relay.py`; ``None`` for a direct link.
    """

    def __init__(self, relay: dict[str, float] | None, mtu: int = 1500) -> None:
        stem = f"tipc{os.getpid()}"
        self.source, self.mirror, self._between = f"{stem}a", f"{stem}b", f"{stem}r"
        self._made: list[str] = []
        self._relay: subprocess.Popen[str] | None = None
        try:
            self._make(relay, str(mtu))
        except BaseException:
            self.remove()
            raise

    def _make(self, relay: dict[str, float] | None, mtu: str) -> None:
        for name in (self.source, self.mirror, self._between):
            _ip("netns", "add", name)
            self._made.append(name)
            _ip("-n", name, "link", "set", "lo", "up")
        ends = [(self.source, "end0"), (self.mirror, "end1")]
        if relay is None:
            place, peer = ends[1]
            _ip(
                *("-n", self.source, "link", "add", "end0", "type", "veth"),
                *("peer", "name", peer, "netns", place),
            )
        else:
            for i, (place, name) in enumerate(ends):
                _ip(
                    *("-n", self._between, "link", "add", f"way{i}", "type", "veth"),
                    *("peer", "name", name, "netns", place),
                )
                _ip("-n", self._between, "link", "set", f"way{i}", "mtu", mtu, "up")
        for (place, name), address in zip(ends, (SOURCE_ADDRESS, MIRROR_ADDRESS)):
            _ip("-n", place, "addr", "add", f"{address}/24", "dev", name)
            _ip("-n", place, "link", "set", name, "mtu", mtu, "up")
        if relay is not None:
            program = str(Path(__file__).with_name("relay.py"))
            self._relay = subprocess.Popen(
                [
                    *("ip", "netns", "exec", self._between, sys.executable, program),
                    *("way0", "way1", json.dumps(relay)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert self._relay.stdout is not None
            if self._relay.stdout.readline() != "ready\n":
                msg = "the relay cannot open packet sockets"
                raise CannotLinkError(msg)

    def options(self, place: str) -> list[str]:
        """Return the options of ``tensor-ipc mirror`` for a process there."""
        if place == self.source:
            return ["--interface", "end0", "--peer", MIRROR_ADDRESS, "--peer", SOURCE_ADDRESS]
        return ["--interface", "end1", "--peer", SOURCE_ADDRESS, "--peer", MIRROR_ADDRESS]

    def sent_bytes(self) -> int:
        """Return how many bytes have left the source."""
        done = subprocess.run(
            ["ip", "-n", self.source, "-s", "-j", "link", "show", "end0"],
            capture_output=True,
            text=True,
            check=True,
        )
        facts: Any = json.loads(done.stdout)
        count: int = facts[0]["stats64"]["tx"]["bytes"]
        return count

    def dropped_packets(self) -> int:
        """Return how many packets the relay has dropped on the way to the mirror."""
        assert self._relay is not None
        assert self._relay.stdin is not None
        assert self._relay.stdout is not None
        self._relay.stdin.write("\n")
        self._relay.stdin.flush()
        count: int = json.loads(self._relay.stdout.readline())[0]["dropped"]
        return count

    def remove(self) -> None:
        """Take all of it down."""
        if self._relay is not None:
            self._relay.kill()
            self._relay.communicate()
        for name in self._made:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
