"""Producers and consumers that go to other processes: pickled, forked, or ended with them."""

from __future__ import annotations

import multiprocessing
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support import HANG_S, MakeConsumer, MakeProducer, StartChild, filled, segment_path

from tensor_ipc import PoolInUseError, TensorConsumer, TensorProducer

if TYPE_CHECKING:
    from pathlib import Path

SPAWN = multiprocessing.get_context("spawn")
Reports = Any  # a queue of multiprocessing, whose class is generic only for type checkers


def read_two_frames(consumer: TensorConsumer, reports: Reports) -> None:
    for _ in range(2):
        assert consumer.wait(HANG_S)
        frame = consumer.get_frame()
        assert frame is not None
        reports.put((frame.index, int(frame.data[0, 0])))


def put_a_frame(producer: TensorProducer, reports: Reports) -> None:
    try:
        reports.put(producer.put(filled(70)))
    except PoolInUseError:
        reports.put("in use")


def test_consumer_goes_to_a_spawned_process(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer()
    producer.put(filled(10))
    consumer = new_consumer()
    reports = SPAWN.Queue()
    process = SPAWN.Process(target=read_two_frames, args=(consumer, reports))
    process.start()

    assert reports.get(timeout=HANG_S) == (0, 10)
    producer.put(filled(11))
    assert reports.get(timeout=HANG_S) == (1, 11)

    process.join(HANG_S)
    assert process.exitcode == 0
    np.testing.assert_array_equal(consumer.get(), filled(11))


def test_producer_that_was_cleaned_up_is_of_no_use_elsewhere(
    new_producer: MakeProducer,
) -> None:
    producer = new_producer()
    producer.cleanup()

    copy = pickle.loads(pickle.dumps(producer))

    assert copy.closed
    with pytest.raises(LookupError, match="cleaned up"):
        copy.put(filled(1))


def test_producer_goes_to_a_spawned_process_where_it_is_refused_while_the_first_lives(
    new_producer: MakeProducer, pool: str
) -> None:
    producer = new_producer()
    reports = SPAWN.Queue()
    process = SPAWN.Process(target=put_a_frame, args=(producer, reports))
    process.start()

    assert reports.get(timeout=HANG_S) == "in use"

    process.join(HANG_S)
    assert process.exitcode == 0
    assert segment_path(pool).exists()
    assert producer.put(filled(1)) == 0


def test_pickled_producer_takes_over_at_its_first_use(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=2, spare=7, chronological=True, mode=0o660)
    consumer = new_consumer(history_len=2)
    producer.put(filled(1))

    copy = pickle.loads(pickle.dumps(producer))
    assert copy.metadata == producer.metadata
    with pytest.raises(PoolInUseError):
        copy.put(filled(2))
    producer.cleanup()

    with copy:
        assert copy.put(filled(3)) == 0
        np.testing.assert_array_equal(consumer.get(), filled(3))


def test_pickled_attached_consumer_expects_what_it_read(
    new_producer: MakeProducer, pool: str
) -> None:
    producer = new_producer(history_len=2)
    producer.put(filled(1))
    consumer = TensorConsumer.attach(pool)
    with consumer, pickle.loads(pickle.dumps(consumer)) as copy:
        assert copy.metadata == producer.metadata
        np.testing.assert_array_equal(copy.get(), filled(1))


def test_consumer_without_a_pool_can_be_pickled(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    text = pickle.dumps(new_consumer())
    producer = new_producer()

    with pickle.loads(text) as copy:
        producer.put(filled(1))
        np.testing.assert_array_equal(copy.get(), filled(1))


def test_views_are_pickled_by_value(
    new_producer: MakeProducer, new_consumer: MakeConsumer
) -> None:
    producer = new_producer(history_len=2)
    consumer = new_consumer(history_len=2)
    producer.put(filled(1))
    producer.put(filled(2))

    history = pickle.loads(pickle.dumps(consumer.get(2)))
    producer.cleanup()

    assert history[:, 0, 0].tolist() == [2, 1]


# From 3.12 on Python warns of a fork beside threads, which is what some of these programs are about.
FORK_PRELUDE = """
    import os, sys, select, threading, warnings
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    import numpy as np
    from tensor_ipc import PoolInUseError, TensorConsumer, TensorProducer, inspect

    name = sys.argv[1]
    sample = np.zeros((2, 3), dtype=np.int32)

    def in_child(function):
        '''Run it in a forked child that ends as the interpreter does; its exit code has to be 0.'''
        pid = os.fork()
        if pid == 0:
            function()
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
"""


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(
            """
    producer = TensorProducer.from_sample(name, sample, 3)
    consumer = TensorConsumer.from_sample(name, sample, history_len=3)
    for value in range(5):
        producer.put(np.full_like(sample, value))
    held = consumer.get(3)

    def child():
        history = consumer.get(3)
        assert history[:, 0, 0].tolist() == [4, 3, 2], history
        assert consumer.connected
        pids = {each.pid for each in inspect(name).consumers}
        assert pids == {os.getpid(), os.getppid()}, pids
        assert held[:, 0, 0].tolist() == [4, 3, 2]

    in_child(child)
    assert held[:, 0, 0].tolist() == [4, 3, 2]
    for value in range(5, 50):
        producer.put(np.full_like(sample, value))
    assert held[:, 0, 0].tolist() == [4, 3, 2]
    assert consumer.get()[0, 0] == 49
    assert len(inspect(name).consumers) == 1
            """,
            id="consumer attaches again in the child",
        ),
        pytest.param(
            """
    producer = TensorProducer.from_sample(name, sample)
    producer.put(sample)

    def child():
        for _ in range(2):
            try:
                producer.put(sample)
            except PoolInUseError:
                continue
            raise AssertionError
        try:
            with producer.loan():
                raise AssertionError
        except PoolInUseError:
            pass

    in_child(child)
    assert producer.put(sample) == 1
            """,
            id="put in the child is refused",
        ),
        pytest.param(
            """
    producer = TensorProducer.from_sample(name, sample)
    consumer = TensorConsumer.from_sample(name, sample)
    producer.put(sample)
    in_child(lambda: None)
    assert consumer.connected
    in_child(producer.cleanup)
    assert consumer.connected
    assert producer.put(sample) == 1
            """,
            id="end of the child ends nothing of the parent",
        ),
        pytest.param(
            """
    producer = TensorProducer.from_sample(name, sample)
    def child():
        global producer
        del producer
    in_child(child)
    assert inspect(name).producer_alive
            """,
            id="garbage in the child ends nothing of the parent",
        ),
        pytest.param(
            """
    producer = TensorProducer.from_sample(name, sample)
    consumer = TensorConsumer.from_sample(name, sample)
    for value in range(3):
        producer.put(np.full_like(sample, value))
    to_child, to_parent = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        producer_of_parent, producer = producer, None
        os.close(to_child[1])
        os.read(to_child[0], 1)
        assert producer_of_parent.put(np.full_like(sample, 77)) == 0
        os.write(to_parent[1], b"x")
        os.read(to_child[0], 1)
        sys.exit(0)
    producer.cleanup()
    os.write(to_child[1], b"x")
    os.read(to_parent[0], 1)
    assert consumer.wait(60)
    assert consumer.get()[0, 0] == 77
    os.close(to_child[1])
    assert os.waitpid(pid, 0)[1] == 0
            """,
            id="child takes the pool over when it is free",
        ),
        pytest.param(
            """
    got = threading.Event()
    producer = TensorProducer.from_sample(name, sample)
    consumer = TensorConsumer.from_sample(name, sample, callback=lambda _: got.set())
    producer.put(sample)
    assert got.wait(60)

    def child():
        assert consumer.get() is not None
        consumer.cleanup()

    in_child(child)
    got.clear()
    producer.put(sample)
    assert got.wait(60)
            """,
            id="callback stays with the parent",
        ),
        pytest.param(
            """
    producer = TensorProducer.from_sample(name, sample)
    consumer = TensorConsumer.from_sample(name, sample)
    producer.put(sample)
    assert select.select([consumer], [], [], 60)[0]

    def child():
        assert consumer.get() is not None
        assert not select.select([consumer], [], [], 0)[0]

    in_child(child)
    assert select.select([consumer], [], [], 0)[0], "the child took the parent's event"
    to_child, to_parent = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        consumer.get()
        consumer.fileno()
        os.write(to_parent[1], b"x")
        assert select.select([consumer], [], [], 60)[0]
        sys.exit(0)
    os.read(to_parent[0], 1)
    producer.put(sample)
    assert os.waitpid(pid, 0)[1] == 0
            """,
            id="fileno of the child is its own",
        ),
        pytest.param(
            """
    import multiprocessing

    producer = TensorProducer.from_sample(name, sample)
    consumer = TensorConsumer.from_sample(name, sample)
    producer.put(sample)

    def child():
        assert consumer.get() is not None

    for _ in range(2):
        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join()
        assert process.exitcode == 0
    assert producer.put(sample) == 1
    assert consumer.connected
            """,
            id="children of multiprocessing",
        ),
    ],
)
def test_fork(start_child: StartChild, pool: str, program: str) -> None:
    child = start_child(FORK_PRELUDE + program, pool)

    code, _, errors = child.finish()

    assert errors == ""
    assert code == 0


EXIT_PRELUDE = """
    import sys, threading
    import numpy as np
    from tensor_ipc import TensorConsumer, TensorProducer

    sample = np.zeros((2, 3), dtype=np.int32)
    producer = TensorProducer.from_sample(sys.argv[1], sample, 2)
    def new_consumer(**options):
        return TensorConsumer.from_sample(sys.argv[1], sample, history_len=2, **options)
    def new_thread(target):
        threading.Thread(target=target, daemon=True).start()
"""
EXITS = {
    "producer": "producer.put(sample)",
    "consumer": "consumer = new_consumer(); producer.put(sample); view = consumer.get(2)",
    "callback": """
    got = threading.Event()
    consumer = new_consumer(callback=lambda _: got.set())
    producer.put(sample)
    got.wait()""",
    "callback that is busy": """
    got = threading.Event()
    def busy(_):
        got.set()
        sum(range(300_000))
    consumer = new_consumer(callback=busy)
    producer.put(sample)
    got.wait()
    producer.put(sample)""",
    "callback of a pool that never came": """
    producer.cleanup()
    consumer = new_consumer(callback=print)""",
    "fileno": "consumer = new_consumer(); producer.put(sample); consumer.fileno()",
    "daemon thread in wait": "consumer = new_consumer(); new_thread(consumer.wait)",
    "daemon thread in wait without a pool": """
    producer.cleanup()
    consumer = new_consumer()
    new_thread(consumer.wait)""",
    "daemon thread that iterates": """
    consumer = new_consumer()
    got = threading.Event()
    def read():
        for _ in consumer:
            got.set()
    new_thread(read)
    producer.put(sample)
    got.wait()""",
    "daemon thread that puts": """
    def publish():
        while True:
            producer.put(sample)
    new_thread(publish)
    new_consumer().wait()""",
    "loan": "loan = producer.loan(); array = loan.__enter__()",
    "cycle": """
    consumer = new_consumer()
    producer.friend, consumer.friend = consumer, producer""",
    "global view of a consumer that is garbage": """
    producer.put(sample)
    view = new_consumer().get()""",
    "sys.exit": "sys.exit(0)",
}


@pytest.mark.parametrize("case", sorted(EXITS))
def test_interpreter_exit_is_silent_and_leaves_nothing(
    start_child: StartChild, pool: str, case: str
) -> None:
    child = start_child(EXIT_PRELUDE + "    " + EXITS[case].lstrip(), pool)

    code, _, errors = child.finish()

    assert errors == ""
    assert code == 0
    assert not segment_path(pool).exists()


def test_thread_that_begins_to_wait_during_the_exit_is_let_go(
    start_child: StartChild, pool: str
) -> None:
    child = start_child(
        """
        import atexit, sys, threading

        exiting, done = threading.Event(), threading.Event()

        @atexit.register  # before tensor_ipc's own, so it runs after that
        def begin_to_wait():
            exiting.set()
            print(done.wait(10))

        import numpy as np
        from tensor_ipc import TensorConsumer, TensorProducer

        producer = TensorProducer.from_sample(sys.argv[1], np.zeros(3))
        metadata = producer.metadata

        def wait_late():
            exiting.wait()
            print(TensorConsumer(metadata).wait())
            done.set()

        threading.Thread(target=wait_late, daemon=True).start()
        """,
        pool,
    )

    code, output, errors = child.finish()

    assert (code, output, errors) == (0, "False\nTrue\n", "")


def test_exit_through_an_exception_leaves_nothing(start_child: StartChild, pool: str) -> None:
    child = start_child(EXIT_PRELUDE + "    1 / 0", pool)

    code, _, errors = child.finish()

    assert code == 1
    assert "ZeroDivisionError" in errors
    assert not segment_path(pool).exists()


WORK = """
import multiprocessing
import numpy as np
from tensor_ipc import TensorProducer

def work(name):
    global producer
    producer = TensorProducer.from_sample(name, np.zeros(3))
    producer.put(np.ones(3))
"""

SPAWNING = """
    import multiprocessing, sys
    name, method, folder = sys.argv[1:]
    sys.path.insert(0, folder)
    from work_of_a_child import work

    process = multiprocessing.get_context(method).Process(target=work, args=(name,))
    process.start()
    process.join()
    sys.exit(process.exitcode)
"""


# A spawned child imports the package with its target, before multiprocessing is ready for it.
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_child_of_multiprocessing_leaves_nothing(
    start_child: StartChild, pool: str, method: str, tmp_path: Path
) -> None:
    (tmp_path / "work_of_a_child.py").write_text(WORK)
    child = start_child(SPAWNING, pool, method, tmp_path)

    code, _, errors = child.finish()

    assert errors == ""
    assert code == 0
    assert not segment_path(pool).exists()
