"""Freed memory stays with the process for a while, and is given back before it trips an alarm.

glibc gives every block over 128 KiB pages of its own and returns them at once. A read of 256 KiB,
with the output rendered from it, would cost hundreds of page faults. These take longer than the
work. So blocks come from the heap, whose freed pages stay resident below the last allocation.

``malloc_trim`` gives all of them back. It holds the allocator's lock for as long as it takes, 0.15
ms for each MiB that it gives back (measured, glibc 2.36) and almost nothing for those that it gave
back before. So frequent small trims are better than one large trim. A thread does not help: other
allocations wait for that lock, so that the loop stops for as long (measured, 1 GB).
"""

import ctypes
import logging
import time
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3

OWN_PAGES_FROM_BYTES: Final = 4 << 20
"""Blocks from this size on have pages of their own, which are returned when they are freed."""

KEPT_BYTES_MAX: Final = 64 << 20
"""Freed memory at the top of the heap that is kept before it is given back."""

GIVEN_BACK_BYTES_MIN: Final = 32 << 20
"""If less was freed since the last time, a walk through the heap (5 ms) is not worth it."""

GIVEN_BACK_OVER_LIMIT_BYTES_MIN: Final = 1 << 20
"""The same while the process is over its limit, and publishers may be blocked for it."""

COUNTING_PART_OF_TIME: Final = 32
"""Counting free memory walks through all of it. It may take one part in this many of the time."""


def keep_freed_memory() -> bool:
    """Set this in the C library; return whether it could be set (only glibc has mallopt)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        log.info("the C library has no mallopt; large reads will cost more")
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, OWN_PAGES_FROM_BYTES)
        and mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES_MAX)
    )


class FreedMemory:
    """The freed memory that the C library keeps, and when to give it back.

    Free memory is counted, resident or not. So the count includes pages that were given back and
    not used since. Only the increase of the count matters: it is the memory freed since.

    Args:
        free_bytes: returns the free bytes of the heap.
        trim: gives it back to the system.
        clock_ns: monotonic, in ns.
    """

    def __init__(
        self,
        free_bytes: Callable[[], int],
        trim: Callable[[], None],
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._free_bytes = free_bytes
        self._trim = trim
        self._clock_ns = clock_ns
        self._given_back_bytes = 0
        self._due_ns = 0

    def forget(self) -> None:
        """Assume that all free memory is resident, because it was not counted for a while."""
        self._given_back_bytes = 0

    def give_back(self, *, is_over_limit: bool) -> bool:
        """Give back memory freed since the last time, if it is enough; return whether it was.

        It does nothing if it is called too soon after a long count.

        Args:
            is_over_limit: whether less is enough, because publishers may be blocked.
        """
        began_ns = self._clock_ns()
        if began_ns < self._due_ns:
            return False
        free_bytes = self._free_bytes()
        ended_ns = self._clock_ns()
        self._due_ns = ended_ns + COUNTING_PART_OF_TIME * (ended_ns - began_ns)
        enough_bytes = GIVEN_BACK_OVER_LIMIT_BYTES_MIN if is_over_limit else GIVEN_BACK_BYTES_MIN
        if free_bytes - self._given_back_bytes < enough_bytes:
            # Memory that is used again becomes resident, and counts again when it is freed.
            self._given_back_bytes = min(self._given_back_bytes, free_bytes)
            return False
        self._trim()
        self._given_back_bytes = free_bytes
        return True


class _Mallinfo2(ctypes.Structure):
    """glibc's struct mallinfo2; ``fordblks`` are the free bytes of all arenas."""

    _fields_ = (  # type: ignore[mutable-override]  # ctypes reads it once
        ("arena", ctypes.c_size_t),
        ("ordblks", ctypes.c_size_t),
        ("smblks", ctypes.c_size_t),
        ("hblks", ctypes.c_size_t),
        ("hblkhd", ctypes.c_size_t),
        ("usmblks", ctypes.c_size_t),
        ("fsmblks", ctypes.c_size_t),
        ("uordblks", ctypes.c_size_t),
        ("fordblks", ctypes.c_size_t),
        ("keepcost", ctypes.c_size_t),
    )


def freed_memory_of_heap() -> FreedMemory | None:
    """Return the heap's; None if the C library cannot count free memory (not glibc >= 2.33)."""
    library = ctypes.CDLL(None)
    mallinfo2 = getattr(library, "mallinfo2", None)
    malloc_trim = getattr(library, "malloc_trim", None)
    if mallinfo2 is None or malloc_trim is None:
        return None
    mallinfo2.restype = _Mallinfo2
    malloc_trim.argtypes = (ctypes.c_size_t,)
    return FreedMemory(lambda: int(mallinfo2().fordblks), lambda: malloc_trim(0))
