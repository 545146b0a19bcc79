"""What another implementation sees: a participant of the package `cyclonedds`.

That package brings a Cyclone DDS of its own, of another version than the one that we link. It is a
reader and a writer that knows nothing of our code.
"""

from __future__ import annotations

import time
from typing import Any, Callable

from cyclonedds.core import InstanceState, Policy, Qos
from cyclonedds.domain import Domain, DomainParticipant
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration
from support import HANG_S
from wire_types import PoolMetadata, PoolProgress

# As our own participants are configured, but written down apart.
LOOPBACK = """
<CycloneDDS><Domain Id="any">
  <General>
    <Interfaces><NetworkInterface {interface}/></Interfaces>
    <AllowMulticast>false</AllowMulticast>
  </General>
  <Discovery>
    <ParticipantIndex>auto</ParticipantIndex>
    <MaxAutoParticipantIndex>100</MaxAutoParticipantIndex>
    <Peers><Peer address="{peer}"/></Peers>
  </Discovery>
</Domain></CycloneDDS>
"""


METADATA_QOS = Qos(
    Policy.Reliability.Reliable(duration(seconds=1)),
    Policy.Durability.TransientLocal,
    Policy.History.KeepLast(1),
)
METADATA_WRITER_QOS = METADATA_QOS + Qos(
    Policy.DestinationOrder.BySourceTimestamp, Policy.Liveliness.Automatic(duration(seconds=1))
)
PROGRESS_QOS = Qos(Policy.Reliability.BestEffort, Policy.History.KeepLast(50))


_peers: list[Peer] = []


def remove_peers() -> None:
    """Delete all peers with their domains, at the end of a test."""
    # What dies in a cycle of references is never deleted by `cyclonedds` itself.
    while _peers:
        domain = _peers.pop()._domain
        domain._delete(domain._ref)


class Peer:
    """A participant of that other implementation in this process."""

    def __init__(
        self, domain: int, interface: str = 'name="lo"', peer: str = "127.0.0.1"
    ) -> None:
        self._domain = Domain(domain, LOOPBACK.format(interface=interface, peer=peer))
        self.participant = DomainParticipant(domain)
        _peers.append(self)

    def reader(self, topic: str, kind: Any, qos: Any) -> DataReader[Any]:
        return DataReader(self.participant, Topic(self.participant, topic, kind), qos)

    def writer(self, topic: str, kind: Any, qos: Any) -> DataWriter[Any]:
        return DataWriter(self.participant, Topic(self.participant, topic, kind), qos)

    def pools(self) -> DataReader[PoolMetadata]:
        return self.reader("tensoripc_pools", PoolMetadata, METADATA_QOS)

    def progress(self, topic: str) -> DataReader[PoolProgress]:
        return self.reader(topic, PoolProgress, PROGRESS_QOS)


def until(condition: Callable[[], Any]) -> Any:
    """Look again and again, and return the first true result."""
    end_s = time.monotonic() + HANG_S
    while time.monotonic() < end_s:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    msg = "what was waited for did not happen"
    raise AssertionError(msg)


def samples_of(reader: DataReader[Any], namespace: str) -> list[Any]:
    """The samples with data that came since the last look, of pools of that namespace."""
    taken = reader.take(N=100)
    return [each for each in taken if getattr(each, "name_space", None) == namespace]


def states_of(reader: DataReader[PoolMetadata]) -> dict[str, tuple[PoolMetadata, Any]]:
    """The last sample of each pool with the state of its instance."""
    return {
        each.pool: (each, each.sample_info.instance_state)
        for each in reader.read(N=1000)
        if isinstance(each, PoolMetadata)
    }


ALIVE = InstanceState.Alive
DISPOSED = InstanceState.NotAliveDisposed
WITHOUT_WRITER = InstanceState.NotAliveNoWriters
