"""Freed memory stays with the process for a while: blocks of a read come and go all the time.

glibc gives every block over 128 KiB pages of its own and returns them at once. A read of 256 KiB
and what is rendered of it would cost hundreds of page faults, which take longer than the work.
"""

import ctypes
import logging
from typing import Final

log = logging.getLogger(__name__)

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3

OWN_PAGES_FROM_BYTES: Final = 4 << 20
"""Blocks from here on have pages of their own, which go back when they are freed."""

KEPT_BYTES_MAX: Final = 64 << 20
"""Freed memory at the top of the heap that is kept before it is given back."""


def keep_freed_memory() -> bool:
    """Tell the C library; return whether it could be told (others than glibc know no mallopt)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        log.info("the C library has no mallopt; large reads will cost more")
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, OWN_PAGES_FROM_BYTES)
        and mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES_MAX)
    )
