"""The two sides of a measurement, each in a process of its own. Any contender's goes this way."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.compare.board import DRAINING, MEASURING, PATIENCE_S, SETTING_UP, Board, wait_until
from bench.compare.contract import HISTORY_LEN, Job, Publisher, Subscriber
from bench.compare.memory import proportional_bytes
from bench.compare.seal import PATTERNS, Seal
from bench.compare.tally import Tally

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from numpy.typing import NDArray

    from bench.compare.package import Package

#: Frames in front of those that count, once every consumer has got one.
_WARM_UP = 20
_WARM_UP_PERIOD_S = 0.005

#: Frames that a consumer may find when it comes: the time between them is part of its figure.
_ATTACH_PERIOD_S = 0.001

#: A consumer that got nothing for so long looks whether it is over.
_LOOK_S = 0.2


def produce(package: Package, job: Job, board: Board, link: Connection) -> None:
    """Send frames, and what was seen over `link`."""
    before = proportional_bytes()
    contender = package.open()
    contender.load()
    publisher = contender.publisher()
    source = _Source(job, publisher)
    warm_up_period_s = max(_WARM_UP_PERIOD_S, job.period_s)
    if job.kind == "attach":
        warm_up_period_s = _ATTACH_PERIOD_S
    until = time.monotonic() + 60
    extra = 0
    while extra < _WARM_UP and time.monotonic() < until:
        source.put_next()
        board.published = source.count
        extra += board.all_got()
        if job.kind == "attach" and board.all_got():
            break
        time.sleep(warm_up_period_s)
    if not board.all_got():
        msg = f"no frame reached consumers {board.missing()}"
        raise TimeoutError(msg)
    source.put_ns.clear()
    board.first = source.count
    board.state = MEASURING
    began_cpu_ns, began = time.process_time_ns(), time.monotonic()
    if job.kind == "throughput":
        while time.monotonic() - began < job.seconds:
            source.put_next()
    elif job.kind != "attach":
        for turn in range(1, job.frames + 1):
            time.sleep(max(0.0, began + turn * job.period_s - time.monotonic()))
            source.put_next()
    cpu_ns, seconds = time.process_time_ns() - began_cpu_ns, time.monotonic() - began
    board.last = source.count - 1
    board.state = DRAINING
    link.send(
        {
            "published": source.count - board.first,
            "frames_per_s": (source.count - board.first) / seconds if seconds else 0.0,
            "put_ns": source.put_ns,
            "cpu_ns": cpu_ns,
            "memory_bytes": proportional_bytes() - before,
        }
    )
    link.recv()  # the consumers are done
    publisher.close()


class _Source:
    """Frames in order, each with its number and time."""

    def __init__(self, job: Job, publisher: Publisher) -> None:
        self._seal = Seal(job.frame_bytes)
        self._fill = getattr(publisher, "fill", None)
        self._put = publisher.put
        self._flat = [] if self._fill else self._seal.frames()
        self._shaped = [frame.reshape(job.shape) for frame in self._flat]
        self.count = 0
        self.put_ns: list[int] = []

    def put_next(self) -> None:
        if self._fill:
            self._fill_next()
        else:
            self._copy_next()
        self.count += 1

    def _fill_next(self) -> None:
        sent_ns = time.monotonic_ns()

        def write(flat: NDArray[np.uint8]) -> None:
            self._seal.stamp(flat, self.count)
            self._seal.stamp_time(flat, sent_ns)

        self._fill(write)
        self.put_ns.append(time.monotonic_ns() - sent_ns)

    def _copy_next(self) -> None:
        which = self.count % PATTERNS
        self._seal.stamp(self._flat[which], self.count)
        sent_ns = time.monotonic_ns()
        self._seal.stamp_time(self._flat[which], sent_ns)
        self._put(self._shaped[which])
        self.put_ns.append(time.monotonic_ns() - sent_ns)


def consume(package: Package, number: int, job: Job, board: Board, link: Connection) -> None:
    """Receive frames until the last, and send what was seen over `link`."""
    before = proportional_bytes()
    arrived_ns = time.monotonic_ns()
    contender = package.open()
    began_ns = time.monotonic_ns()
    contender.load()
    loaded_ns = time.monotonic_ns()
    if job.kind == "attach":
        wait_until(lambda: board.published > 0, "the producer's first frame")
    tally = Tally(job.frame_bytes, every_byte=job.check == "bytes")
    opened_ns = time.monotonic_ns()
    subscriber = contender.subscriber(number)
    history = _History(subscriber, job) if job.kind == "history" else None
    first_ns = None
    measuring = False
    patient_until = time.monotonic() + PATIENCE_S
    while board.state != DRAINING or tally.newest < board.last:
        array = subscriber.get(_LOOK_S)
        if not measuring and board.first >= 0:
            tally.begin(board.first)
            measuring = True
        if array is None:
            if board.state == DRAINING and not (
                job.lossless and time.monotonic() < patient_until
            ):
                break
            continue
        patient_until = time.monotonic() + PATIENCE_S
        flat = array.reshape(-1)
        _ = flat[0], flat[-1]
        received_ns = time.monotonic_ns()
        tally.take(flat, received_ns)
        if history:
            history.take(array, keep_time=measuring)
        if first_ns is None:
            first_ns = received_ns
            board.got(number)
        if job.kind == "attach" and board.state != SETTING_UP:
            break
    outcome: dict[str, Any] = tally.end(board.last)
    outcome.update(
        import_ns=loaded_ns - began_ns,
        attach_ns=(began_ns - arrived_ns) + (first_ns or time.monotonic_ns()) - opened_ns,
        memory_bytes=proportional_bytes() - before,
        history_ns=history.times_ns if history else [],
        history_wrong=history.wrong if history else 0,
    )
    link.send(outcome)
    link.recv()
    array = flat = None
    subscriber.close()


class _History:
    """Takes the last frames as one array after each frame, and the time."""

    def __init__(self, subscriber: Subscriber, job: Job) -> None:
        self._last = getattr(subscriber, "last", None)
        self._kept: deque[NDArray[np.uint8]] = deque(maxlen=HISTORY_LEN)
        self._seal = Seal(job.frame_bytes)
        self.times_ns: list[int] = []
        self.wrong = 0
        """How many had frames that are torn, or not in order."""

    def take(self, array: NDArray[np.uint8], *, keep_time: bool) -> None:
        began_ns = time.monotonic_ns()
        if self._last is None:
            self._kept.appendleft(array.copy())  # it is valid until the next frame only
            if len(self._kept) < HISTORY_LEN:
                return
            window = np.stack(self._kept)
        else:
            window = self._last(HISTORY_LEN)
            if window is None or len(window) < HISTORY_LEN:
                return
        flat = window.reshape(HISTORY_LEN, -1)
        _ = flat[:, 0].tolist(), flat[:, -1].tolist()
        taken_ns = time.monotonic_ns() - began_ns
        if keep_time:
            self.times_ns.append(taken_ns)
            numbers = [self._seal.number(frame) for frame in flat]
            self.wrong += any(
                newer is None or older is None or newer <= older
                for newer, older in zip(numbers, numbers[1:])
            )
