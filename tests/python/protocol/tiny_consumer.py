"""A consumer written from docs/protocol.md alone: nothing is imported from tensor_ipc.

It takes an id, pins, copies the newest frame or a history, unpins, and sleeps on the futex. It is
slow and small on purpose: what it does is what any other implementation has to do. CPython has no
atomic operations; docs/protocol.md, For languages without atomics, says why this is enough.

For Linux on x86-64 and aarch64. One thread per consumer.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import platform
import struct
import time
from typing import NamedTuple

MAGIC = b"TNSRIPC\0"
BEING_WRITTEN = 2**64 - 1
CAPACITY = 256
HEADROOM = 512
SLICE_S = 0.1

# struct flock of 64-bit Linux: l_type, l_whence, l_start, l_len, l_pid.
FLOCK = struct.Struct("@hhqqi4x")
F_OFD_GETLK, F_OFD_SETLK = 36, 37

# System calls by number; glibc has no functions for them.
SYS_MEMBARRIER, SYS_FUTEX = {"x86_64": (324, 202), "aarch64": (283, 98)}[platform.machine()]
MEMBARRIER_CMD_GLOBAL_EXPEDITED = 1 << 1
FUTEX_WAIT = 0

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class NoPoolError(Exception):
    """There is no such pool, or it has ended."""


class Copied(NamedTuple):
    """A frame, copied while it was pinned."""

    number: int
    published_ns: int
    data: bytes


class Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


def full_barrier() -> None:
    """Make what this thread stored visible to all before it loads anything else.

    MEMBARRIER_CMD_GLOBAL_EXPEDITED starts and ends with a full barrier of the calling thread. The
    PRIVATE one returns early, without any, in a process of one thread.
    """
    if _libc.syscall(SYS_MEMBARRIER, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "membarrier")


def lock_byte(descriptor: int, offset: int) -> bool:
    """Try to take the kernel's lock on one byte."""
    try:
        fcntl.fcntl(descriptor, F_OFD_SETLK, FLOCK.pack(fcntl.F_WRLCK, 0, offset, 1, 0))
    except (BlockingIOError, PermissionError):
        return False
    return True


class TinyConsumer:
    """Attached to one segment. Raises `NoPoolError` where there is none."""

    def __init__(self, path: str) -> None:
        try:
            self._lock = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError as error:
            raise NoPoolError(path) from error
        self._read_header()
        self._map()
        self.id = self._take_id()

    def _read_header(self) -> None:
        # Magic first: the rest is complete once it is there. Only this copy is used later.
        if os.pread(self._lock, 8, 0) != MAGIC:
            raise NoPoolError
        header = os.pread(self._lock, 1024, 0)
        sizes = struct.unpack_from("=2I8Q4I", header, 8)
        version, byte_order, segment_bytes, *offsets = sizes[:9]
        self.frame_bytes, self.slot_count, capacity, self.history_len, headroom = sizes[9:]
        self._slots, self._pins, self._consumers, self._payload, ring, self._stride = offsets
        if (version, byte_order, capacity, headroom) != (1, 0x01020304, CAPACITY, HEADROOM):
            msg = f"another version, or damaged: {sizes}"
            raise ValueError(msg)
        if (
            os.fstat(self._lock).st_size != segment_bytes
            or self._payload + ring != segment_bytes
            or ring != self.slot_count * self._stride
        ):
            msg = f"sizes that do not fit: {sizes}"
            raise ValueError(msg)
        self._ring_bytes = ring
        self._newest_first = header[101] == 0
        self._varying = header[102] == 1
        (self._most_rows,) = struct.unpack_from("=q", header, 128) if self._varying else (1,)

    def _map(self) -> None:
        # Through another open file: a mapping that a forked child inherits must not keep the lock.
        again = os.open(f"/proc/self/fd/{self._lock}", os.O_RDWR | os.O_CLOEXEC)
        try:
            self._control = mmap.mmap(again, self._payload)
            self._ring = mmap.mmap(
                again, self._ring_bytes, prot=mmap.PROT_READ, offset=self._payload
            )
        finally:
            os.close(again)
        # A native memoryview loads and stores each item as one aligned word; struct's "<" and "="
        # formats go byte by byte.
        self._words = memoryview(self._control).cast("Q")
        self._halves = memoryview(self._control).cast("I")
        self._wake_word = ctypes.c_uint32.from_buffer(self._control, 768)

    def _take_id(self) -> int:
        for consumer in range(CAPACITY):
            if lock_byte(self._lock, 1 + consumer):
                break
        else:
            msg = f"all {CAPACITY} ids are taken"
            raise RuntimeError(msg)
        for slot in range(self.slot_count):
            self._control[self._pin_at(slot, consumer)] = 0
        # Raising it by one needs compare-exchange. Storing the capacity does not: nobody ever
        # stores more, so no raise of another consumer can get lost.
        if self._halves[832 // 4] <= consumer:
            self._halves[832 // 4] = CAPACITY
        self._halves[(self._consumers + 8 * consumer) // 4] = os.getpid()
        full_barrier()
        return consumer

    def _pin_at(self, slot: int, consumer: int) -> int:
        return self._pins + CAPACITY * slot + consumer

    def _state(self, slot: int) -> int:
        return self._words[(self._slots + 64 * slot) // 8]

    def latest(self) -> tuple[int, int] | None:
        """Return number and slot of the newest frame."""
        word = self._words[704 // 8]
        slot = word & 0xFFFF
        return None if word >> 16 == 0 or slot >= self.slot_count else ((word >> 16) - 1, slot)

    @property
    def ended(self) -> bool:
        """Whether this segment gets no more frames."""
        return self._halves[720 // 4] != 0

    def pin(self, number: int, slot: int) -> bool:
        """Keep the producer out of `slot`, if frame `number` is still in it."""
        self._control[self._pin_at(slot, self.id)] = 1
        full_barrier()  # sync pin-vs-claim: the pin is seen, or we see the claim
        if self._state(slot) == number + 1:
            full_barrier()  # sync frame-bytes: no byte is read before the state
            return True
        self.unpin(slot)
        return False

    def unpin(self, slot: int) -> None:
        """Undo `pin`."""
        full_barrier()  # sync unpin: every byte was read before
        self._control[self._pin_at(slot, self.id)] = 0

    def leaves_room(self) -> bool:
        """Whether a slot is left that nobody pins. Asked after pinning; who copies needs one."""
        rows = range(self._pins, self._consumers, CAPACITY)
        return any(not any(self._control[row : row + CAPACITY]) for row in rows)

    def payload_of(self, slot: int) -> memoryview:
        """Return the bytes of a slot. They hold still only while it is pinned."""
        size = self.frame_bytes
        if self._varying:
            rows = min(self._words[(self._slots + 64 * slot) // 8 + 3], self._most_rows)
            size = size // self._most_rows * rows
        at = self._payload_at(slot)
        return memoryview(self._ring)[at : at + size]

    def texts_of(self, slot: int) -> dict[str, str]:
        """Return the texts beside the frame of a slot that is pinned."""
        at = self._payload_at(slot) - HEADROOM
        (size,) = struct.unpack_from("=H", self._ring, at)
        texts = self._ring[at + 2 : at + 2 + min(size, 254)].decode().split("\0")
        return dict(zip(texts[0:-1:2], texts[1:-1:2]))

    def _payload_at(self, slot: int) -> int:
        place = self.slot_count - 1 - slot if self._newest_first else slot
        return place * self._stride + HEADROOM

    def copy(self, number: int, slot: int) -> Copied | None:
        """Copy one frame; ``None`` when the producer was faster."""
        if not self.pin(number, slot):
            return None
        try:
            if not self.leaves_room():
                return None
            published_ns = self._words[(self._slots + 64 * slot) // 8 + 1]
            return Copied(number, published_ns, bytes(self.payload_of(slot)))
        finally:
            self.unpin(slot)

    def newest(self) -> Copied | None:
        """Copy the newest frame; ``None`` before the first, and after the end."""
        while not self.ended:
            place = self.latest()
            if place is None:
                return None
            frame = self.copy(*place)
            if frame is not None:
                return frame
        return None

    def history(self, count: int) -> list[Copied]:
        """Copy the newest `count` frames, newest first: as many as can be had without a gap."""
        place = self.latest()
        frames: list[Copied] = []
        if place is None:
            return frames
        number = place[0]
        # Oldest first, since that one is the next to be overwritten.
        for wanted in range(max(0, number - count + 1), number + 1):
            slots = [s for s in range(self.slot_count) if self._state(s) == wanted + 1]
            frame = self.copy(wanted, slots[0]) if slots else None
            if frame is None:
                frames.clear()
            else:
                frames.insert(0, frame)
        return frames

    def wait(self, after: int | None, timeout_s: float) -> bool:
        """Sleep until there is a frame after number `after`. False after the time or at the end."""
        deadline = time.monotonic() + timeout_s
        while True:
            seen = self._halves[768 // 4]  # sync flag-vs-word: the word before the flag
            self._halves[772 // 4] = 1
            full_barrier()  # sync sleep-vs-publish: the flag is seen, or we see the news
            place = self.latest()
            if place is not None and (after is None or place[0] > after):
                return True
            left = deadline - time.monotonic()
            if self.ended or left <= 0:
                return False
            self._sleep_while(seen, min(left, SLICE_S))

    def _sleep_while(self, seen: int, at_most_s: float) -> None:
        limit = Timespec(int(at_most_s), int(at_most_s % 1 * 1e9))
        # Every way in which it returns means: look again.
        _libc.syscall(
            SYS_FUTEX,
            ctypes.byref(self._wake_word),
            FUTEX_WAIT,
            seen,
            ctypes.byref(limit),
            0,
            0,
        )

    def close(self) -> None:
        """Let go in order. A consumer that dies instead leaves its pid and pins to be taken back."""
        self._halves[(self._consumers + 8 * self.id) // 4] = 0
        del self._wake_word
        self._words.release()
        self._halves.release()
        self._control.close()
        self._ring.close()
        os.close(self._lock)
