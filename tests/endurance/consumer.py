"""The consumer process: reads in every way there is until it is told to leave, or killed."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Callable

from endurance.producer import variant_of
from endurance.reader import Reader
from tensor_ipc import (
    MetadataCreator,
    MetadataMismatchError,
    PoolExhaustedError,
    PoolNotFoundError,
    TensorConsumer,
)

if TYPE_CHECKING:
    import random

    import numpy as np

    from endurance.link import Link
    from endurance.pools import Pool

WAIT_S = 0.1


def consume(
    pool: Pool,
    place: int,
    life: int,
    rng: random.Random,
    link: Link,
    sabotage: str | None = None,
) -> None:
    """Live one life: one manner of reading after the other, each with a consumer of its own."""
    reader = Reader(place, link)
    manners: list[Callable[..., None]] = [_newest, _history, _callback, _iteration, _copies]
    copied = missed = 0
    while not link.leaving:
        consumer = _attach(pool, life, rng, reader)
        if consumer is None:
            _report(reader, link, copied, missed)
            time.sleep(WAIT_S / 2)
            continue
        with consumer:
            turns = rng.randrange(20, 400)
            manner = rng.choice(manners)
            if sabotage == "stuck":
                _stand_still(reader, link)
            manner(consumer, pool, rng, reader, link, turns, (copied, missed))
            copied += consumer.stats.copied_frames
            missed += consumer.stats.missed
        if rng.random() < 0.5:
            reader.let_go()  # else views outlive the consumer that gave them
    reader.let_go()
    _report(reader, link, copied, missed, at_once=True)
    link.send("left")


def _attach(pool: Pool, life: int, rng: random.Random, reader: Reader) -> TensorConsumer | None:
    try:
        if rng.random() < 0.5:
            return TensorConsumer.attach(pool.name, max_pins=rng.choice([None, 1, 4]))
        sample = pool.sample(variant_of(life))
        metadata = MetadataCreator.from_sample(pool.name, sample, pool.history_len)
        return TensorConsumer(metadata, max_pins=rng.choice([None, 2]))
    except PoolNotFoundError:
        return None
    except MetadataMismatchError:
        reader.mismatches += 1
        return None


def _report(
    reader: Reader, link: Link, copied: int, missed: int, *, at_once: bool = False
) -> None:
    if link.report_is_due() or at_once:
        reader.report(copied, missed)


def _loop(
    consumer: TensorConsumer,
    reader: Reader,
    link: Link,
    turns: int,
    before: tuple[int, int],
    look: Callable[[], None],
) -> None:
    """Call `look` when there is a frame, so often; report; bear what is no fault of anyone's."""
    for _ in range(turns):
        if link.leaving:
            return
        try:
            if consumer.wait(WAIT_S):
                look()
        except PoolExhaustedError:
            reader.refused += 1
        except MetadataMismatchError:
            reader.mismatches += 1
            return
        if link.report_is_due():
            stats = consumer.stats
            reader.report(before[0] + stats.copied_frames, before[1] + stats.missed)


def _newest(
    consumer: TensorConsumer,
    pool: Pool,
    rng: random.Random,
    reader: Reader,
    link: Link,
    turns: int,
    before: tuple[int, int],
) -> None:
    def look() -> None:
        frame = consumer.get_frame()
        if frame is not None:
            reader.hold(frame.data, reader.take(frame.data, frame.index), rng.randrange(6))
        time.sleep(rng.random() * pool.most_pause_s)

    _loop(consumer, reader, link, turns, before, look)


def _history(
    consumer: TensorConsumer,
    pool: Pool,
    rng: random.Random,
    reader: Reader,
    link: Link,
    turns: int,
    before: tuple[int, int],
) -> None:
    def look() -> None:
        frame = consumer.get_frame()
        if frame is not None:
            reader.take(frame.data, frame.index)
        del frame
        latest_first = rng.random() < 0.5
        window = consumer.get(rng.randint(1, pool.history_len), latest_first=latest_first)
        if window is None:
            return
        if window.ndim > consumer_dimensions(consumer):
            reader.take_window(window if latest_first else window[::-1])
            oldest = window[-1 if latest_first else 0]
            reader.hold(oldest, reader.take(oldest), rng.randrange(4))
        else:
            reader.hold(window, reader.take(window), rng.randrange(4))

    _loop(consumer, reader, link, turns, before, look)


def consumer_dimensions(consumer: TensorConsumer) -> int:
    """Dimensions of one frame."""
    metadata = consumer.metadata
    return 0 if metadata is None else len(metadata.shape)


def _copies(
    consumer: TensorConsumer,
    pool: Pool,
    rng: random.Random,
    reader: Reader,
    link: Link,
    turns: int,
    before: tuple[int, int],
) -> None:
    def look() -> None:
        mine = consumer.get(copy=True)
        if mine is not None:
            reader.take(mine)
            mine.fill(0)  # and nobody else sees that
        frame = consumer.get_frame()
        if frame is not None:
            reader.take(frame.data, frame.index)
        time.sleep(rng.random() * pool.most_pause_s)

    _loop(consumer, reader, link, turns, before, look)


def _iteration(
    consumer: TensorConsumer,
    pool: Pool,
    rng: random.Random,
    reader: Reader,
    link: Link,
    turns: int,
    before: tuple[int, int],
) -> None:
    def look() -> None:
        for left, data in zip(range(rng.randrange(1, 5), 0, -1), consumer):
            reader.hold(data, reader.take(data), rng.randrange(3))
            if left == 1 or not consumer.wait(WAIT_S):
                break
        frame = consumer.get_frame()
        if frame is not None:
            reader.take(frame.data, frame.index)

    _loop(consumer, reader, link, max(1, turns // 5), before, look)
    del pool


def _callback(
    consumer: TensorConsumer,
    pool: Pool,
    rng: random.Random,
    reader: Reader,
    link: Link,
    turns: int,
    before: tuple[int, int],
) -> None:
    """A second consumer, with a callback, beside the first."""
    called: list[np.ndarray[Any, Any]] = []
    lock = threading.Lock()

    def on_frame(data: np.ndarray[Any, Any]) -> None:
        with lock:
            called.append(data)

    def look() -> None:
        frame = consumer.get_frame()
        if frame is not None:
            reader.take(frame.data, frame.index)
        with lock:
            views, called[:] = list(called), []
        for data in views:
            reader.hold(data, reader.take(data), rng.randrange(3))
        time.sleep(rng.random() * pool.most_pause_s)

    metadata = consumer.metadata
    if metadata is None:
        return
    try:
        other = TensorConsumer(metadata, on_new_data_callback=on_frame)
    except MetadataMismatchError:
        reader.mismatches += 1
        return
    with other:
        _loop(consumer, reader, link, turns, before, look)


def _stand_still(reader: Reader, link: Link) -> None:
    """Report, and never read: what the judge has to notice."""
    while not link.leaving:
        if link.report_is_due():
            reader.report(0, 0)
        time.sleep(WAIT_S)
