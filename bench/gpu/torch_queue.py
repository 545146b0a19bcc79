"""The same hand-off by a queue of torch.multiprocessing, as PyTorch's documents have it."""

from __future__ import annotations

import time
from typing import Any

from bench.gpu.measures import spread


def _read(tensors: Any, answers: Any) -> None:
    while True:
        begun, tensor = tensors.get()
        if tensor is None:
            return
        now = time.monotonic_ns()
        del tensor
        answers.put((now - begun) / 1e3)


def hand_off(size: int, frames: int) -> dict[str, Any]:
    """Measure from before `put` to the tensor in hand in another process; in us."""
    import torch.multiprocessing as mp  # noqa: PLC0415 - only where there is a GPU
    from torch import uint8, zeros  # noqa: PLC0415

    context = mp.get_context("spawn")
    tensors, answers = context.Queue(), context.Queue()
    reader = context.Process(target=_read, args=(tensors, answers), daemon=True)
    reader.start()
    ages = []
    try:
        for _ in range(frames):
            # A tensor of its own each time: the queue hands out the memory itself.
            tensor = zeros(size, dtype=uint8, device="cuda")
            tensors.put((time.monotonic_ns(), tensor))
            ages.append(answers.get(timeout=60))
        tensors.put((0, None))
        reader.join(timeout=60)
    finally:
        reader.kill()
    return {"bytes": size, "age_us": spread(ages[frames // 10 :])}
