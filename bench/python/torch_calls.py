"""``get`` and ``put`` of torch tensors at several frame sizes. Nothing where torch is not installed."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from bench.python.calls import SHAPES
from bench.python.turns import spread, time_in_turns
from tensor_ipc import TensorConsumer, TensorProducer

_HISTORY_LEN = 5
_SPARE = 3
_SLOTS = _HISTORY_LEN + _SPARE


def measure_torch() -> list[dict[str, Any]]:
    """Measure ``get()`` in both modes, ``put()`` and ``copy_`` into the same memory, by turns."""
    if importlib.util.find_spec("torch") is None:
        return []
    return [_calls(shape) for shape in SHAPES]


def _calls(shape: tuple[int, ...]) -> dict[str, Any]:
    import torch  # noqa: PLC0415 - not everywhere

    torch.set_num_threads(1)  # put() copies with one thread; compared with the same
    source = torch.ones(shape, dtype=torch.uint8)
    with TensorProducer.from_sample(
        f"bench-torch-{os.getpid()}", source, history_len=_HISTORY_LEN, spare=_SPARE
    ) as producer:
        name = producer.metadata.name
        put = producer.put

        def copy_into_loan() -> None:
            with producer.loan() as slot:
                slot.copy_(source)

        with producer.loan() as slot:
            into = slot
        puts, loans, copies = time_in_turns(
            (lambda: put(source), copy_into_loan, lambda: into.copy_(source)),
            whole_turns_of=_SLOTS,
        )
        with TensorConsumer.attach(
            name, torch_views="readonly"
        ) as plain, TensorConsumer.attach(name) as private:
            for consumer in (plain, private):
                int(consumer.get(_HISTORY_LEN).max())  # so that the pages are there
            readonly, safe, safe_history = time_in_turns(
                (plain.get, private.get, lambda: private.get(_HISTORY_LEN))
            )
            copied = plain.stats.copied_frames + private.stats.copied_frames
    return {
        "frame_bytes": source.numel(),
        "copied_frames": copied,
        "torch": torch.__version__,
        **spread("get_readonly_ns", readonly),
        **spread("get_private_ns", safe),
        **spread("get_5_private_ns", safe_history),
        **spread("put_ns", puts),
        **spread("loan_and_copy_ns", loans),
        **spread("copy_ns", copies),
        **spread("throughput_ratio", [other / one for one, other in zip(puts, loans)]),
    }
