"""A pool whose control bytes are anything, through the Python face: our errors and no others."""

from __future__ import annotations

import random
import struct

import pytest
from click.testing import CliRunner
from support import MakeProducer, filled, segment_path

from tensor_ipc import TensorConsumer, TensorIpcError, clean, inspect, list_pools
from tensor_ipc.cli import main

# docs/protocol.md: header fields that say what the pool is, words that change, slot headers.
_PLACES = [0, 8, 80, 88, 96, 100, 128, 384, 592, 624, *range(704, 736, 8), 768, 832]
_PLACES += [1024 + 64 * slot + word for slot in range(5) for word in (0, 8, 16)]
_ESCAPE = b"\x1b[2J\xff\0\0\0"


def _damage(pool: str, generator: random.Random) -> None:
    values = [
        _ESCAPE,
        struct.pack("=Q", 2**64 - 1),
        struct.pack("=Q", 2**62 + 1),
        struct.pack("=Q", generator.getrandbits(64)),
        struct.pack("=Q", generator.getrandbits(8) << 16),
    ]
    with segment_path(pool).open("r+b") as segment:
        for _ in range(generator.randint(1, 4)):
            segment.seek(generator.choice([*_PLACES, generator.randrange(3000)]))
            segment.write(generator.choice(values))


def _use(pool: str) -> None:
    with TensorConsumer.attach(pool) as consumer:
        consumer.wait(0)
        consumer.get()
        consumer.get(2)
        frame = consumer.get_frame()
        assert frame is None or frame.data.shape == (2, 3)
        assert consumer.metadata is not None


@pytest.mark.parametrize("seed", range(100))
def test_any_control_bytes(seed: int, pool: str, new_producer: MakeProducer) -> None:
    producer = new_producer(history_len=2)
    for value in range(3):
        producer.put(filled(value))
    _damage(pool, random.Random(seed))

    for look in (lambda: inspect(pool), lambda: _use(pool)):
        try:
            look()
        except TensorIpcError:
            pass
        except TypeError as error:  # a dtype that NumPy has not
            assert "dtype" in str(error)  # noqa: PT017 - damage need not matter
    assert [info.name for info in list_pools()] == [pool]
    assert clean() == []
    for command in (["list"], ["info", pool], ["list", "--json"]):
        result = CliRunner().invoke(main, command)
        assert result.exit_code in (0, 1), result.exception
        assert "\x1b[2J" not in result.output
