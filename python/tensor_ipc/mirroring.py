"""Pools of other machines, again on this one: `mirror` there where frames are wanted, `serve` here."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple, Sequence

from tensor_ipc.core import lifetime, network
from tensor_ipc.core.cleaned_up import CleanedUp

_MAX_POOL_BYTES = 2 << 30
_MAX_PIECE_BYTES = 57344


class MirrorSource(NamedTuple):
    """Who sends the frames. What it says of itself: DDS proves nothing unless it is secured."""

    host: str
    """Name of the machine."""
    host_id: str
    """Which ``/dev/shm`` the pool lies in."""
    uid: int
    pid: int


@dataclasses.dataclass(frozen=True)
class MirrorStatus:
    """What a mirror has done so far.

    Attributes
    ----------
    source
        ``None`` while nobody offers the pool.
    open
        Whether there is a local pool.
    latest_frame
        Number of its newest frame; ``None`` before the first.
    received, received_bytes
        Frames that were published here.
    lost
        Frames that were sent and did not come whole.
    dropped
        Frames that came, and were not published: all slots were pinned, or the pool cannot be made.
    missed
        Numbers that no frame here has: lost, dropped, or never sent because the link was slow.
    pools_made
        How often the local pool was made: once, and again when the source's began anew.
    refused
        Samples that no sound server sends.
    problem
        Why there is no local pool although there is one at the source; else empty.
    """

    source: MirrorSource | None
    open: bool
    latest_frame: int | None
    received: int
    received_bytes: int
    lost: int
    dropped: int
    missed: int
    pools_made: int
    refused: int
    problem: str


class ServedMirror(NamedTuple):
    """One mirror that is sent to. Host and ids are what it says of itself."""

    pool_name: str
    host: str
    uid: int
    pid: int
    connected: bool
    """Whether its reader is there. Until then nothing is read from the pool, nor sent."""
    frames: int
    bytes: int
    abandoned: int
    """Frames that were begun and not sent to their end."""


class Mirror(CleanedUp):
    """A pool here that follows one on another machine. Made by `mirror`.

    It is the producer of the local pool until `cleanup`, the end of its ``with`` block or of the
    interpreter. A forked child has no part in it.
    """

    def __init__(
        self,
        pool_name: str,
        from_host: str,
        *,
        local_name: str | None,
        domain: int | None,
        interface: str | None,
        peers: Sequence[str],
        reliable: bool,
        max_rate_hz: float,
        max_bytes_per_s: int,
        piece_bytes: int,
        max_pool_bytes: int,
    ) -> None:
        self.pool_name = pool_name
        self.local_name = local_name or pool_name
        self._native = network.load().start_mirror(
            pool_name,
            self.local_name,
            from_host,
            domain,
            interface,
            list(peers),
            reliable,
            max_rate_hz,
            max_bytes_per_s,
            piece_bytes,
            max_pool_bytes,
        )
        lifetime.register(self)

    @property
    def status(self) -> MirrorStatus:
        """What it has done so far; all zero once that is over."""
        fields = self._native.status
        if fields["source"] is not None:
            fields["source"] = MirrorSource(*fields["source"])
        return MirrorStatus(**fields)

    def wait(self, timeout: float) -> bool:
        """Wait until there is a local pool, `timeout` seconds at most; return whether there is."""
        opened: bool = self._native.wait_open(min(timeout, 1e9))
        return opened

    def cleanup(self) -> None:
        """End the local pool. Views of its frames stay valid."""
        self._native.close()

    def _after_fork(self) -> None:
        """Leave it to the parent: the native object does nothing in a child."""


class MirrorServer(CleanedUp):
    """Sends frames of this machine's pools to mirrors. Made by `serve`."""

    def __init__(
        self,
        pools: Sequence[str],
        *,
        all_pools: bool,
        domain: int | None,
        interface: str | None,
        peers: Sequence[str],
    ) -> None:
        self._native = network.load().start_server(
            list(pools), all_pools, domain, interface, list(peers)
        )
        lifetime.register(self)

    @property
    def mirrors(self) -> list[ServedMirror]:
        """Who is sent to now."""
        return [ServedMirror(*each) for each in self._native.mirrors]

    @property
    def pools(self) -> list[str]:
        """Names of the pools that are offered, whether they are there or not."""
        names: list[str] = self._native.pools
        return names

    def cleanup(self) -> None:
        """Take the offers back and send no more. Mirrors keep what they have."""
        self._native.close()

    def _after_fork(self) -> None:
        """Leave it to the parent: the native object does nothing in a child."""


def mirror(
    pool_name: str,
    from_host: str = "any",
    *,
    local_name: str | None = None,
    domain: int | None = None,
    interface: str | None = None,
    peers: Sequence[str] = (),
    reliable: bool = True,
    max_rate_hz: float = 0.0,
    max_bytes_per_s: int = 0,
    piece_bytes: int = _MAX_PIECE_BYTES,
    max_pool_bytes: int = _MAX_POOL_BYTES,
) -> Mirror:
    """Make a pool of another machine again on this one, and follow it.

    Returns at once; the local pool is there when somebody serves the remote one (`Mirror.wait`).
    Frames have the numbers and times of capture that they have at the source.

    Parameters
    ----------
    pool_name
        At the source.
    from_host
        Name or id of the machine that is to send, or ``"any"``. A claim of the sender's.
    local_name
        Name of the pool here; the same unless given.
    domain, interface, peers
        DDS domain, network interface, and addresses of machines where there is no multicast. Those
        of the environment (``TENSOR_IPC_DDS_DOMAIN``, ...) unless given; only this machine
        (``"lo"``) if those are not there either.
    reliable
        Send again what is lost, and no faster than the link takes it. Otherwise frames of which
        a piece is lost are lost.
    max_rate_hz
        No more frames a second; 0 for as many as the source has and the link takes.
    max_bytes_per_s
        No more payload a second; 0 for as much as the link takes.
    piece_bytes
        Payload of one DDS sample, 1024 to 57344. On networks that lose packets, one that fits into
        a packet (1300).
    max_pool_bytes
        Refuse a pool whose frames take more shared memory than that.

    Raises
    ------
    PoolInUseError
        There is a pool of that name here, and its producer lives.
    ValueError
        A name or a number is out of range.
    DdsUnavailableError, DdsError
        There is no DDS, or it refused, as without that interface.
    """
    return Mirror(
        pool_name,
        from_host,
        local_name=local_name,
        domain=domain,
        interface=interface,
        peers=peers,
        reliable=reliable,
        max_rate_hz=max_rate_hz,
        max_bytes_per_s=max_bytes_per_s,
        piece_bytes=piece_bytes,
        max_pool_bytes=max_pool_bytes,
    )


def serve(
    *pools: str,
    all_pools: bool = False,
    domain: int | None = None,
    interface: str | None = None,
    peers: Sequence[str] = (),
) -> MirrorServer:
    """Send frames of this machine's pools to those who mirror them.

    Whoever reaches the DDS domain can then read these pools. Nothing is read from a pool, nor sent,
    while nobody mirrors it.

    Parameters
    ----------
    pools
        Names of those to serve, there already or not.
    all_pools
        Serve every pool of this namespace, also those to come.
    domain, interface, peers
        As for `mirror`.

    Raises
    ------
    ValueError
        No pool is named, or a name cannot be one.
    DdsUnavailableError, DdsError
        There is no DDS, or it refused, as without that interface.
    """
    return MirrorServer(
        pools, all_pools=all_pools, domain=domain, interface=interface, peers=peers
    )
