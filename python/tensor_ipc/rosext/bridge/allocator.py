"""The C library's allocator, told to keep the memory of large messages.

glibc gives blocks of this size back to the kernel as soon as they are freed. Every message that
arrives is then read into pages that the kernel first has to find and to clear, which costs more
than all the rest (docs/performance.md has figures).
"""

from __future__ import annotations

import ctypes

# malloc.h of glibc.
_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3

_LARGEST_MMAP_THRESHOLD = 32 << 20  # more is refused
_KEPT = 512 << 20


def keep_freed_memory() -> bool:
    """Set this for the whole process, which should do nothing but bridge.

    Returns
    -------
    Whether the C library knows of it; others than glibc do not, and go on as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = {
        _M_MMAP_THRESHOLD: _LARGEST_MMAP_THRESHOLD,
        _M_TRIM_THRESHOLD: _KEPT,
        _M_TOP_PAD: 64 << 20,
    }
    return all(mallopt(parameter, value) == 1 for parameter, value in settings.items())
