"""The side that reads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Iterator, NamedTuple, NoReturn

from tensor_ipc import _core
from tensor_ipc.core import by_time, lifetime, network, pinning
from tensor_ipc.core.cleaned_up import CleanedUp
from tensor_ipc.core.delivery import Delivery
from tensor_ipc.core.metadata import MetadataCreator, PoolMetadata, metadata_of
from tensor_ipc.errors import PoolNotFoundError

if TYPE_CHECKING:
    import asyncio

    from tensor_ipc import _dds
    from tensor_ipc._core import Frame, FrameWindow

_PADDING = {None: 0, "repeat": 1, "zero": 2}
_PRIVATE_VIEWS = {"private": True, "readonly": False}
_NOTIFY = ("shm", "dds")
_MOST_FRAMES = 2**32 - 1  # of any pool; what the core takes, which knows the pool's own


class ConsumerStats(NamedTuple):
    """What a consumer did."""

    received: int
    """Calls that returned frames."""
    missed: int
    """Frames published between newest frames that were got."""
    copied_frames: int
    """Frames that could not be views; copies that were asked for do not count."""
    copied_bytes: int
    """Bytes of these."""
    pinned: bool = False
    """Whether the CUDA driver has locked the memory of the pool that is attached."""
    pinned_refusal: str = ""
    """Why not, if that was asked for; else empty."""


class _Dds(NamedTuple):
    """Where a consumer hears of frames over DDS."""

    domain: int | None
    keep_last: int


class _Options(NamedTuple):
    max_pins: int | None
    spin_s: float
    torch_views: str | None
    notify: str = "shm"
    pinned: bool | str = False

    def native(self) -> tuple[int, float, bool, int | None]:
        """Return them as the core takes them."""
        pinned_for = pinning.device_of(self.pinned)
        views = self.torch_views
        if views is None:
            views = "private" if pinned_for is None else "readonly"
        if views not in _PRIVATE_VIEWS:
            msg = f"torch_views must be 'private' or 'readonly', got {views!r}"
            raise ValueError(msg)
        if views == "private" and pinned_for is not None:
            msg = (
                "torch_views='private' and pinned exclude each other: memory that the driver has "
                "locked cannot be private to a consumer. Leave torch_views out, and do not write to "
                "received tensors"
            )
            raise ValueError(msg)
        if self.notify not in _NOTIFY:
            msg = f"notify must be 'shm' or 'dds', got {self.notify!r}"
            raise ValueError(msg)
        return self.max_pins or 0, self.spin_s, _PRIVATE_VIEWS[views], pinned_for


class TensorConsumer(CleanedUp):
    """Reader of a pool.

    The pool need not exist yet: the consumer attaches when it appears, and follows when its producer
    is restarted or replaced. Safe from several threads. Can be pickled, and used in a forked child:
    the copy attaches by itself.

    Parameters
    ----------
    pool_metadata
        What the pool is expected to hold.
    keep_last, dds_participant
        With ``notify="dds"``: how many progress samples the reader keeps, and where it reads them: a
        domain id, a participant of the ``cyclonedds`` package, whose domain is used, or ``None`` for
        the domain of the environment.
    on_new_data_callback, callback
        Called with a view of the newest frame, as from `get`, on one thread of this consumer. A slow
        callback skips frames; none comes twice or out of order. What it raises is logged. Not
        carried over into a forked child, whose copy has no thread.
    max_pins
        How many slots views of this consumer may hold; `get` copies beyond that. By default two of
        its largest requests.
    spin_s
        How long to look for a frame before sleeping, in seconds: lower latency for a busy core. While
        frames come faster than a thread falls asleep and wakes, some 50 us, `wait` looks for so long
        whatever this says, if there is a processor for each consumer.
    torch_views
        What happens when a received tensor is written to. ``"private"``, unless `pinned`: the write
        stays in this
        consumer; dropping the tensor costs a system call that looks for written pages (some 30 us
        for each 4 MB). ``"readonly"``: nothing is looked for, and **a write ends the process** with
        SIGSEGV; for those who never write in place.
    notify
        What wakes `wait`, iteration, `fileno` and the callback. ``"shm"``: the pool's own futex,
        within some 30 us. ``"dds"``: progress samples of DDS, as other hosts get them; for the same
        frames and with the same results, later. Whatever is lost on the way is made up for within
        100 ms.
    pinned
        Have the CUDA driver lock the pool's memory in this process, so that
        ``get().to("cuda", non_blocking=True)`` runs at full speed and returns at once: ``True``, or
        the device that is copied to, as ``"cuda:1"``. A frame that is dropped before it was copied
        stays as it is until then; see `record_stream` for streams of your own. Tensors are
        ``torch_views="readonly"`` then: **a write ends the process**. Takes about a second for some
        gigabytes each time a pool is attached. Where it is refused everything works as without;
        `stats` and the log say why. See docs/cuda.md.

    Raises
    ------
    MetadataMismatchError
        A pool of that name is there and holds something else. If it comes later, `get` raises it.
    DdsUnavailableError
        ``notify="dds"``, and the package was built without DDS, or DDS is switched off.
    """

    def __init__(
        self,
        pool_metadata: PoolMetadata,
        keep_last: int = 10,
        dds_participant: object = None,
        on_new_data_callback: Callable[[Any], object] | None = None,
        *,
        callback: Callable[[Any], object] | None = None,
        max_pins: int | None = None,
        spin_s: float = 0.0,
        torch_views: str | None = None,
        notify: str = "shm",
        pinned: bool | str = False,
    ) -> None:
        options = _Options(max_pins, spin_s, torch_views, notify, pinned)
        dds = _Dds(network.domain_of(dds_participant), keep_last)
        native = _follow(pool_metadata, options)
        wanted = on_new_data_callback or callback
        self._set_up(native, pool_metadata.name, pool_metadata, options, dds, wanted)

    def _set_up(
        self,
        native: _core.Consumer,
        pool_name: str,
        expected: PoolMetadata | None,
        options: _Options,
        dds: _Dds,
        callback: Callable[[Any], object] | None,
    ) -> None:
        self._native = native
        self._pool_name = pool_name
        self._dds = dds
        self._progress: _dds.ProgressWatch | None = None
        self._must_listen = options.notify == "dds"
        self._expected = expected
        self._options = options
        self._callback = callback
        self._delivery: Delivery | None = None
        self._readiness: _core.EventFd | None = None
        self._starting = threading.Lock()
        if self._must_listen:
            self._listen()
        lifetime.register(self)
        if callback is not None:
            self._start_delivery()

    def _listen(self) -> None:
        """Have waits end by DDS, if that was asked for; once, and once more after a fork."""
        with self._starting:
            if self._must_listen:
                progress = network.load().watch_progress(self._pool_name, *self._dds)
                self._native.wake_by(progress.news)
                self._progress = progress
                self._must_listen = False

    @classmethod
    def from_sample(
        cls,
        pool_name: str,
        sample: Any,
        dds_participant: object = None,
        history_len: int = 1,
        keep_last: int = 10,
        callback: Callable[[Any], object] | None = None,
        *,
        on_new_data_callback: Callable[[Any], object] | None = None,
        max_pins: int | None = None,
        spin_s: float = 0.0,
        torch_views: str | None = None,
        notify: str = "shm",
        pinned: bool | str = False,
        varying_extent: bool = False,
    ) -> TensorConsumer:
        """Make a consumer of frames like `sample`, whose values do not matter.

        With `varying_extent` a frame may have any number of rows up to that of `sample`.
        """
        metadata = MetadataCreator.from_sample(
            pool_name, sample, history_len, varying_extent=varying_extent
        )
        return cls(
            metadata,
            keep_last,
            dds_participant,
            on_new_data_callback,
            callback=callback,
            max_pins=max_pins,
            spin_s=spin_s,
            torch_views=torch_views,
            notify=notify,
            pinned=pinned,
        )

    @classmethod
    def attach(
        cls,
        pool_name: str,
        *,
        callback: Callable[[Any], object] | None = None,
        max_pins: int | None = None,
        spin_s: float = 0.0,
        torch_views: str | None = None,
        notify: str = "shm",
        pinned: bool | str = False,
        dds_participant: object = None,
        keep_last: int = 10,
    ) -> TensorConsumer:
        """Read a pool that exists, whatever it holds.

        Raises
        ------
        PoolNotFoundError
            There is none of that name.
        SegmentError
            Its shared memory is damaged or of another layout version.
        """
        consumer = cls.__new__(cls)
        options = _Options(max_pins, spin_s, torch_views, notify, pinned)
        dds = _Dds(network.domain_of(dds_participant), keep_last)
        native = _core.attach_consumer(pool_name, *options.native())
        consumer._set_up(native, pool_name, None, options, dds, callback)
        return consumer

    def get(
        self,
        history_len: int = 1,
        as_numpy: bool = False,
        latest_first: bool = True,
        *,
        copy: bool = False,
        pad: str | None = None,
    ) -> Any:
        """Return the newest frames, without copying them.

        Never waits for a frame. Where other consumers hold every slot it gives them up to 200 ms to
        finish their copies, and raises. The producer goes round the frames as long as the array, or any view of it,
        lives; what would cost the producer or other consumers too much is copied and counted in
        `stats`.

        Parameters
        ----------
        history_len
            How many frames, from 1 to the pool's ``history_len``.
        as_numpy
            A NumPy array whatever the pool's backend.
        latest_first
            Newest frame at index 0. Otherwise oldest first.
        copy
            Return an array of your own, writable.
        pad
            What to do when fewer frames were published: ``None`` returns those there are,
            ``"repeat"`` repeats the oldest, ``"zero"`` fills with zeros; both copy then. In a pool of
            varying extent neither copies, and ``"zero"`` fills with frames without rows.

        Returns
        -------
        Array of the pool's framework, of shape ``(history_len, *shape)``, or ``(*shape,)`` for one
        frame, in the pool's dtype. ``None`` before the first frame, and while there is no pool.

        In a pool of varying extent each array has as many rows as were published, and
        ``history_len`` of 2 or more gives a **list** of arrays, since no one array can hold them. They
        share one hold on the frames, which ends with the last of them.

        It is the producer's memory. A NumPy array of it is read-only. A tensor may be written to:
        that stays in this consumer, and is gone when the last tensor of the frame is (see
        `torch_views`). History in the order that the pool does not have in memory is a copy in
        torch, which has no negative strides; it is counted in `stats`.

        Raises
        ------
        ValueError
            `history_len` or `pad` is outside its range.
        TypeError
            `as_numpy`, and NumPy has no such dtype.
        MetadataMismatchError
            The pool that appeared holds something else.
        MissingFrameworkError
            The pool is one of torch tensors, and torch is not installed.
        """
        if self._readiness is not None:
            self._readiness.clear()
        try:
            padding = _PADDING[pad]
        except KeyError:
            msg = f"pad must be None, 'repeat' or 'zero', got {pad!r}"
            raise ValueError(msg) from None
        if not 1 <= history_len <= _MOST_FRAMES:  # here, since a call takes a tenth of all
            _refuse_history_len(history_len)
        return self._native.get(history_len, latest_first, copy, padding, as_numpy)

    def get_frame(self) -> Frame | None:
        """Return the newest frame with its number and times; ``None`` as for `get`."""
        if self._readiness is not None:
            self._readiness.clear()
        return self._usable().get_frame()

    def get_frames(
        self, history_len: int, *, latest_first: bool | None = None
    ) -> FrameWindow | None:
        """Return the newest frames with their numbers and times; ``None`` as for `get`.

        Parameters
        ----------
        history_len
            How many frames, from 1 to the pool's ``history_len``. Fewer come when fewer were
            published.
        latest_first
            Newest frame at index 0, or oldest first. By default the order that the pool has in
            memory, the only one that frameworks without negative strides can see as it is.
        """
        if self._readiness is not None:
            self._readiness.clear()
        if not 1 <= history_len <= _MOST_FRAMES:
            _refuse_history_len(history_len)
        return self._usable().get_frames(history_len, latest_first)

    def get_at(self, timestamp_ns: int, *, method: str = "before") -> Frame | None:
        """Return the frame of the history that belongs to a time, without copying it.

        Of the frames that `method` admits the one captured closest to `timestamp_ns`; of several as
        close, the one published last. Leaves the consumer's place alone: `wait` still waits for a
        frame newer than the last one that `get` returned.

        Parameters
        ----------
        timestamp_ns
            A time on the clock of the frames: what the producer gave as ``timestamp_ns``, else
            CLOCK_MONOTONIC at publication.
        method
            ``"before"``: frames captured then or before, so what a reader would have had at that time.
            ``"after"``: then or after. ``"nearest"``: all.

        Returns
        -------
        The frame, held as those of `get`. ``None`` when the history has no such frame, and while
        there is no pool. The history is the newest ``history_len`` frames of the pool.

        Raises
        ------
        ValueError
            `method` is none of the three.
        TypeError
            `timestamp_ns` is no integer.
        MetadataMismatchError
            The pool that appeared holds something else.
        """
        return by_time.frame_at(self._usable(), timestamp_ns, method)

    def between(
        self, start_ns: int, end_ns: int, *, latest_first: bool = True
    ) -> FrameWindow | None:
        """Return all frames of the history with ``start_ns <= timestamp_ns <= end_ns``.

        In the order of their publication. Successive frames are one view, as from `get`. Where a
        frame between them is left out, because the producer's clock went back, they are a copy,
        which is counted in `stats`. Leaves the consumer's place alone, as `get_at`.

        Parameters
        ----------
        start_ns, end_ns
            Times on the clock of the frames; see `get_at`.
        latest_first
            Frame published last at index 0. Otherwise the one published first.

        Returns
        -------
        The frames, also when it is one only, with their numbers and times. ``None`` when the history
        has none, and while there is no pool.

        Raises
        ------
        TypeError
            A time is no integer.
        MetadataMismatchError
            The pool that appeared holds something else.
        """
        return by_time.frames_between(self._usable(), start_ns, end_ns, latest_first)

    def record_stream(self, stream: object) -> None:
        """Say that frames of a pinned pool are copied on `stream` too.

        A frame that is dropped stays as it is until the default stream, and the streams that wait for
        it, have done what they were asked to do before. Streams that do not wait for it, as those of
        ``torch.cuda.Stream()``, have to be named here before they are used, once; it holds for every
        pool that this consumer follows to, and not for its copies in other processes. Costs some
        microseconds for each dropped frame. Without `pinned` there is nothing to wait for.

        Parameters
        ----------
        stream
            A stream of the GPU that `pinned` names: of torch or CuPy, an object with
            ``__cuda_stream__``, or the handle as an int. It has to live as long as this consumer and
            its frames.

        Raises
        ------
        TypeError
            It is no stream.
        CudaError
            It is no stream of that GPU, or is being captured into a graph.
        """
        self._usable().record_stream(pinning.handle_of(stream))

    def wait(self, timeout: float | None = None) -> bool:
        """Block until there is a frame newer than the last one got.

        Lets other threads run. Ctrl-C and other signals are handled meanwhile.

        Parameters
        ----------
        timeout
            Seconds; ``None`` waits for ever.

        Returns
        -------
        Whether there is one; ``False`` after the time-out and after `cleanup`.
        """
        if self._must_listen:
            self._listen()
        return self._native.wait(timeout)

    def __iter__(self) -> Iterator[Any]:
        """Yield the newest frame each time there is a new one, until `cleanup`."""
        while self.wait():
            frame = self.get()
            if frame is not None:
                yield frame

    async def __aiter__(self) -> AsyncIterator[Any]:
        """As iteration, without blocking the event loop. Starts one thread, as `fileno` does."""
        import asyncio  # noqa: PLC0415 - takes longer to import than all of this package

        loop = asyncio.get_running_loop()
        descriptor = self.fileno()
        while not self._native.is_closed:
            if self._readiness is not None:
                self._readiness.clear()
            if not self._native.wait(0):
                await _readable(loop, descriptor)
                continue
            frame = self.get()
            if frame is not None:
                yield frame
            else:  # announced, but not to be had at the moment: others may run meanwhile
                await asyncio.sleep(0)

    def fileno(self) -> int:
        """Return a descriptor that select, poll and epoll see as readable when a frame is new.

        `get` makes it unreadable again. Starts one thread at the first call. Owned by this consumer.
        """
        readiness = self._readiness
        if readiness is None:
            with self._starting:
                if self._readiness is None:
                    self._readiness = _core.create_event_fd()
                readiness = self._readiness
            self._start_delivery()
            if self._native.is_closed:
                readiness.signal()
        return readiness.fd

    def _start_delivery(self) -> None:
        self._listen()
        with self._starting:
            if self._delivery is None:
                self._delivery = Delivery(self._native)
            self._delivery.set_targets(self._callback, self._readiness)

    def _usable(self) -> _core.Consumer:
        if self._native.is_closed:
            msg = "this consumer was cleaned up: make a new one"
            raise PoolNotFoundError(msg)
        return self._native

    def cleanup(self) -> None:
        """Let go of the pool and stop the callback. Views stay valid. Ends `wait` and iteration."""
        self._native.close()
        self._progress = None
        if self._delivery is not None:
            self._delivery.stop()
        if self._readiness is not None:
            self._readiness.signal()

    def _after_fork(self) -> None:
        """Forget the parent's thread and descriptor; `fileno` makes others in this child."""
        self._callback = None
        self._delivery = None
        self._readiness = None
        self._progress = None
        self._must_listen = self._options.notify == "dds"
        self._native.wake_by(None)
        self._starting = threading.Lock()

    @property
    def connected(self) -> bool:
        """Whether a living producer owns the pool. Asks the kernel, about a microsecond."""
        return self._native.connected

    @property
    def metadata(self) -> PoolMetadata | None:
        """What the pool holds, or is expected to; ``None`` while neither is known."""
        if self._expected is not None:
            return self._expected
        parts = self._native.metadata
        return None if parts is None else metadata_of(parts)

    @property
    def backend(self) -> str:
        """Name of the backend whose arrays `get` returns."""
        metadata = self.metadata
        return "numpy" if metadata is None else metadata.backend_type

    @property
    def stats(self) -> ConsumerStats:
        """Counters of this consumer."""
        return ConsumerStats(*self._native.stats)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what is needed to attach elsewhere; a callback has to be picklable then."""
        expected = self._expected if self._expected is not None else self.metadata
        return (_unpickle, (type(self), expected, self._callback, self._options, self._dds))


def _refuse_history_len(history_len: int) -> NoReturn:
    msg = f"history_len must be 1 to the pool's history_len, got {history_len}"
    raise ValueError(msg)


def _follow(expected: PoolMetadata, options: _Options) -> _core.Consumer:
    return _core.follow_pool(
        expected.name,
        expected.shape,
        expected.dtype_str,
        expected.history_len,
        expected.backend_type,
        expected.device,
        expected.varying_extent,
        *options.native(),
    )


def _unpickle(
    cls: type[TensorConsumer],
    expected: PoolMetadata,
    callback: Callable[[Any], object] | None,
    options: _Options,
    dds: _Dds,
) -> TensorConsumer:
    return cls(expected, dds.keep_last, dds.domain, callback=callback, **options._asdict())


async def _readable(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    ready = loop.create_future()

    def on_readable() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(descriptor, on_readable)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)
