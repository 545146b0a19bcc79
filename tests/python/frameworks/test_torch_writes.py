"""Writing to received tensors: no crash, nobody else sees it, and no later frame shows it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from frames_of import SHAPE, pins
from support import REPOSITORY, MakeConsumer, MakeProducer, StartChild

torch = pytest.importorskip("torch")

PAGE_ELEMENTS = 4096 // 4


def frame(value: float) -> Any:
    return torch.full(SHAPE, float(value))


def write_to_every_page(tensor: Any) -> None:
    tensor.view(-1)[:: PAGE_ELEMENTS // 2] = -1.0
    tensor.view(-1)[-1] = -1.0


def step(tensor: Any) -> None:
    parameter = torch.nn.Parameter(tensor)
    assert parameter.data_ptr() == tensor.data_ptr()
    optimiser = torch.optim.SGD([parameter], lr=10.0)
    parameter.sum().backward()
    optimiser.step()


WRITES = {
    "mul_": lambda tensor: tensor.mul_(-1),
    "clamp_": lambda tensor: tensor.clamp_(max=-5),
    "index": lambda tensor: tensor.__setitem__((0, slice(None), 3), -1.0),
    "fill_": lambda tensor: tensor.fill_(-1),
    "numpy": lambda tensor: tensor.numpy().__setitem__(Ellipsis, -1.0),
    "view": lambda tensor: tensor.view(-1)[7:].sub_(1000),
    "out": lambda tensor: torch.neg(tensor, out=tensor),
    "optimiser": step,
    "every page": write_to_every_page,
    "first and last byte": lambda tensor: (
        tensor.view(-1).__setitem__(0, -1.0),
        tensor.view(-1).__setitem__(-1, -1.0),
    ),
}


@pytest.mark.parametrize("case", sorted(WRITES))
def test_write_stays_in_the_consumer_and_is_gone_with_the_tensor(
    new_producer: MakeProducer, new_consumer: MakeConsumer, case: str
) -> None:
    producer = new_producer(frame(0), 3)
    writer = new_consumer(frame(0), 3)
    other = new_consumer(frame(0), 3)
    for value in range(1, 4):
        producer.put(frame(value))

    mine = writer.get()
    WRITES[case](mine)

    assert (mine < 0).any()
    assert torch.equal(other.get(), frame(3))
    np.testing.assert_array_equal(writer.get(as_numpy=True), frame(3).numpy())
    del mine
    gc.collect()
    assert torch.equal(writer.get(), frame(3))


@pytest.mark.parametrize("case", sorted(WRITES))
@pytest.mark.parametrize("chronological", [False, True])
def test_no_later_frame_shows_what_was_written(
    new_producer: MakeProducer, new_consumer: MakeConsumer, case: str, chronological: bool
) -> None:
    producer = new_producer(frame(0), 4, chronological=chronological)
    writer = new_consumer(frame(0), 4)
    order = not chronological

    for value in range(1, 40):  # several times round the ring
        producer.put(frame(value))
        newest = writer.get()
        assert torch.equal(newest, frame(value))
        if value % 3 == 0:
            WRITES[case](newest)
        del newest
        history = writer.get(4, latest_first=order)
        expected = [frame(v) for v in range(value, max(value - 4, 0), -1)]
        assert torch.equal(history, torch.stack(expected if order else expected[::-1]))
        if value % 2 == 0:
            for age in range(len(history)):
                WRITES[case](history[age])
        del history

    assert writer.stats.copied_frames == 0


def test_view_keeps_what_was_written_to_it_while_the_producer_goes_round(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(frame(0), 3)
    writer = new_consumer(frame(0), 3)
    for value in range(1, 4):
        producer.put(frame(value))
    held = writer.get(2)
    write_to_every_page(held[0])
    before = held.clone()

    for value in range(4, 60):
        producer.put(frame(value))
        assert torch.equal(held, before)
        newest = writer.get()
        assert torch.equal(newest, frame(value))
        newest.zero_()

    del held, newest
    assert torch.equal(writer.get(), frame(59))


def test_views_of_one_frame_keep_their_bytes_until_the_last_is_gone(
    new_producer: MakeProducer, new_consumer: MakeConsumer, pool: str
) -> None:
    producer = new_producer(frame(0), 2)
    consumer = new_consumer(frame(0), 2)
    producer.put(frame(1))
    first = consumer.get()
    second = consumer.get()
    first.fill_(-1)
    seen = second.clone()

    del first
    gc.collect()

    assert torch.equal(second, seen)
    corner = second[2, 40:, 30:]
    del second
    gc.collect()
    assert (corner == seen[2, 40:, 30:]).all()
    assert pins(pool) == 1
    del corner
    gc.collect()
    assert pins(pool) == 0
    assert torch.equal(consumer.get(), frame(1))


def test_write_to_one_frame_leaves_its_neighbours_alone(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(frame(0), 4, spare=4)
    writer = new_consumer(frame(0), 4, max_pins=5)
    for value in range(1, 5):
        producer.put(frame(value))
    held = writer.get()  # frame 4
    held.fill_(-1)

    for value in range(5, 40):
        producer.put(frame(value))
        assert torch.equal(writer.get(), frame(value))
        assert torch.equal(writer.get(copy=True), frame(value))

    assert (held == -1).all()


def test_views_outlive_their_consumer_and_can_still_be_written(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(frame(0), 2)
    consumer = new_consumer(frame(0), 2)
    producer.put(frame(1))
    view = consumer.get()
    consumer.cleanup()
    producer.cleanup()
    del consumer, producer
    gc.collect()

    view.add_(1)

    assert torch.equal(view, frame(2))


def test_several_consumers_write_to_one_frame_each_for_itself(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(frame(0), 2)
    consumers = [new_consumer(frame(0), 2) for _ in range(5)]

    for value in range(1, 20):
        producer.put(frame(value))
        views = [consumer.get() for consumer in consumers]
        for number, view in enumerate(views):
            view.add_(100 * (number + 1))
        for number, view in enumerate(views):
            assert torch.equal(view, frame(value + 100 * (number + 1)))


def test_write_is_not_seen_by_another_process(
    new_producer: MakeProducer, new_consumer: MakeConsumer, start_child: StartChild, pool: str
) -> None:
    producer = new_producer(frame(0), 2)
    writer = new_consumer(frame(0), 2)
    reader = start_child(
        """
        import sys, torch
        from tensor_ipc import TensorConsumer

        consumer = TensorConsumer.attach(sys.argv[1])
        held = None
        for _ in sys.stdin:
            held = consumer.get()
            print(held.min().item(), held.max().item(), flush=True)
            held.fill_(-7)
        """,
        pool,
    )

    for value in range(1, 10):
        producer.put(frame(value))
        mine = writer.get()
        write_to_every_page(mine)
        reader.write()
        assert reader.read() == f"{float(value)} {float(value)}"
        assert not (mine == -7).any()
        assert torch.equal(writer.get(copy=True), frame(value))


def test_threads_write_to_frames_of_one_consumer(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(frame(0), 4, spare=12)
    consumer = new_consumer(frame(0), 4, max_pins=8)
    producer.put(frame(1))
    wrong: list[str] = []
    done = threading.Event()

    def read_and_write() -> None:
        while not done.is_set():
            # The first element is the value of all, unless somebody wrote to the frame: then all
            # of it is below zero, or was when that somebody took it.
            view = consumer.get()
            value = float(view.max())
            if value >= 0 and not bool(((view == value) | (view < 0)).all()):
                wrong.append(f"a mix of frames: {view.unique().tolist()}")
            view.fill_(-1)

    threads = [threading.Thread(target=read_and_write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for value in range(2, 400):
        producer.put(frame(value))
    done.set()
    for thread in threads:
        thread.join()

    assert wrong == []
    producer.put(frame(1000))
    assert torch.equal(consumer.get(), frame(1000))


def test_readonly_views_are_the_same_memory_and_a_write_ends_the_process(
    new_producer: MakeProducer, new_consumer: MakeConsumer, start_child: StartChild, pool: str
) -> None:
    producer = new_producer(frame(0), 2)
    producer.put(frame(1))
    consumer = new_consumer(frame(0), 2, torch_views="readonly")
    assert torch.equal(consumer.get(), frame(1))
    assert consumer.get().data_ptr() == consumer.get(as_numpy=True).ctypes.data
    child = start_child(
        """
        import sys
        from tensor_ipc import TensorConsumer

        consumer = TensorConsumer.attach(sys.argv[1], torch_views="readonly")
        view = consumer.get()
        print("going to write", flush=True)
        view.fill_(9)
        print("written")
        """,
        pool,
    )

    assert child.read() == "going to write"
    code, output, _ = child.finish()

    assert code < 0
    assert output == ""
    assert torch.equal(consumer.get(), frame(1))


def test_forked_child_may_drop_the_tensors_of_its_parent(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(frame(0), 2)
    consumer = new_consumer(frame(0), 2)
    producer.put(frame(1))
    view = consumer.get()
    view.fill_(-1)

    program = """
import os, sys, torch
from tensor_ipc import TensorConsumer
consumer = TensorConsumer.attach(sys.argv[1])
view = consumer.get()
view.fill_(-1)
pid = os.fork()
if pid == 0:
    del view
    mine = consumer.get()
    ok = bool((mine == 1).all())
    mine.fill_(-2)
    del mine
    os._exit(0 if ok and bool((consumer.get() == 1).all()) else 1)
assert os.waitpid(pid, 0)[1] == 0
assert (view == -1).all()
"""
    result = subprocess.run(
        [sys.executable, "-c", program, producer.metadata.name],
        env=dict(os.environ),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert result.stderr == ""
    assert result.returncode == 0
    assert (view == -1).all()
