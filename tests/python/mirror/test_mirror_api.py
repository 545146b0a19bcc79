"""`tensor_ipc.mirror` and `tensor_ipc.serve`, in one process."""

from __future__ import annotations

import os

import numpy as np
import pytest
from support import HANG_S

from tensor_ipc import (
    DdsUnavailableError,
    InvalidPoolNameError,
    PoolInUseError,
    TensorConsumer,
    TensorProducer,
    mirror,
    serve,
)


def test_frames_keep_number_time_extent_and_texts(pool: str) -> None:
    with TensorProducer.from_sample(
        pool, np.zeros((100, 3), np.float32), 4, varying_extent=True, dds_participant=False
    ) as producer, serve(pool), mirror(pool, local_name=f"{pool}-here") as here:
        assert here.wait(HANG_S)
        with TensorConsumer.attach(f"{pool}-here", dds_participant=False) as consumer:
            for rows in (0, 7, 100):
                points = np.full((rows, 3), rows, np.float32)
                index = producer.put(
                    points, timestamp_ns=rows + 1, user_metadata={"n": str(rows)}
                )
                assert consumer.wait(timeout=HANG_S)
                frame = consumer.get_frame()

                assert (frame.index, frame.timestamp_ns) == (index, rows + 1)
                assert frame.user_metadata == {"n": str(rows)}
                np.testing.assert_array_equal(np.asarray(frame), points)
                del frame


def test_pool_has_the_description_and_history_of_the_source(pool: str) -> None:
    with TensorProducer.from_sample(
        pool, np.zeros((2, 3), np.int16), 3, spare=5, dds_participant=False
    ) as producer, serve(all_pools=True), mirror(pool, local_name=f"{pool}-here") as here:
        assert here.wait(HANG_S)
        with TensorConsumer.attach(f"{pool}-here", dds_participant=False) as consumer:
            for value in range(5):
                producer.put(np.full((2, 3), value, np.int16))
                assert consumer.wait(timeout=HANG_S)
                consumer.get()
            source, found = producer.metadata, consumer.metadata
            assert (found.shape, found.dtype_str, found.history_len) == (
                source.shape,
                source.dtype_str,
                source.history_len,
            )
            assert consumer.get(history_len=3)[:, 0, 0].tolist() == [4, 3, 2]
            while here.status.received < 5:  # told right after the frame was published
                os.sched_yield()
            status = here.status
            assert (status.received, status.lost, status.missed) == (5, 0, 0)
            assert status.received_bytes == 5 * 12
            assert status.source is not None
            assert (status.source.uid, status.source.pid) == (os.getuid(), os.getpid())


def test_status_and_server_are_empty_once_cleaned_up(pool: str) -> None:
    server = serve(pool)
    here = mirror(pool, local_name=f"{pool}-here")
    assert server.pools == [pool]
    assert not here.status.open
    assert not here.wait(0.0)

    for each in (here, server, here, server):
        each.cleanup()

    assert server.pools == server.mirrors == []
    assert here.status.source is None


def test_forked_child_has_no_part_in_it(pool: str) -> None:
    with TensorProducer.from_sample(
        pool, np.zeros(3), dds_participant=False
    ) as producer, serve(pool) as server, mirror(pool, local_name=f"{pool}-here") as here:
        assert here.wait(HANG_S)
        child = os.fork()
        if child == 0:
            ok = server.mirrors == [] and here.status.source is None
            here.cleanup()
            server.cleanup()
            os._exit(0 if ok else 1)
        assert os.waitpid(child, 0)[1] == 0

        with TensorConsumer.attach(f"{pool}-here", dds_participant=False) as consumer:
            producer.put(np.ones(3))
            assert consumer.wait(timeout=HANG_S)
            assert consumer.get().tolist() == [1, 1, 1]


def test_what_is_wrong_is_told_at_once(pool: str) -> None:
    with pytest.raises(ValueError, match="name the pools"):
        serve()
    with pytest.raises(InvalidPoolNameError):
        serve("no pool")
    with pytest.raises(InvalidPoolNameError):
        mirror("no pool")
    with pytest.raises(ValueError, match="piece_bytes must be 1024 to 57344"):
        mirror(pool, piece_bytes=100)
    with pytest.raises(ValueError, match="max_rate_hz"):
        mirror(pool, max_rate_hz=-1.0)
    with TensorProducer.from_sample(pool, np.zeros(3), dds_participant=False), pytest.raises(
        PoolInUseError, match="living producer"
    ):
        mirror(pool)


def test_without_dds_both_say_so(pool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSOR_IPC_DDS", "off")
    with pytest.raises(DdsUnavailableError):
        serve(pool)
    with pytest.raises(DdsUnavailableError):
        mirror(pool)
