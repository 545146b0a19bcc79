"""Host memory that a GPU copies from at full speed: what may be asked for, and what is said if not."""

from __future__ import annotations

import logging
import re

_log = logging.getLogger(__name__)
_DEVICE = re.compile(r"cuda(?::(\d{1,4}))?")


def device_of(pinned: bool | str) -> int | None:
    """Return the number of the GPU that memory is locked for; ``None`` for none.

    Raises
    ------
    TypeError, ValueError
        `pinned` is no truth value and no device.
    """
    if isinstance(pinned, bool):
        return 0 if pinned else None
    if not isinstance(pinned, str):
        msg = f"pinned must be a bool or a device like 'cuda:1', got {type(pinned).__name__}"
        raise TypeError(msg)
    found = _DEVICE.fullmatch(pinned)
    if found is None:
        msg = f"pinned must be True, False or a device like 'cuda:1', got {pinned!r}"
        raise ValueError(msg)
    return int(found[1] or 0)


def handle_of(stream: object) -> int:
    """Return the CUstream behind an int, or behind a stream of torch, CuPy or others.

    Raises
    ------
    TypeError
        It is none of these.
    """
    if isinstance(stream, int) and not isinstance(stream, bool):
        return stream
    for name in ("cuda_stream", "ptr"):
        found = getattr(stream, name, None)
        if isinstance(found, int):
            return found
    protocol = getattr(stream, "__cuda_stream__", None)
    if protocol is None:
        msg = (
            "a stream is an int, or has cuda_stream (torch), ptr (CuPy) or __cuda_stream__; got "
            f"{type(stream).__name__}"
        )
        raise TypeError(msg)
    _, handle = protocol()
    return int(handle)


def warn(pool_name: str, refusal: str) -> None:
    """Say that a pool that was to be pinned is not. Called by the core, once for each reason."""
    _log.warning(
        "pool %r is not pinned in this process, so copies to and from a GPU are slower and block: %s",
        pool_name,
        refusal,
    )
