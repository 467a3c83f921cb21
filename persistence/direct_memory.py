"""Memory from which the disk takes a large write by itself, past the page cache.

    file    ....|....|....|....|....      pages of 4 KiB
    write          [==============)       from any position to any other
    memory         [==============)       its octets lie at the same place of a page as in the file

The thread that writes hands the whole pages to the disk as they are here (O_DIRECT), and only the
two ends go through the page cache. A page cache that must first get its pages takes several times
as long for a new file as the disk does. The same memory serves readers, who would otherwise read
from the disk what was just written.

What is given back is used again, so that its pages are touched once.

This is the interpreted twin, and the specification of ``persistence._direct_memory``. Its memory
begins anywhere, since its thread writes through the page cache.
"""

from collections.abc import Sequence
from typing import Final

from persistence.files import Octets
from persistence.kernels import COMPILED

PAGE_BYTES: Final = 4096
"""What a disk takes whole; sectors are 512 octets or 4 KiB."""

MEMORY_BYTES_MAX: Final = 16 << 20
"""The largest piece."""

ALL_BYTES_MAX: Final = 64 << 20
"""All pieces of a process together: those that somebody still reads, too."""


class _Memory(bytearray):
    """Octets that are counted while anybody has a view of them."""

    def __del__(self) -> None:
        _account.used_bytes -= len(self)


class _Account:
    used_bytes = 0


_account: Final = _Account()


def gather(parts: Sequence[Octets], position: int) -> memoryview | None:
    """Return a copy of parts, one behind the other, for a write to a position of a file.

    Args:
        parts: at least one octet together.
        position: of the first octet in the file.

    Returns:
        Octets that do not change. The memory is used again when no view of it is left. None where
        they are over ``MEMORY_BYTES_MAX``, or would take all memory over ``ALL_BYTES_MAX``.
    """
    size_bytes = sum(map(len, parts))
    if not 0 < size_bytes <= MEMORY_BYTES_MAX - PAGE_BYTES or position < 0:
        return None
    if _account.used_bytes + size_bytes > ALL_BYTES_MAX:
        return None
    memory = _Memory(b"".join(parts))
    _account.used_bytes += size_bytes
    return memoryview(memory).toreadonly()


def used_bytes() -> int:
    """Return the size of all memory of which there is a view."""
    return _account.used_bytes


if COMPILED:
    from persistence import _direct_memory  # type: ignore[attr-defined]

    gather = _direct_memory.gather
    used_bytes = _direct_memory.used_bytes
