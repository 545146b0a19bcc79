"""The side that writes."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from tensor_ipc import _core
from tensor_ipc.core import lifetime, network
from tensor_ipc.core.cleaned_up import CleanedUp
from tensor_ipc.core.loan import Loan
from tensor_ipc.core.metadata import MetadataCreator, PoolMetadata
from tensor_ipc.errors import PoolNotFoundError


class ProducerStats(NamedTuple):
    """What a producer did."""

    frames: int
    """Frames this producer published."""
    skipped_slots: int
    """Pinned slots that it and its predecessors had to go round."""
    copied_bytes: int
    """Bytes that `TensorProducer.put` copied; a loan copies none."""


class _Options(NamedTuple):
    spare: int
    mode: int
    chronological: bool
    accept_any: bool


class _Dds(NamedTuple):
    place: network.Place | None
    keep_last: int


def _checked_depth(keep_last: int) -> int:
    if not 1 <= keep_last <= 2**31 - 1:
        msg = f"keep_last is at least 1, got {keep_last}"
        raise ValueError(msg)
    return keep_last


class TensorProducer(CleanedUp):
    """Owner of a pool: publishes frames.

    Makes the pool, or goes on with what a dead producer left: with equal metadata frame numbers
    continue and consumers stay attached, else the pool is made anew. Safe from several threads.
    Can be pickled: the copy takes the pool over at its first use, if it is free by then. A forked
    child's copy does the same.

    Parameters
    ----------
    pool_metadata
        What the pool holds; see `MetadataCreator`.
    dds_participant
        Where other hosts and DDS tools hear of the pool: ``None`` for the domain of the environment
        if the package was built with DDS, a domain id, or a participant of the ``cyclonedds``
        package, whose domain is used. ``False`` for nowhere. Begun in the background; `put` takes
        no part in it. See docs/dds.md.
    keep_last
        How many progress samples DDS keeps for a slow reader.
    spare
        Slots beyond ``history_len``, at least 2. More of them let consumers hold more views.
    mode
        Permission bits of the segment: ``0o600``, or ``0o660`` for a group.
    chronological
        Lay frames out oldest first: ``get(latest_first=False)`` has positive strides then, and is
        a view for torch too.
    accept_any
        Take arrays of any framework, as long as device, dtype and shape are the pool's. By default
        NumPy arrays and torch tensors go into pools of their own kind only, since a mix-up of them
        is usually a mistake; arrays of frameworks that no pool is of are taken by all pools.

    Raises
    ------
    PoolInUseError
        A living producer owns the pool.
    SharedMemoryFullError
        ``/dev/shm`` has not enough room; the text says how much is needed.
    PoolPermissionError
        The name belongs to another user's segment.
    MissingFrameworkError
        The pool is one of torch tensors, and torch is not installed.
    DdsUnavailableError
        `dds_participant` asks for DDS, and the package was built without.
    """

    def __init__(
        self,
        pool_metadata: PoolMetadata,
        dds_participant: object = None,
        keep_last: int = 10,
        *,
        spare: int = 3,
        mode: int = 0o600,
        chronological: bool = False,
        accept_any: bool = False,
    ) -> None:
        self._metadata = pool_metadata
        self._options = _Options(spare, mode, chronological, accept_any)
        self._dds = _Dds(network.place_of(dds_participant), _checked_depth(keep_last))
        self._closed = False
        self._announcement: network.Announcement | None = None
        self._native: _core.Producer | None = self._open()
        lifetime.register(self)

    def _open(self) -> _core.Producer:
        wanted = self._metadata
        native = _core.create_producer(
            wanted.name,
            wanted.shape,
            wanted.dtype_str,
            wanted.history_len,
            wanted.backend_type,
            wanted.device,
            wanted.varying_extent,
            *self._options,
        )
        self._announcement = network.announce(wanted.name, *self._dds)
        return native

    def _usable(self) -> _core.Producer:
        """Return the native producer; in a child, try to take the pool over."""
        native = self._native
        if native is not None and native.is_open:
            return native
        if self._closed:
            msg = (
                f"this producer of pool {self._metadata.name!r} was cleaned up: make a new one"
            )
            raise PoolNotFoundError(msg)
        self._native = self._open()
        return self._native

    @classmethod
    def from_sample(
        cls,
        pool_name: str,
        sample: Any,
        history_len: int = 1,
        dds_participant: object = None,
        keep_last: int = 10,
        *,
        spare: int = 3,
        mode: int = 0o600,
        chronological: bool = False,
        accept_any: bool = False,
        varying_extent: bool = False,
    ) -> TensorProducer:
        """Make a producer of frames like `sample`, whose values do not matter.

        With `varying_extent` a frame may have any number of rows (``shape[0]``) up to that of
        `sample`.

        Raises
        ------
        TypeError
            No backend knows this kind of data, or its dtype cannot be shared.
        ValueError
            A dimension of `sample` is empty, or the name or `history_len` is out of range.
        """
        metadata = MetadataCreator.from_sample(
            pool_name, sample, history_len, varying_extent=varying_extent
        )
        return cls(
            metadata,
            dds_participant,
            keep_last,
            spare=spare,
            mode=mode,
            chronological=chronological,
            accept_any=accept_any,
        )

    def put(
        self,
        data: Any,
        *,
        timestamp_ns: int | None = None,
        user_metadata: Mapping[str, str] | None = None,
    ) -> int:
        """Copy one frame into the pool and publish it.

        Never waits for a consumer to read; when every slot is pinned or on loan it looks for 50 ms
        whether one comes free, and raises. Any strides will do. A frame in one piece is copied without
        the GIL. When this raises, the pool is as it was.

        Parameters
        ----------
        data
            An array in host memory of exactly the pool's shape and dtype (in a pool of varying
            extent, of any number of rows up to the capacity): of the pool's framework,
            or anything else that speaks DLPack or the buffer protocol (JAX, Arrow, ``memoryview``;
            see `accept_any` for NumPy and torch). What torch has put off, conjugates and signs, is
            done on the way; gradients are left behind.
        timestamp_ns
            Time of capture on a clock of your choice; the time of publication when not given.
        user_metadata
            Texts that travel with the frame, for `Frame.user_metadata`. In UTF-8, and with one byte
            more for each key and value, they take 254 bytes at most.

        Returns
        -------
        Number of the frame. The first is 0; no number is left out.

        Raises
        ------
        ValueError
            The shape differs, or `user_metadata` holds too much or a zero character.
        TypeError
            `user_metadata` holds something else than texts; `data` is no array, one of another framework, or its dtype or device differs; or it is
            sparse or quantized. Nothing is ever converted.
        PoolExhaustedError
            Every slot is pinned or on loan; the text says by whom.
        """
        native = self._native
        if native is not None:
            try:
                return native.put(data, timestamp_ns, user_metadata)
            except PoolNotFoundError:  # closed, or a forked child's copy
                pass
        return self._usable().put(data, timestamp_ns, user_metadata)

    def loan(
        self,
        extent: int | None = None,
        *,
        timestamp_ns: int | None = None,
        user_metadata: Mapping[str, str] | None = None,
    ) -> Loan:
        """Lend a slot to write in place: publishing without a copy.

        A context manager that yields a writable array of the pool's framework, shape and dtype,
        with undefined contents. It takes the slot when the block begins.

        Published when the block ends, dropped when it raises. The array belongs to the block: a
        NumPy array turns read-only at its end; a tensor cannot, and neither it nor slices of an
        array may be written to any more. Several loans may be out at once; they are numbered in
        the order they end.

        In a pool of varying extent, whoever knows only at the end how many rows there are takes the
        whole slot, and sets `Loan.extent` in the block: the first rows are published.

        Parameters
        ----------
        extent
            Rows of the array: as many as the pool has room for unless given.
        timestamp_ns, user_metadata
            As for `put`. Both may be set in the block too, as attributes of the loan.

        Raises
        ------
        PoolExhaustedError
            Every slot is pinned or on loan; the text says by whom.
        ValueError
            The pool has no frames of this `extent`. At the end of the block also what `put` raises
            for `user_metadata`; the frame is dropped then.
        """
        return Loan(self, extent, timestamp_ns, user_metadata)

    def cleanup(self) -> None:
        """End the pool: its name goes, consumers are told. Views they hold stay valid."""
        self._closed = True
        if self._announcement is not None:
            self._announcement.withdraw()
        if self._native is not None:
            self._native.close()

    def _after_fork(self) -> None:
        """Forget what the parent announces. The native producer knows that it is the parent's."""
        self._announcement = None

    @property
    def metadata(self) -> PoolMetadata:
        """What the pool holds."""
        return self._metadata

    @property
    def backend(self) -> str:
        """Name of the backend whose arrays `put` takes."""
        return self._metadata.backend_type

    @property
    def closed(self) -> bool:
        """Whether `cleanup` was called."""
        return self._closed

    @property
    def stats(self) -> ProducerStats:
        """Counters of this producer."""
        return ProducerStats(*self._native.stats) if self._native else ProducerStats(0, 0, 0)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what is needed to take the pool over elsewhere."""
        return (_unpickle, (type(self), self._metadata, self._options, self._closed, self._dds))


def _unpickle(
    cls: type[TensorProducer],
    metadata: PoolMetadata,
    options: _Options,
    closed: bool,
    dds: _Dds,
) -> TensorProducer:
    producer = cls.__new__(cls)
    producer._metadata = metadata
    producer._options = options
    producer._dds = dds
    producer._announcement = None
    producer._closed = closed
    producer._native = None
    lifetime.register(producer)
    return producer
