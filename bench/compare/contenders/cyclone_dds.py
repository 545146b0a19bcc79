"""Cyclone DDS: an array of bytes, best of its Python package, over the loopback interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from bench.compare.contract import Job

#: Loopback only; large fragments and buffers, without which most large frames are lost.
_CONFIGURATION = """<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo"/></Interfaces>
<AllowMulticast>false</AllowMulticast><MaxMessageSize>65500B</MaxMessageSize>
<FragmentSize>63000B</FragmentSize></General><Discovery><ParticipantIndex>auto</ParticipantIndex>
<MaxAutoParticipantIndex>100</MaxAutoParticipantIndex><Peers><Peer Address="127.0.0.1"/></Peers>
</Discovery><Internal><SocketReceiveBufferSize max="8MB"/></Internal></Domain></CycloneDDS>"""


class CycloneDds:
    """A reliable writer and reader that keep the last frame, and a wait set."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def load(self) -> None:
        """Import the package."""
        import cyclonedds.domain  # noqa: F401, PLC0415

    def publisher(self) -> Any:
        """Write."""
        return _Publisher(self._job)

    def subscriber(self, number: int) -> Any:  # noqa: ARG002  all are alike
        """Read."""
        return _Subscriber(self._job)


class _Topic:
    def __init__(self, job: Job) -> None:
        from cyclonedds.core import Policy, Qos  # noqa: PLC0415
        from cyclonedds.domain import Domain, DomainParticipant  # noqa: PLC0415
        from cyclonedds.topic import Topic  # noqa: PLC0415
        from cyclonedds.util import duration  # noqa: PLC0415

        from bench.compare.contenders._cyclone_type import picture_of  # noqa: PLC0415

        self.type = picture_of(job.frame_bytes)
        domain_id = job.options["domain_id"]
        self._domain = Domain(domain_id, _CONFIGURATION)
        self.participant = DomainParticipant(domain_id)
        self.qos = Qos(
            Policy.Reliability.Reliable(duration(seconds=1)), Policy.History.KeepLast(1)
        )
        self.topic = Topic(self.participant, job.name, self.type, qos=self.qos)


class _Publisher:
    def __init__(self, job: Job) -> None:
        from cyclonedds.pub import DataWriter  # noqa: PLC0415

        self._to = _Topic(job)
        self._writer = DataWriter(self._to.participant, self._to.topic, qos=self._to.qos)

    def put(self, frame: Any) -> None:
        self._writer.write(self._to.type(data=frame.data.cast("B")))

    def close(self) -> None:
        self._writer = None


class _Subscriber:
    def __init__(self, job: Job) -> None:
        from cyclonedds.core import (  # noqa: PLC0415
            InstanceState,
            ReadCondition,
            SampleState,
            ViewState,
            WaitSet,
        )
        from cyclonedds.sub import DataReader  # noqa: PLC0415
        from cyclonedds.util import duration  # noqa: PLC0415

        self._duration, self._shape = duration, job.shape
        self._of = _Topic(job)
        self._reader = DataReader(self._of.participant, self._of.topic, qos=self._of.qos)
        self._unread = ReadCondition(
            self._reader, SampleState.NotRead | ViewState.Any | InstanceState.Alive
        )
        self._waiting = WaitSet(self._of.participant)
        self._waiting.attach(self._unread)

    def get(self, timeout_s: float) -> Any:
        if not self._waiting.wait(self._duration(seconds=timeout_s)):
            return None
        for sample in self._reader.take(1):
            return np.frombuffer(sample.data, np.uint8).reshape(self._shape)
        return None

    def close(self) -> None:
        self._reader = None
