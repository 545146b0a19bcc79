"""The producer process: publishes sealed frames until it is told to leave, or killed."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from endurance.payload import Origin, seal
from tensor_ipc import PoolExhaustedError, TensorProducer

if TYPE_CHECKING:
    import random

    from endurance.link import Link
    from endurance.pools import Pool


def produce(
    pool: Pool,
    place: int,
    life: int,
    rng: random.Random,
    link: Link,
    sabotage: str | None = None,
) -> None:
    """Live one life.

    Parameters
    ----------
    place
        The pool's number in the run.
    life
        This producer's number in the run.
    """
    sample = pool.sample(variant_of(life))
    with TensorProducer.from_sample(
        pool.name,
        sample,
        pool.history_len,
        spare=pool.spare,
        chronological=pool.chronological,
    ) as producer:
        first = -1
        count = refused = 0
        while not link.leaving:
            origin = Origin(place, life, count)
            if sabotage == "lost" and count > 100:
                origin = Origin(place, life, count + 1)  # as if one had never come
            try:
                if count == 0 or rng.random() < 0.5:
                    seal(sample, origin)
                    if sabotage == "torn" and count % 100 == 99:
                        sample.reshape(-1)[sample.size // 2] += 1
                    index = producer.put(sample)
                    first = index if count == 0 else first
                else:
                    with producer.loan() as array:
                        seal(array, origin)
                    index = first + producer.stats.frames - 1
                if rng.random() < 0.02:
                    _drop_a_loan(producer)
            except PoolExhaustedError:
                refused += 1  # by consumers that were stopped while they held too much
                continue
            if count == 0:
                link.send("first", index=index)
            if index != first + count:
                link.fault("lost", index, f"was published in place of {first + count}")
            count += 1
            if link.report_is_due():
                link.send("published", index=index, frames=count, refused=refused)
            time.sleep(rng.random() * pool.most_pause_s)
        if count > 0:
            link.send("published", index=first + count - 1, frames=count, refused=refused)
        if link.is_last:
            expect_every_slot_is_free(producer, pool, link)
    link.send("left")


def variant_of(life: int) -> int:
    """Which of its pool's shapes a life takes: another one every fifth time."""
    return life // 5


class _ChangedItsMind(Exception):
    pass


def _drop_a_loan(producer: TensorProducer) -> None:
    with contextlib.suppress(_ChangedItsMind), producer.loan() as array:
        array[:] = 0
        raise _ChangedItsMind


def expect_every_slot_is_free(producer: TensorProducer, pool: Pool, link: Link) -> None:
    """Take all slots at once, when all consumers have left or died: no pin of theirs is left."""
    slots = pool.history_len + pool.spare
    taken = 0
    with contextlib.suppress(_ChangedItsMind), contextlib.ExitStack() as loans:
        for taken in range(1, slots + 1):
            try:
                loans.enter_context(producer.loan())
            except PoolExhaustedError as error:
                link.fault("leaked", -1, f"only {taken - 1} of {slots} slots are free: {error}")
                break
        raise _ChangedItsMind
