"""A consumer in pure Python, made from docs/protocol.md, beside real producers and consumers."""

from __future__ import annotations

import ast
import mmap
import platform
import signal
import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterator

import numpy as np
import pytest
from support import (
    HANG_S,
    MakeConsumer,
    MakeProducer,
    StartChild,
    filled,
    segment_path,
)

import tensor_ipc

if sys.byteorder != "little" or platform.machine() not in {"x86_64", "aarch64"}:
    pytest.skip("the numbers of the system calls are those of others", allow_module_level=True)

import tiny_consumer
from sealed import SAMPLE, number_in, sealed
from tiny_consumer import NoPoolError, TinyConsumer

try:
    tiny_consumer.full_barrier()
except OSError as error:
    pytest.skip(f"no full barrier from Python here: {error}", allow_module_level=True)

MakeTiny = Callable[[], TinyConsumer]


@pytest.fixture
def new_tiny(pool: str) -> Iterator[MakeTiny]:
    made = []

    def make() -> TinyConsumer:
        made.append(TinyConsumer(str(segment_path(pool))))
        return made[-1]

    yield make
    for tiny in made:
        tiny.close()


def pinned_slots(pool: str) -> int:
    return sum(consumer.pinned_slots for consumer in tensor_ipc.inspect(pool).consumers)


def test_reads_the_newest_frame_and_the_history(
    new_producer: MakeProducer, new_tiny: MakeTiny
) -> None:
    producer = new_producer(history_len=4)
    tiny = new_tiny()
    assert tiny.newest() is None
    for value in range(20):
        producer.put(filled(value))

    newest, history = tiny.newest(), tiny.history(4)

    assert newest is not None
    assert (newest.number, newest.data) == (19, filled(19).tobytes())
    assert [frame.number for frame in history] == [19, 18, 17, 16]
    assert [frame.data for frame in history] == [filled(n).tobytes() for n in (19, 18, 17, 16)]


@pytest.mark.parametrize("chronological", [False, True])
def test_finds_frames_in_either_memory_order(
    new_producer: MakeProducer, new_tiny: MakeTiny, chronological: bool
) -> None:
    producer = new_producer(history_len=3, chronological=chronological)
    tiny = new_tiny()

    for value in range(20):
        producer.put(filled(value))
        newest = tiny.newest()
        assert newest is not None
        assert (newest.number, newest.data) == (value, filled(value).tobytes())


def test_reads_extents_and_texts(new_producer: MakeProducer, new_tiny: MakeTiny) -> None:
    producer = new_producer(np.zeros((9, 3), np.uint8), history_len=4, varying_extent=True)
    tiny = new_tiny()
    for rows in (4, 0, 9):
        producer.put(np.full((rows, 3), rows, np.uint8), user_metadata={"rows": f"{rows} ü"})
        place = tiny.latest()
        assert place is not None
        assert tiny.pin(*place)
        assert tiny.texts_of(place[1]) == {"rows": f"{rows} ü"}
        tiny.unpin(place[1])

    history = tiny.history(4)

    assert [frame.data for frame in history] == [b"\x09" * 27, b"", b"\x04" * 12]


def test_is_a_consumer_like_any_other(
    new_producer: MakeProducer, new_consumer: MakeConsumer, new_tiny: MakeTiny, pool: str
) -> None:
    new_producer()
    real = new_consumer()
    tiny = new_tiny()

    pids = {each.consumer_id: each.pid for each in tensor_ipc.inspect(pool).consumers}

    assert len(pids) == 2
    assert tiny.id in pids
    real.cleanup()
    assert [each.consumer_id for each in tensor_ipc.inspect(pool).consumers] == [tiny.id]
    assert new_tiny().id != tiny.id


def test_producer_goes_round_its_pin(new_producer: MakeProducer, new_tiny: MakeTiny) -> None:
    producer = new_producer(SAMPLE, history_len=2)
    tiny = new_tiny()
    producer.put(sealed(0))
    place = tiny.latest()
    assert place is not None
    assert tiny.pin(*place)
    payload = tiny.payload_of(place[1])

    for number in range(1, 50):
        assert producer.put(sealed(number)) == number
        assert number_in(bytes(payload)) == 0

    assert producer.stats.skipped_slots > 0
    payload.release()
    tiny.unpin(place[1])
    assert not tiny.pin(*place) or tiny.newest() is not None


def test_overwritten_frame_cannot_be_pinned(
    new_producer: MakeProducer, new_tiny: MakeTiny, pool: str
) -> None:
    producer = new_producer()
    tiny = new_tiny()
    producer.put(filled(0))
    place = tiny.latest()
    assert place is not None
    for value in range(1, 20):
        producer.put(filled(value))

    assert not tiny.pin(*place)
    assert pinned_slots(pool) == 0


READER = """
    import sys
    sys.path.insert(0, sys.argv[1])
    from tiny_consumer import TinyConsumer

    tiny = TinyConsumer(sys.argv[2])
    assert tiny.wait(None, 60)
    place = tiny.latest()
    while not tiny.pin(*place):
        place = tiny.latest()
    print(place[0], flush=True)
    sys.stdin.read()
"""


def test_its_pins_are_taken_back_when_it_is_killed(
    new_producer: MakeProducer, start_child: StartChild, pool: str
) -> None:
    producer = new_producer()
    producer.put(filled(0))
    child = start_child(READER, Path(__file__).parent, segment_path(pool))
    assert child.read() == "0"
    assert pinned_slots(pool) == 1

    child.kill()

    with producer.loan(), producer.loan(), producer.loan(), producer.loan() as last:
        last[:] = 1  # all four slots at once: no pin is left
    assert tensor_ipc.inspect(pool).consumers == ()


def test_takes_over_the_id_of_a_dead_consumer_without_its_pins(
    new_producer: MakeProducer, start_child: StartChild, new_tiny: MakeTiny, pool: str
) -> None:
    producer = new_producer()
    producer.put(filled(0))
    child = start_child(READER, Path(__file__).parent, segment_path(pool))
    assert child.read() == "0"
    child.kill()

    tiny = new_tiny()

    assert tiny.id == 0
    assert pinned_slots(pool) == 0


PUBLISHER = """
    import select, sys
    sys.path.insert(0, sys.argv[1])
    from sealed import SAMPLE, sealed
    from tensor_ipc import TensorProducer

    with TensorProducer.from_sample(sys.argv[2], SAMPLE, 3) as producer:
        print("made", flush=True)
        sys.stdin.readline()
        number = 0
        while not select.select([sys.stdin], [], [], 0)[0]:
            assert producer.put(sealed(number)) == number
            number += 1
        print(number, flush=True)
        sys.stdin.readline()
        sys.stdin.readline()
"""


def test_sees_only_whole_frames_beside_real_consumers_at_full_speed(
    start_child: StartChild, new_consumer: MakeConsumer, new_tiny: MakeTiny, pool: str
) -> None:
    wanted = 2000
    producer = start_child(PUBLISHER, Path(__file__).parent, pool)
    assert producer.read() == "made"
    tinies = [new_tiny(), new_tiny()]
    real = new_consumer(SAMPLE, history_len=3)
    producer.write()

    last = [-1, -1]
    taken = 0
    for turn in range(wanted):
        which = turn % 2
        tiny = tinies[which]
        assert tiny.wait(last[which], HANG_S)
        frames = tiny.history(3) if turn % 3 == 0 else [tiny.newest()]
        numbers = [frame.number for frame in frames if frame is not None]
        assert numbers == [number_in(frame.data) for frame in frames if frame is not None]
        assert numbers == sorted(numbers, reverse=True)
        if numbers:
            assert numbers[0] > last[which]
            last[which] = numbers[0]
            taken += len(numbers)
        view = real.get()
        assert view is not None
        number_in(view.tobytes())

    producer.write()
    assert int(producer.read()) > max(last)
    producer.write()
    assert taken > wanted / 2


def test_sleeper_is_woken(
    start_child: StartChild, new_producer: MakeProducer, pool: str
) -> None:
    producer = new_producer()
    program = READER.replace("wait(None, 60)", "wait(None, 3600)")
    child = start_child(program, Path(__file__).parent, segment_path(pool))
    with segment_path(pool).open("rb") as file, mmap.mmap(
        file.fileno(), 0, access=mmap.ACCESS_READ
    ) as segment:
        while segment[772] == 0:  # it raises the flag before it sleeps
            assert child.process.poll() is None
        before = segment[768]
        producer.put(filled(0))
        assert segment[768] == before + 1

    assert child.read() == "0"


def test_end_of_the_pool_is_seen(
    new_producer: MakeProducer, new_tiny: MakeTiny, pool: str
) -> None:
    producer = new_producer()
    producer.put(filled(0))
    tiny = new_tiny()

    producer.cleanup()

    assert tiny.ended
    assert tiny.newest() is None
    assert not tiny.wait(0, HANG_S)
    with pytest.raises(NoPoolError):
        TinyConsumer(str(segment_path(pool)))


def test_restarted_producer_is_followed_in_place(
    start_child: StartChild, new_producer: MakeProducer, new_tiny: MakeTiny, pool: str
) -> None:
    program = """
        import sys
        import numpy as np
        from tensor_ipc import TensorProducer

        producer = TensorProducer.from_sample(sys.argv[1], np.zeros((2, 3), dtype=np.int32))
        producer.put(np.full((2, 3), 5, dtype=np.int32))
        print("put", flush=True)
        sys.stdin.read()
    """
    child = start_child(program, pool)
    assert child.read() == "put"
    tiny = new_tiny()
    child.process.send_signal(signal.SIGKILL)
    child.kill()

    new_producer().put(filled(6))

    assert tiny.wait(0, HANG_S)
    newest = tiny.newest()
    assert newest is not None
    assert (newest.number, newest.data) == (1, filled(6).tobytes())


def test_is_made_of_the_protocol_alone() -> None:
    source = (Path(__file__).parent / "tiny_consumer.py").read_text(encoding="utf-8")

    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert imported == {
        *{"__future__", "ctypes", "fcntl", "mmap", "os", "platform", "struct", "time", "typing"}
    }
    loads_nothing_else = "import sys, tiny_consumer; sys.exit('tensor_ipc' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", loads_nothing_else],
            cwd=Path(__file__).parent,
            check=False,
        ).returncode
        == 0
    )
