"""The buffer for every connection's bytes, with room in front for the rest of the last read.

    | ..... rest | bytes of this read ..... |
                 ^ lent to the socket

The bytes of a read are handled before the next read. So one buffer serves all connections of a
loop, and an idle connection has none. A connection keeps only a frame cut by the end of a read. It
is put back directly before the bytes that continue it, and these are not moved.
"""

from typing import Final

REST_BYTES_MAX: Final = 262_144
"""Two frames of the usual 131,072: the head of a publish and its only body frame fit."""


class ReceiveBuffer:
    """The buffer of one loop.

    Attributes:
        lent: the memory for a socket's bytes; valid until the next read of any socket. It is the
            whole buffer until ``lend`` makes it smaller.
    """

    __slots__ = ("_octets", "lent")

    def __init__(self, read_bytes_max: int) -> None:
        self._octets = memoryview(bytearray(REST_BYTES_MAX + read_bytes_max))
        self.lent = self._octets[REST_BYTES_MAX:]

    def lend(self, count: int) -> None:
        """Let a read take at most this many bytes from now on."""
        self.lent = self._octets[REST_BYTES_MAX : REST_BYTES_MAX + count]

    def received(self, read_bytes: int, rest: bytes) -> memoryview:
        """Return the rest of earlier reads with the bytes of this read behind it.

        Args:
            read_bytes: how much of ``lent`` was filled.
            rest: at most ``REST_BYTES_MAX``; may be empty.
        """
        if not rest:
            return self.lent[:read_bytes]
        start = REST_BYTES_MAX - len(rest)
        self._octets[start:REST_BYTES_MAX] = rest
        return self._octets[start : REST_BYTES_MAX + read_bytes]
