"""A link between two interfaces that loses, delays and limits: ``relay.py LEFT RIGHT JSON``.

Forwards Ethernet frames between the two through packet sockets, in user space, because netem is not
in every kernel. Run it in the network namespace where both interfaces are. The third argument is an
object with any of ``loss`` (share of packets, 0 to 1), ``delay_s``, ``bytes_per_s`` and
``queue_bytes`` (what waits for the bandwidth; beyond it packets are dropped), for each direction.
Prints ``ready``, then a line of counts for every line that it reads, until its input ends.
"""

from __future__ import annotations

import collections
import json
import random
import select
import socket
import sys
import time

# linux/if_packet.h and linux/if_ether.h; the socket module has no names for them.
_SOL_PACKET = 263
_PACKET_VNET_HDR = 15
_PACKET_IGNORE_OUTGOING = 23
_ETH_P_ALL = 3
_SO_RCVBUFFORCE = 33

_LARGEST_PACKET = 1 << 17


def open_interface(name: str) -> socket.socket:
    """Return a socket that gets all that comes in there, and sends what is written to it.

    With the header of virtio in front, which says what a packet between veth interfaces still lacks:
    checksums, and being cut into pieces. It is sent on as it came.
    """
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    link.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    link.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    link.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 32 << 20)
    link.bind((name, 0))
    link.setblocking(False)
    return link


class Direction:
    """One way through the relay."""

    def __init__(self, source: socket.socket, sink: socket.socket, options: dict[str, float]):
        self.source = source
        self._sink = sink
        self._loss = options.get("loss", 0.0)
        self._delay_s = options.get("delay_s", 0.0)
        self._bytes_per_s = options.get("bytes_per_s", 0.0)
        self._queue_bytes = options.get("queue_bytes", 256 * 1024)
        self._random = random.Random(1)
        self._waiting: collections.deque[tuple[float, bytes]] = collections.deque()
        self._free_s = 0.0
        """When what was taken so far has gone through the narrow part."""
        self.passed = self.dropped = self.bytes = 0

    def take(self) -> None:
        """Take what has come, and decide what becomes of it."""
        for _ in range(64):
            try:
                packet = self.source.recv(_LARGEST_PACKET)
            except BlockingIOError:
                return
            now = time.monotonic()
            backlog = max(0.0, self._free_s - now) * self._bytes_per_s
            if self._random.random() < self._loss or backlog > self._queue_bytes:
                self.dropped += 1
                continue
            if self._bytes_per_s:
                self._free_s = max(self._free_s, now) + len(packet) / self._bytes_per_s
            self._waiting.append((max(now, self._free_s) + self._delay_s, packet))

    def give(self) -> float:
        """Send what is due; return how long until the next is."""
        while self._waiting:
            due, packet = self._waiting[0]
            wait = due - time.monotonic()
            if wait > 0:
                return wait
            self._waiting.popleft()
            try:
                self._sink.send(packet)
            except OSError:  # the interface is full, or gone
                self.dropped += 1
                continue
            self.passed += 1
            self.bytes += len(packet)
        return 1.0


def main() -> None:
    """Relay until standard input ends."""
    left, right = open_interface(sys.argv[1]), open_interface(sys.argv[2])
    options = json.loads(sys.argv[3])
    directions = [Direction(left, right, options), Direction(right, left, options)]
    print("ready", flush=True)
    while True:
        wait = min(direction.give() for direction in directions)
        readable, _, _ = select.select([left, right, sys.stdin], [], [], wait)
        for direction in directions:
            if direction.source in readable:
                direction.take()
        if sys.stdin in readable:
            if not sys.stdin.readline():
                return
            print(json.dumps([vars_of(direction) for direction in directions]), flush=True)


def vars_of(direction: Direction) -> dict[str, int]:
    """Return the counts of one direction."""
    return {
        "passed": direction.passed,
        "dropped": direction.dropped,
        "bytes": direction.bytes,
    }


if __name__ == "__main__":
    main()
