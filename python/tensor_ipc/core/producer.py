"""The side that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, NamedTuple

from tensor_ipc import _core
from tensor_ipc.core import lifetime, network, pinning
from tensor_ipc.core.cleaned_up import CleanedUp
from tensor_ipc.core.metadata import MetadataCreator, PoolMetadata
from tensor_ipc.errors import PoolNotFoundError

if TYPE_CHECKING:
    from tensor_ipc._core import Loan


class ProducerStats(NamedTuple):
    """What a producer did."""

    frames: int
    """Frames this producer published."""
    skipped_slots: int
    """Pinned slots that it and its predecessors had to go round."""
    copied_bytes: int
    """Bytes that `TensorProducer.put` copied; a loan copies none."""
    pinned: bool = False
    """Whether the CUDA driver has locked the pool's memory in this process."""
    pinned_refusal: str = ""
    """Why not, if that was asked for; else empty."""


_DEVICE_MEMORY = ("auto", "ipc", "vmm")
_SYNC = ("stream", "block")


class _Options(NamedTuple):
    spare: int
    mode: int
    chronological: bool
    accept_any: bool
    device_memory: str = "auto"
    sync: str = "stream"
    peer_copy: bool = False
    pinned_for: int | None = None

    def check(self, pool_metadata: PoolMetadata) -> None:
        """Refuse what no pool knows, and what a pool in host memory has no use for."""
        for name, value, known in (
            ("device_memory", self.device_memory, _DEVICE_MEMORY),
            ("sync", self.sync, _SYNC),
        ):
            if value not in known:
                msg = f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}"
                raise ValueError(msg)
        of_a_gpu = (self.device_memory, self.sync, self.peer_copy)
        if not pool_metadata.on_gpu and of_a_gpu != ("auto", "stream", False):
            msg = (
                "device_memory, sync and peer_copy are for pools in the memory of a GPU, "
                f"pool {pool_metadata.name!r} lies on {pool_metadata.device}"
            )
            raise ValueError(msg)
        if pool_metadata.on_gpu and self.pinned_for is not None:
            msg = (
                "pinned is for pools in host memory, "
                f"pool {pool_metadata.name!r} lies on {pool_metadata.device}"
            )
            raise ValueError(msg)

    def open_cuda(self, wanted: PoolMetadata) -> _core.CudaProducer:
        """Make the pool that lies on a GPU."""
        of_all = self._of_all_pools(wanted)
        return _core.create_cuda_producer(
            *of_all, self.device_memory, self.sync == "block", self.peer_copy
        )

    def open_host(self, wanted: PoolMetadata) -> _core.Producer:
        """Make the pool that lies in host memory, or take it over."""
        return _core.create_producer(*self._of_all_pools(wanted), self.pinned_for)

    def _of_all_pools(
        self, wanted: PoolMetadata
    ) -> tuple[str, tuple[int, ...], str, int, str, str, bool, int, int, bool, bool]:
        return (
            wanted.name,
            wanted.shape,
            wanted.dtype_str,
            wanted.history_len,
            wanted.backend_type,
            wanted.device,
            wanted.varying_extent,
            self.spare,
            self.mode,
            self.chronological,
            self.accept_any,
        )


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
    device_memory
        How processes share a pool in the memory of a GPU. ``"vmm"``: readers cannot write to it,
        and it outlives its producer. ``"ipc"``: CUDA's older way, for GPUs and drivers without the
        other. ``"auto"``: the first where the GPU has it. See docs/cuda.md.
    sync
        When `put` and a loan's end return, in a pool on a GPU. ``"stream"``: at once; the frame is
        published, in the order of the stream, when the GPU has come so far. ``"block"``: when it
        is published, which puts the caller to sleep for as long as the GPU takes.
    peer_copy
        Whether `put` takes arrays of another GPU than the pool's, and copies between the two.
    pinned
        Have the CUDA driver lock the pool's memory in this process, so that copies from a GPU into a
        `loan` run at full speed: ``True``, or the device whose context it belongs to, as
        ``"cuda:1"``. Takes about a second for some gigabytes, once. Where it is refused the pool
        works as without; `stats` and the log say why. See docs/cuda.md.

    Raises
    ------
    PoolInUseError
        A living producer owns the pool.
    SharedMemoryFullError
        ``/dev/shm`` has not enough room; the text says how much is needed.
    PoolPermissionError
        The name belongs to another user's segment.
    CudaUnavailableError, CudaUnsupportedError, CudaOutOfMemoryError
        The pool lies on a GPU, and there is no driver or no such GPU; it cannot share memory in that
        way; or it is full. Each is a `CudaError`.
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
        device_memory: str = "auto",
        sync: str = "stream",
        peer_copy: bool = False,
        pinned: bool | str = False,
    ) -> None:
        self._metadata = pool_metadata
        self._on_gpu = pool_metadata.on_gpu
        self._options = _Options(
            spare,
            mode,
            chronological,
            accept_any,
            device_memory,
            sync,
            peer_copy,
            pinning.device_of(pinned),
        )
        self._options.check(pool_metadata)
        self._dds = _Dds(network.place_of(dds_participant), _checked_depth(keep_last))
        self._closed = False
        self._announcement: network.Announcement | None = None
        self._native: _core.Producer | _core.CudaProducer | None = self._open()
        lifetime.register(self)

    def _open(self) -> _core.Producer | _core.CudaProducer:
        wanted = self._metadata
        native: _core.Producer | _core.CudaProducer = (
            self._options.open_cuda(wanted) if self._on_gpu else self._options.open_host(wanted)
        )
        self._announcement = network.announce(wanted.name, *self._dds)
        return native

    def _usable(self) -> _core.Producer | _core.CudaProducer:
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
        pinned: bool | str = False,
        varying_extent: bool = False,
        device_memory: str = "auto",
        sync: str = "stream",
        peer_copy: bool = False,
    ) -> TensorProducer:
        """Make a producer of frames like `sample`, whose values do not matter.

        The pool lies where `sample` does: on the host, or on its GPU.

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
            device_memory=device_memory,
            sync=sync,
            peer_copy=peer_copy,
            pinned=pinned,
        )

    def put(
        self,
        data: Any,
        *,
        timestamp_ns: int | None = None,
        user_metadata: Mapping[str, str] | None = None,
        stream: object = None,
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

            A pool on a GPU takes arrays there, in one piece in C order: torch's, and whatever speaks
            DLPack or ``__cuda_array_interface__`` (CuPy, JAX, Numba); and arrays in host memory, as above,
            which are copied to the GPU. It never waits for the GPU unless ``sync="block"``, or unless so
            many copies are under way that there is no slot for one more.
        timestamp_ns
            Time of capture on a clock of your choice; the time of publication when not given.
        user_metadata
            Texts that travel with the frame, for `Frame.user_metadata`. In UTF-8, and with one byte
            more for each key and value, they take 254 bytes at most.
        stream
            For arrays on a GPU, the CUDA stream that they are ready on, and that may overwrite them
            next: the copy comes between. A handle as an int, or an object with ``cuda_stream`` (torch),
            ``ptr`` (CuPy) or ``__cuda_stream__()``. By default torch's current stream; the one that
            ``__cuda_array_interface__`` names; else the legacy default stream, which DLPack has the framework
            wait for.

        Returns
        -------
        Number of the frame. The first is 0; no number is left out.

        Raises
        ------
        ValueError
            The shape differs, or `user_metadata` holds too much or a zero character; an array on a GPU is
            not in one piece; `stream` records a CUDA graph; or a pool in host memory is given a `stream`.
        TypeError
            `user_metadata` holds something else than texts; `data` is no array, one of another framework, or its dtype or device differs; or it is
            sparse or quantized. Nothing is ever converted.
        PoolExhaustedError
            Every slot is pinned or on loan; the text says by whom.
        """
        native = self._native
        if native is not None:
            try:
                return native.put(data, timestamp_ns, user_metadata, stream)
            except PoolNotFoundError:  # closed, or a forked child's copy
                pass
        return self._usable().put(data, timestamp_ns, user_metadata, stream)

    def loan(
        self,
        extent: int | None = None,
        *,
        timestamp_ns: int | None = None,
        user_metadata: Mapping[str, str] | None = None,
        stream: object = None,
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

        In a pool on a GPU the array is a CUDA tensor or a `DeviceArray`. The frame is published when the
        GPU has done what was asked for until the end of the block, in the order of `stream` and of the
        streams that the array was exported on by ``__dlpack__``.

        Parameters
        ----------
        extent
            Rows of the array: as many as the pool has room for unless given.
        timestamp_ns, user_metadata
            As for `put`. Both may be set in the block too, as attributes of the loan.
        stream
            The CUDA stream that writes the frame, as for `put`: torch's current one at the end of the
            block, or the legacy default stream, unless given. May be set in the block too.

        Raises
        ------
        PoolExhaustedError
            Every slot is pinned or on loan; the text says by whom.
        ValueError
            The pool has no frames of this `extent`. At the end of the block also what `put` raises
            for `user_metadata`; the frame is dropped then.
        """
        if stream is not None and not self._on_gpu:
            msg = f"pool {self._metadata.name!r} lies in host memory, where there is no stream"
            raise ValueError(msg)
        native = self._native
        if native is not None:
            try:
                return native.loan(extent, timestamp_ns, user_metadata, stream)
            except PoolNotFoundError:  # closed, or a forked child's copy
                pass
        return self._usable().loan(extent, timestamp_ns, user_metadata, stream)

    def synchronize(self) -> None:
        """Wait until the GPU has published everything that was put. Other threads run meanwhile.

        In a pool in host memory everything is published already.

        Raises
        ------
        CudaError
            The GPU cannot do it any more.
        """
        native = self._usable()
        if isinstance(native, _core.CudaProducer):
            native.synchronize()

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
        return ProducerStats(*self._native.stats if self._native else (0, 0, 0))

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
    producer._on_gpu = metadata.on_gpu
    producer._options = options
    producer._dds = dds
    producer._announcement = None
    producer._closed = closed
    producer._native = None
    lifetime.register(producer)
    return producer
