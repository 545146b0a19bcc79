"""The verdict: hears what every process did, and says what was torn, stuck, leaked or lost.

It knows nothing of processes or time: those who use it say what happened and when, so that a test
can let anything happen to it.
"""

from __future__ import annotations

from typing import NamedTuple

KINDS = ("torn", "stuck", "leaked", "lost")
MOST_GROWTH_BYTES = 16 * 1024 * 1024


class Fault(NamedTuple):
    """What must not happen, with what is needed to look for it."""

    what: str
    pool: str
    who: str
    frame: int
    text: str

    def __str__(self) -> str:
        """One line of the report."""
        return f"{self.what}: pool {self.pool!r}, {self.who}, frame {self.frame}: {self.text}"


class _PoolState:
    def __init__(self) -> None:
        self.variant = -1
        self.floor = -1  # the greatest number known of earlier lives, while numbers go on
        self.known = -1  # of this life
        self.first_of: dict[int, int] = {}  # life to the number of its first frame
        self.life = -1
        self.published = -1
        self.published_at = 0.0
        self.told_life = -1  # whose number `published` is


class _WorkerState:
    def __init__(self, pool: str, now: float) -> None:
        self.pool = pool
        self.heard_at = now
        self.moved_at = now
        self.seen: tuple[int, int] | None = None
        self.is_stopped = False
        self.is_reported = False


class Judge:
    """Collects faults.

    Parameters
    ----------
    hang_s
        How long a process may go without progress while it could make some.
    """

    def __init__(self, hang_s: float) -> None:
        self.faults: list[Fault] = []
        self._hang_s = hang_s
        self._pools: dict[str, _PoolState] = {}
        self._workers: dict[str, _WorkerState] = {}

    def accuse(self, what: str, pool: str, who: str, frame: int, text: str) -> None:
        """Record a fault that somebody saw."""
        self.faults.append(Fault(what, pool, who, frame, text))

    def count(self, what: str) -> int:
        """How many faults of a kind."""
        return sum(fault.what == what for fault in self.faults)

    # What happens to processes.

    def began(self, who: str, pool: str, now: float) -> None:
        """A process was started."""
        self._workers[who] = _WorkerState(pool, now)
        self._pools.setdefault(pool, _PoolState())

    def producer_began(self, who: str, pool: str, life: int, variant: int, now: float) -> None:
        """The next producer of a pool was started, with this variant of its shape."""
        self.began(who, pool, now)
        state = self._pools[pool]
        is_same = variant == state.variant  # else the pool is made anew
        state.floor = max(state.floor, state.known) if is_same else -1
        state.variant, state.life, state.known = variant, life, -1

    def gone(self, who: str) -> None:
        """A process is gone."""
        del self._workers[who]

    def ended_pool(self, who: str) -> None:
        """A producer left in order: the pool is gone, and numbers begin again."""
        state = self._pools[self._workers[who].pool]
        state.floor = state.known = state.life = -1  # what is still told of it counts no more

    def stopped(self, who: str) -> None:
        """It stands still: nothing is expected of it."""
        self._workers[who].is_stopped = True

    def continued(self, who: str, now: float) -> None:
        """It goes on."""
        worker = self._workers[who]
        worker.is_stopped = False
        worker.heard_at = worker.moved_at = now

    # What they report.

    def first(self, who: str, life: int, index: int, now: float) -> None:
        """A producer published its first frame."""
        worker = self._workers[who]
        state = self._pools[worker.pool]
        worker.heard_at = now
        if index <= state.floor:
            text = f"life {life} began with it, though {state.floor} had been published"
            self.accuse("lost", worker.pool, who, index, text)
        self._learn(worker.pool, who, life, index)
        state.told_life = life
        self._publish(state, index, now)

    def published(self, who: str, index: int, now: float) -> None:
        """A producer tells the number of its newest frame."""
        worker = self._workers[who]
        worker.heard_at = now
        self._publish(self._pools[worker.pool], index, now)

    def seen(self, who: str, life: int, count: int, index: int, now: float) -> None:
        """A consumer tells its newest frame; `index` is -1 while it has none."""
        worker = self._workers[who]
        worker.heard_at = now
        if index < 0:
            return
        self._learn(worker.pool, who, life, index - count)
        if (life, index) != worker.seen:
            worker.seen = (life, index)
            worker.moved_at = now
        state = self._pools[worker.pool]
        if life == state.life:
            state.known = max(state.known, index)

    def newest_of(self, pool: str, life: int) -> int | None:
        """Return the newest number that this life of the pool has told."""
        state = self._pools[pool]
        return state.published if life == state.told_life else None

    def has_seen(self, who: str, life: int, index: int) -> bool:
        """Whether a consumer has come so far."""
        seen = self._workers[who].seen
        return seen is not None and seen >= (life, index)

    # What follows from that.

    def look(self, now: float) -> None:
        """Find those who make no progress although they could."""
        for who, worker in self._workers.items():
            if worker.is_stopped or worker.is_reported:
                continue
            state = self._pools[worker.pool]
            silent_s = now - worker.heard_at
            still_s = min(state.published_at, now) - worker.moved_at
            if silent_s > self._hang_s:
                self._accuse_once(worker, who, f"was not heard of for {silent_s:.0f} s")
            elif who.startswith("consumer") and still_s > self._hang_s:
                text = f"has seen nothing new for {still_s:.0f} s while frames were published"
                self._accuse_once(worker, who, text)

    def memory(self, who: str, pool: str, early_bytes: float, late_bytes: float) -> None:
        """A process that lives through the run had so much memory early and late in it."""
        if late_bytes - early_bytes > MOST_GROWTH_BYTES:
            text = f"grew from {early_bytes / 2**20:.0f} to {late_bytes / 2**20:.0f} MiB"
            self.accuse("leaked", pool, who, -1, text)

    def left_behind(self, objects: list[str]) -> None:
        """What is in /dev/shm after everyone has left."""
        for name in objects:
            self.accuse("leaked", name, "nobody", -1, "was left in /dev/shm")

    def _accuse_once(self, worker: _WorkerState, who: str, text: str) -> None:
        worker.is_reported = True
        seen = -1 if worker.seen is None else worker.seen[1]
        self.accuse("stuck", worker.pool, who, seen, text)

    def _publish(self, state: _PoolState, index: int, now: float) -> None:
        state.known = max(state.known, index)
        if index != state.published:
            state.published, state.published_at = index, now

    def _learn(self, pool: str, who: str, life: int, first: int) -> None:
        known = self._pools[pool].first_of.setdefault(life, first)
        if known != first:
            text = f"life {life} began with frame {known}, or with {first}"
            self.accuse("lost", pool, who, first, text)
