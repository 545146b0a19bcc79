"""Whether and where pools are told of over DDS, and the thread that begins it.

Making a producer must neither take longer nor fail because of a network, so joining a domain is put
off to a thread, which ends when it has nothing left to begin. What goes on after that is one thread
of the C++ module, which this one loads: nothing here imports it before.
"""

from __future__ import annotations

import _thread
import functools
import importlib
import importlib.util
import logging
import os
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

from tensor_ipc import errors

if TYPE_CHECKING:
    from tensor_ipc import _dds

_log = logging.getLogger(__name__)

# A process that is gone before has paid nothing. Who asks for DDS by name does not wait.
_GRACE_S = 0.5
_STOP_TIMEOUT_S = 5.0
_MAX_RATE_HZ = 1000.0
_MAX_DOMAIN = 230
_OFF = ("off", "0")

HOW_TO_GET_IT = (
    "this tensor-ipc was built without Cyclone DDS. Install its development files "
    "(apt-get install cyclonedds-dev) and build the package again (pip install --force-reinstall)"
)


class Place(NamedTuple):
    """Where somebody wants to be on the network."""

    domain: int | None
    """Domain id; ``None`` for that of the environment."""
    is_asked_for: bool
    """Whether the caller named it, rather than left it to the default."""


@functools.lru_cache(maxsize=None)
def is_built_in() -> bool:
    """Whether the package was built with Cyclone DDS. Loads nothing."""
    return importlib.util.find_spec("tensor_ipc._dds") is not None


def is_switched_off() -> bool:
    """Whether ``TENSOR_IPC_DDS`` forbids DDS in this process."""
    return os.environ.get("TENSOR_IPC_DDS", "").lower() in _OFF


def namespace() -> str:
    """Return the namespace of this process' pools."""
    return os.environ.get("TENSOR_IPC_NAMESPACE", "")


def load() -> Any:
    """Import the module of Cyclone DDS.

    Raises
    ------
    DdsUnavailableError
        The package was built without it, it cannot be loaded, or it is switched off.
    """
    if is_switched_off():
        msg = "DDS is switched off by TENSOR_IPC_DDS=off in the environment"
        raise errors.DdsUnavailableError(msg)
    if not is_built_in():
        raise errors.DdsUnavailableError(HOW_TO_GET_IT)
    try:
        return importlib.import_module("tensor_ipc._dds")
    except ImportError as error:
        msg = f"Cyclone DDS cannot be loaded: {error}"
        raise errors.DdsUnavailableError(msg) from error


def place_of(participant: object) -> Place | None:
    """Return where `participant`, the argument ``dds_participant``, is; ``None`` for nowhere.

    Raises
    ------
    TypeError
        It is neither ``None``, ``False``, a domain id nor a participant.
    DdsUnavailableError
        DDS is asked for, and the package was built without it.
    """
    domain = domain_of(participant)
    if participant is False:
        return None
    if domain is None:
        return Place(None, is_asked_for=False) if is_built_in() else None
    if not is_built_in():
        raise errors.DdsUnavailableError(HOW_TO_GET_IT)
    return Place(domain, is_asked_for=True)


def domain_of(participant: object) -> int | None:
    """Return the domain id that `participant` means; ``None`` when it means none in particular.

    Raises
    ------
    TypeError
        It is neither ``None``, ``False``, a domain id nor a participant.
    ValueError
        No domain has that id.
    """
    if participant is None or participant is False:
        return None
    domain = getattr(participant, "domain_id", participant)
    if not isinstance(domain, int) or isinstance(domain, bool):
        msg = (
            "dds_participant: expected None, False, a domain id or a participant of cyclonedds, "
            f"got {type(participant).__name__}"
        )
        raise TypeError(msg)
    if not 0 <= domain <= _MAX_DOMAIN:
        msg = f"dds_participant: a DDS domain is 0 to {_MAX_DOMAIN}, got {domain}"
        raise ValueError(msg)
    return domain


class Announcement:
    """A pool of this process that the network hears of, soon or already."""

    def __init__(self, pool_name: str, place: Place, keep_last: int) -> None:
        self.pool_name = pool_name
        self.place = place
        self.keep_last = keep_last
        self.due_s = time.monotonic() + (0.0 if place.is_asked_for else _GRACE_S)
        self._native: _dds.Announcement | None = None
        self._is_over = False
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Tell of the pool, unless it is over. Blocks until the domain is joined."""
        module = load()
        with self._lock:
            if not self._is_over:
                self._native = module.announce(
                    self.pool_name, self.place.domain, self.keep_last, max_rate_hz()
                )

    def withdraw(self) -> None:
        """Tell that the pool has ended. Before its producer closes."""
        self._is_over = True
        with self._lock:
            if self._native is not None:
                self._native.withdraw()
                self._native = None

    @property
    def is_over(self) -> bool:
        """Whether `withdraw` was called."""
        return self._is_over

    @property
    def is_announced(self) -> bool:
        """Whether the network hears of the pool now."""
        native = self._native
        return native is not None and native.is_announced

    @property
    def readers(self) -> int:
        """How many readers the pool's progress has."""
        native = self._native
        return 0 if native is None else native.readers

    @property
    def samples(self) -> int:
        """How many progress samples were sent."""
        native = self._native
        return 0 if native is None else native.samples


def max_rate_hz() -> float:
    """Return how often a second a pool's progress is sent at most: ``TENSOR_IPC_DDS_RATE_HZ``."""
    text = os.environ.get("TENSOR_IPC_DDS_RATE_HZ")
    if not text:
        return _MAX_RATE_HZ
    try:
        return float(text)
    except ValueError:
        msg = f"TENSOR_IPC_DDS_RATE_HZ: expected a number of samples a second, got {text!r}"
        raise ValueError(msg) from None


class _Beginner:
    """The thread that begins announcements when they are due."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        # Weakly: a producer that is garbage before the time takes its announcement along.
        self._waiting: list[weakref.ref[Announcement]] = []
        self._is_running = False
        self._is_stopped = False
        self._trouble = ""

    def add(self, announcement: Announcement) -> None:
        with self._changed:
            if self._is_stopped:
                return
            self._waiting.append(weakref.ref(announcement))
            if not self._is_running:
                self._is_running = True
                # Thread.start() would wait until the scheduler has let it run, for milliseconds.
                _thread.start_new_thread(self._run, ())
            self._changed.notify_all()

    def stop(self) -> None:
        """Begin nothing more, and wait for what is being begun."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._is_running, _STOP_TIMEOUT_S)

    def _next(self) -> Announcement | None:
        """Wait for one that is due; ``None`` when there is nothing left to do."""
        with self._changed:
            while not self._is_stopped:
                alive = [each for each in (ref() for ref in self._waiting) if each is not None]
                waiting = [each for each in alive if not each.is_over]
                del alive
                if not waiting:
                    break
                first = min(waiting, key=lambda each: each.due_s)
                wait_s = first.due_s - time.monotonic()
                due = first if wait_s <= 0.0 else None
                self._waiting = [weakref.ref(each) for each in waiting if each is not due]
                del waiting, first
                if due is not None:
                    return due
                self._changed.wait(wait_s)
            self._is_running = False
            self._changed.notify_all()
            return None

    def _run(self) -> None:
        announcement = self._next()
        while announcement is not None:
            try:
                announcement.begin()
            except errors.PoolNotFoundError:
                pass  # ended, or ended and begun anew by others, before its time came
            except Exception as error:  # noqa: BLE001 - logged; the pool goes on without
                if not announcement.is_over:
                    self._tell(announcement, error)
            del announcement
            announcement = self._next()

    def _tell(self, announcement: Announcement, error: Exception) -> None:
        """Log what keeps pools from being announced, once for each reason."""
        trouble = str(error)
        if trouble == self._trouble or is_switched_off():
            return
        self._trouble = trouble
        _log.warning(
            "pool %r is not announced over DDS, and works on this host as ever: %s. "
            "TENSOR_IPC_DDS=off or dds_participant=False does without.",
            announcement.pool_name,
            trouble,
        )


_beginner = _Beginner()
_is_child_of_dds = False


def announce(pool_name: str, place: Place | None, keep_last: int) -> Announcement | None:
    """Have a pool of this process announced in a moment; ``None`` where DDS is not wanted."""
    if place is None or is_switched_off() or (_is_child_of_dds and not place.is_asked_for):
        return None
    announcement = Announcement(pool_name, place, keep_last)
    _beginner.add(announcement)
    return announcement


def stop() -> None:
    """Begin nothing more: the interpreter ends."""
    _beginner.stop()


def _after_fork() -> None:
    """Forget the parent's thread; `announce` starts another one.

    Cyclone DDS is not made for a child of a process that used it: now and then it meets nobody
    there. Such a child uses it only when it is asked to.
    """
    global _beginner, _is_child_of_dds  # noqa: PLW0603
    _beginner = _Beginner()
    _is_child_of_dds = _is_child_of_dds or "tensor_ipc._dds" in sys.modules


os.register_at_fork(after_in_child=_after_fork)
