"""Where every connection's bytes arrive, with room in front for what the last read left over.

    | ..... rest | bytes of this read ..... |
                 ^ lent to the socket

What is read is dealt with before the next read, so that one buffer serves all connections of a
loop and an idle one has none. Only the frame cut by the end of a read is kept by its connection;
it is put back right before the bytes that continue it, which are not moved.
"""

from typing import Final

REST_BYTES_MAX: Final = 262_144
"""Two frames of the usual 131,072: the head of a publish and its only body frame fit."""


class ReceiveBuffer:
    """One loop's.

    Attributes:
        lent: where a socket's bytes are to go; valid until the next read of any socket.
            The whole buffer, until ``lend`` says less.
    """

    __slots__ = ("_octets", "lent")

    def __init__(self, read_bytes_max: int) -> None:
        self._octets = memoryview(bytearray(REST_BYTES_MAX + read_bytes_max))
        self.lent = self._octets[REST_BYTES_MAX:]

    def lend(self, count: int) -> None:
        """Let a read take at most so many bytes from here on."""
        self.lent = self._octets[REST_BYTES_MAX : REST_BYTES_MAX + count]

    def received(self, read_bytes: int, rest: bytes) -> memoryview:
        """Return what was read, behind what was left over before.

        Args:
            read_bytes: how much of ``lent`` was filled.
            rest: at most ``REST_BYTES_MAX``; may be empty.
        """
        if not rest:
            return self.lent[:read_bytes]
        start = REST_BYTES_MAX - len(rest)
        self._octets[start:REST_BYTES_MAX] = rest
        return self._octets[start : REST_BYTES_MAX + read_bytes]
