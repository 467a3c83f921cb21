"""Where the input of a socket is put, so that records can be used where they are.

A chunk is written once. Views of it keep it in memory as long as they are there. A new one begins
when the old is full, and takes over the envelope that was cut: nothing else is copied.
"""

import ctypes
from collections.abc import Callable
from typing import Final

from cluster.links.envelope import missing_bytes

CHUNK_BYTES: Final = 256 * 1024
_ROOM_BYTES_MIN: Final = 16 * 1024


def _maker() -> Callable[[None, int], bytearray]:
    """Return what makes memory that holds anything: filling it with zeros is a part of the work."""
    make = ctypes.pythonapi.PyByteArray_FromStringAndSize
    make.restype, make.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_ssize_t)
    return make


_unfilled: Final = _maker()


class ReceiveChunk:
    """The input of one connection that is not worked on."""

    __slots__ = ("_begin", "_end", "_view")

    def __init__(self) -> None:
        """Take memory only when there is input."""
        self._view = memoryview(b"")
        self._begin = self._end = 0

    def room(self) -> memoryview:
        """Return where the next octets go; never empty."""
        waiting = self.waiting()
        needed = missing_bytes(waiting, 0) if self._begin or self._end else 0
        if len(self._view) - self._end < _ROOM_BYTES_MIN or needed > len(self._view) - self._begin:
            fresh = memoryview(_unfilled(None, max(CHUNK_BYTES, needed + _ROOM_BYTES_MIN)))
            fresh[: len(waiting)] = waiting
            self._view, self._begin, self._end = fresh, 0, len(waiting)
        return self._view[self._end :]

    def waiting(self) -> memoryview:
        """Return what has come and is not worked on."""
        return self._view[self._begin : self._end]

    def came(self, octets: int) -> None:
        """So many octets were put into the room."""
        self._end += octets

    def done(self, octets: int) -> None:
        """So many of those that wait are worked on."""
        self._begin += octets

    def drop(self) -> None:
        """Forget the input."""
        self._view = memoryview(b"")
        self._begin = self._end = 0
