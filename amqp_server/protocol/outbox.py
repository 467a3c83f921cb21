"""What waits to be written to one client: ordered bytes, and how much they are."""

from collections.abc import Callable

from amqp_server.wire.content import Octets


class Outbox:
    """Bytes in the order they must leave.

    ``is_full`` stops deliveries: it holds while the bytes here pass the high watermark or the
    transport has said that its own buffer does.

    Attributes:
        size_bytes: what waits here.
        full_bytes: from here on deliveries wait: the high watermark.
        overfull_bytes: from here on requests are not carried out either, as their replies may be
            larger than they are: twice the watermark.
        transport_full: the transport's own buffer is above its watermark.
    """

    __slots__ = (
        "_chunks",
        "_on_output",
        "full_bytes",
        "overfull_bytes",
        "size_bytes",
        "transport_full",
    )

    def __init__(self, high_watermark_bytes: int, on_output: Callable[[], None]) -> None:
        self._chunks: list[Octets] = []
        self.full_bytes = high_watermark_bytes
        self._on_output = on_output
        self.size_bytes = 0
        self.overfull_bytes = 2 * high_watermark_bytes
        self.transport_full = False

    @property
    def is_full(self) -> bool:
        """Whether deliveries must wait."""
        return self.transport_full or self.size_bytes >= self.full_bytes

    def write(self, octets: bytes) -> None:
        """Append bytes; the first since the last ``take`` wakes the transport."""
        if not self._chunks:
            self._on_output()
        self._chunks.append(octets)
        self.size_bytes += len(octets)

    def write_all(self, chunks: list[Octets]) -> int:
        """Append bytes that come in pieces, at least one; return how many bytes they are."""
        if not self._chunks:
            self._on_output()
        self._chunks += chunks
        written_bytes = sum(map(len, chunks))
        self.size_bytes += written_bytes
        return written_bytes

    def take(self) -> list[Octets]:
        """Return all chunks in order, and forget them."""
        chunks = self._chunks
        self._chunks = []
        self.size_bytes = 0
        return chunks
