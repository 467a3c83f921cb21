"""What waits to be written to one client: ordered bytes, and how much they are."""

from collections.abc import Callable


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
        self._chunks: list[bytes] = []
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

    def take(self) -> list[bytes]:
        """Return all chunks in order, and forget them."""
        chunks = self._chunks
        self._chunks = []
        self.size_bytes = 0
        return chunks
