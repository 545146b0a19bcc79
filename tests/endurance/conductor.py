"""The run: starts the cast, lets the plan happen to it, listens, and ends it in order."""

from __future__ import annotations

import select
import signal
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from endurance.consumer import consume
from endurance.judge import Judge
from endurance.memory import Sample, early_and_late, private_bytes, segments, shared_bytes
from endurance.plan import Action, Decision, Plan
from endurance.pools import POOLS
from endurance.producer import produce, variant_of
from endurance.seats import Seat
from endurance.tally import Tally
from tensor_ipc import TensorProducer, inspect

if TYPE_CHECKING:
    from endurance.options import Options

SAMPLE_EVERY_S = 0.5
PAUSE_S = 0.05
LONG_STOP_S = 60.0
#: A run this long also stops one producer and one consumer for a minute.
LONG_RUN_S = 290.0


class Conductor:
    """One run. It makes no pool itself, and starts no thread: its processes are forks of it."""

    def __init__(self, options: Options) -> None:
        self.judge = Judge(options.hang_s)
        self.tally = Tally()
        self.samples: list[Sample] = []
        self.elapsed_s = 0.0
        self._options = options
        self._began = time.monotonic()
        self._next_sample = 0.0
        self._lives = 0
        self._wake: dict[Seat, float] = {}
        self._seats: list[Seat] = []
        for place, pool in enumerate(POOLS):
            self._seats.append(Seat("producer", pool, place, produce, options.seed))
            self._seats += [
                Seat(f"consumer {number}", pool, place, consume, options.seed)
                for number in range(pool.consumers)
            ]

    def run(self) -> None:
        """Let it all happen."""
        elders = frozenset(
            number for number, seat in enumerate(self._seats) if seat.pool.is_elder
        )
        plan = Plan(self._options.seed, len(self._seats), elders, PAUSE_S)
        try:
            for seat in self._seats:
                self._start(seat)
            end = self._now() + self._options.seconds
            self._stop_for_a_minute(end)
            while (left := end - self._now()) > 0:
                decision = plan.next()
                self._listen_until(self._now() + min(decision.pause_s, left))
                self._carry_out(decision)
            self.elapsed_s = self._now()
            self._finale()
            self._look_back()
        finally:
            self._kill_everyone()
            for path in segments():
                path.unlink()

    # Time and messages.

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _listen_until(self, until: float) -> None:
        while True:
            now = self._now()
            self._wake_up(now)
            self._sample(now)
            self._restart_the_failed()
            self.judge.look(now)
            due = min([until, *self._wake.values(), self._next_sample])
            by_pipe = {seat.pipe: seat for seat in self._seats if seat.is_taken}
            ready, _, _ = select.select(by_pipe, [], [], max(0.0, due - now))
            for pipe in ready:
                self._hear(by_pipe[pipe])
            if self._now() >= until:
                return

    def _hear(self, seat: Seat) -> None:
        now = self._now()
        for message in seat.messages():
            self._judge_message(seat, message, now)
            self.tally.report(seat, message)

    def _judge_message(self, seat: Seat, message: dict[str, Any], now: float) -> None:
        kind = message["kind"]
        if kind == "fault":
            what, frame, text = message["what"], message["frame"], message["text"]
            self.judge.accuse(what, seat.pool.name, seat.who, frame, text)
        elif kind == "first":
            self.judge.first(seat.who, seat.life, message["index"], now)
        elif kind == "published":
            self.judge.published(seat.who, message["index"], now)
        elif kind == "seen":
            life, count, index = message["life"], message["count"], message["index"]
            self.judge.seen(seat.who, life, count, index, now)
        elif kind == "left" and seat.is_producer:
            self.judge.ended_pool(seat.who)

    def _sample(self, now: float) -> None:
        if now < self._next_sample:
            return
        self._next_sample = now + SAMPLE_EVERY_S
        private = {seat: private_bytes(seat.pid) for seat in self._seats if seat.is_taken}
        elders = {s.role: size for s, size in private.items() if s.pool.is_elder}
        self.samples.append(
            Sample(now, len(private), sum(private.values()), shared_bytes(), elders)
        )

    # What happens to processes.

    def _start(self, seat: Seat) -> None:
        self._lives += 1
        others = [other.pipe for other in self._seats if other.is_taken]
        seat.start(self._lives, others, self._sabotage_of(seat))
        now = self._now()
        if seat.is_producer:
            variant = variant_of(self._lives) % len(seat.pool.shapes)
            self.judge.producer_began(seat.who, seat.pool.name, self._lives, variant, now)
        else:
            self.judge.began(seat.who, seat.pool.name, now)
        self.tally.happened(seat, "starts")

    def _sabotage_of(self, seat: Seat) -> str | None:
        """Only an elder: it lives long enough to do harm."""
        wanted = {"torn": "producer", "lost": "producer", "stuck": "consumer 0"}
        chosen = self._options.sabotage
        is_the_one = seat.pool.is_elder and seat.role == wanted.get(chosen or "")
        return chosen if is_the_one else None

    def _carry_out(self, decision: Decision) -> None:
        seat = self._seats[decision.seat]
        action = decision.action
        if action is Action.START:
            self._start(seat)
        elif action is Action.KILL:
            self.tally.happened(seat, "kills")
            self._kill(seat)
        elif action is Action.LEAVE:
            self.tally.happened(seat, "leaves")
            self._send_away(seat, signal.SIGTERM)
        elif seat not in self._wake:
            self._stop(seat, decision.duration_s)

    def _stop_for_a_minute(self, end: float) -> None:
        """One producer and one consumer, among those who live through the run."""
        if end - self._now() < LONG_RUN_S:
            return
        for seat in self._seats:
            if seat.pool.is_elder and seat.role in {"producer", "consumer 1"}:
                self._stop(seat, LONG_STOP_S)

    def _stop(self, seat: Seat, duration_s: float) -> None:
        self.tally.happened(seat, "stops")
        self.judge.stopped(seat.who)
        seat.is_stopped = True
        seat.signal(signal.SIGSTOP)
        self._wake[seat] = self._now() + duration_s

    def _wake_up(self, now: float, *, all_of_them: bool = False) -> None:
        for seat in [s for s, at in self._wake.items() if all_of_them or at <= now]:
            self._continue(seat)

    def _continue(self, seat: Seat) -> None:
        if self._wake.pop(seat, None) is not None:
            seat.is_stopped = False
            seat.signal(signal.SIGCONT)
            self.judge.continued(seat.who, self._now())

    def _kill(self, seat: Seat) -> None:
        self._wake.pop(seat, None)
        seat.signal(signal.SIGKILL)
        seat.reap()
        self._leave_seat(seat)

    def _send_away(self, seat: Seat, how: signal.Signals) -> None:
        self._continue(seat)
        seat.is_leaving = True
        seat.signal(how)
        deadline = self._now() + self._options.hang_s
        while not seat.has_ended():
            if self._now() > deadline:
                self.judge.accuse("stuck", seat.pool.name, seat.who, -1, "does not leave")
                self._kill(seat)
                return
            self._listen_until(self._now() + 0.02)
        self._leave_seat(seat)

    def _leave_seat(self, seat: Seat) -> None:
        self._hear(seat)
        self.tally.forget(seat)
        self.judge.gone(seat.who)
        seat.empty()

    def _restart_the_failed(self) -> None:
        """Somebody who ended without being told to has reported why; the plan counts on it."""
        for seat in self._seats:
            if seat.is_taken and not seat.is_leaving and seat.has_ended():
                self._hear(seat)
                self.judge.accuse("stuck", seat.pool.name, seat.who, -1, "ended by itself")
                self._wake.pop(seat, None)
                self._leave_seat(seat)
                self._start(seat)

    # The end.

    def _finale(self) -> None:
        """Everyone gets the newest frame, then all leave, consumers first."""
        self._wake_up(self._now(), all_of_them=True)
        for seat in self._seats:
            if not seat.is_taken:
                self._start(seat)
        self._expect_all_see_news()
        for seat in self._seats:
            if not seat.is_producer:
                self._send_away(seat, signal.SIGTERM)
        for seat in self._seats:
            if seat.is_producer:
                for consumer in inspect(seat.pool.name).consumers:
                    text = f"process {consumer.pid} is still a consumer"
                    self.judge.accuse("leaked", seat.pool.name, seat.who, -1, text)
                self._send_away(seat, signal.SIGUSR1)

    def _expect_all_see_news(self) -> None:
        """Each consumer comes to a frame of its pool's last life that was published after now."""
        lives = {seat.pool.name: seat.life for seat in self._seats if seat.is_producer}
        news: dict[str, int] = {}
        waiting = [seat for seat in self._seats if not seat.is_producer]
        deadline = self._now() + self._options.hang_s
        while waiting and self._now() < deadline:
            self._listen_until(self._now() + 0.1)
            for name, life in lives.items():
                newest = self.judge.newest_of(name, life)
                if newest is not None:
                    news.setdefault(name, newest + 1)
            waiting = [seat for seat in waiting if not self._has_seen(seat, lives, news)]
        for seat in waiting:
            name = seat.pool.name
            text = "did not get the newest frame"
            self.judge.accuse("lost", name, seat.who, news.get(name, -1), text)

    def _has_seen(self, seat: Seat, lives: dict[str, int], news: dict[str, int]) -> bool:
        name = seat.pool.name
        return name in news and self.judge.has_seen(seat.who, lives[name], news[name])

    def _kill_everyone(self) -> None:
        for seat in self._seats:
            if seat.is_taken:
                self._kill(seat)

    def _look_back(self) -> None:
        if self._options.sabotage == "leaked":
            leave_a_segment()
        self.judge.left_behind([path.name for path in segments()])
        for elder in sorted({name for sample in self.samples for name in sample.elders}):
            sizes = early_and_late(self.samples, elder)
            if sizes is not None:
                self.judge.memory(elder, "elder", *sizes)


def leave_a_segment() -> None:
    """Do what the judge has to notice."""
    sample = np.zeros(3)
    producer = TensorProducer.from_sample("left", sample)
    segment = segments()[0]
    copy = segment.read_bytes()
    producer.cleanup()
    segment.write_bytes(copy)
