"""Output that waits to be written to one client: ordered bytes, and their size."""

import sys
from collections.abc import Callable

from amqp_server.connections.traffic import Traffic
from persistence.record import Octets


class Outbox:
    """Bytes in the order in which they must leave.

    ``is_full`` stops deliveries. It is true while the bytes here are over the high watermark, or
    the transport has said that its own buffer is.

        may leave | held: a reply that promises, what was written after it | ...

    The broker decides when to deliver, so deliveries wait in their queues while it is full. The
    client causes answers by its requests. Only too many answers stop further requests.

    A reply that promises something not yet on disk is *held*, with all output behind it. Meanwhile
    the outbox counts as overfull, so that nothing more is carried out or delivered.

    Attributes:
        size_bytes: all bytes that wait here, held or not.
        answers_bytes: the part of them that is no delivery.
        full_bytes: from this size on deliveries wait: the high watermark; 0 while a reply is held.
        overfull_bytes: from this size of answers on requests wait, too, because replies may be
            larger than requests. It is twice the watermark, 0 while a reply is held, and
            unreachable once the peer takes nothing any more.
        is_abandoned: the peer takes nothing any more.
        transport_full: the transport's own buffer is above its watermark.
    """

    __slots__ = (
        "_held",
        "_high_watermark_bytes",
        "_on_output",
        "_pieces",
        "_traffic",
        "answers_bytes",
        "full_bytes",
        "is_abandoned",
        "overfull_bytes",
        "size_bytes",
        "transport_full",
    )

    def __init__(
        self,
        high_watermark_bytes: int,
        on_output: Callable[[], None],
        traffic: Traffic | None = None,
    ) -> None:
        self._traffic = Traffic() if traffic is None else traffic
        self._pieces: list[Octets] = []
        self._held: list[Octets] | None = None
        self._high_watermark_bytes = high_watermark_bytes
        self.full_bytes = high_watermark_bytes
        self._on_output = on_output
        self.is_abandoned = False
        self.size_bytes = self.answers_bytes = 0
        self.overfull_bytes = 2 * high_watermark_bytes
        self.transport_full = False

    @property
    def is_full(self) -> bool:
        """Whether deliveries must wait."""
        return self.transport_full or self.size_bytes >= self.full_bytes

    def write(self, octets: Octets) -> None:
        """Append an answer; the first bytes since the last ``take`` wake the transport."""
        if not self._pieces:
            self._on_output()
        self._pieces.append(octets)
        written_bytes = len(octets)
        self.size_bytes += written_bytes
        self.answers_bytes += written_bytes

    def deliver(self, octets: Octets) -> int:
        """Append deliveries; return how many bytes they are."""
        if not self._pieces:
            self._on_output()
        self._pieces.append(octets)
        written_bytes = len(octets)
        self.size_bytes += written_bytes
        return written_bytes

    def deliver_all(self, pieces: list[Octets]) -> int:
        """Append deliveries in pieces, at least one; return how many bytes they are."""
        if not self._pieces:
            self._on_output()
        self._pieces += pieces
        written_bytes = sum(map(len, pieces))
        self.size_bytes += written_bytes
        return written_bytes

    def write_past_held(self, octets: Octets) -> None:
        """Append bytes that need not wait for a held reply: a heartbeat."""
        if self._held is None:
            self.write(octets)
            return
        self._held.append(octets)
        self.size_bytes += len(octets)
        self._on_output()

    def take(self) -> list[Octets]:
        """Return all pieces that may leave, in order, and forget them."""
        if self._held is not None:
            return self._take_before_held(self._held)
        pieces = self._pieces
        if pieces:
            traffic = self._traffic
            traffic.sent_bytes += self.size_bytes
            traffic.sent_count += 1
            self._pieces = []
        self.size_bytes = self.answers_bytes = 0
        return pieces

    def hold(self) -> None:
        """Hold all later output until ``release``."""
        assert self._held is None, "nothing is carried out while something is held"
        if self.is_abandoned:
            return
        self._held = self._pieces
        self._pieces = []
        self.full_bytes = self.overfull_bytes = 0

    def release(self) -> None:
        """Let everything leave."""
        if self.is_abandoned:
            return
        assert self._held is not None, "released once"
        self._pieces = self._held + self._pieces
        self._held = None
        self.full_bytes = self._high_watermark_bytes
        self.overfull_bytes = 2 * self._high_watermark_bytes
        self._on_output()

    def withdraw(self) -> None:
        """Forget the held reply, which was written first after ``hold``; release the rest.

        This has no effect once the peer takes nothing any more.
        """
        if self.is_abandoned:
            return
        assert self._held is not None, "it is held"
        withdrawn_bytes = len(self._pieces.pop(0))
        self.size_bytes -= withdrawn_bytes
        self.answers_bytes -= withdrawn_bytes
        self.release()

    def abandon(self) -> None:
        """Drop all output from here on, because the peer does not read it."""
        self.is_abandoned = self.transport_full = True
        self._held = None
        self._traffic = Traffic()  # dropped output was not sent
        self.take()
        self.full_bytes = 0
        self.overfull_bytes = sys.maxsize

    def _take_before_held(self, held: list[Octets]) -> list[Octets]:
        pieces = held.copy()
        held.clear()
        taken_bytes = sum(map(len, pieces))
        self._traffic.sent_bytes += taken_bytes
        self._traffic.sent_count += bool(pieces)
        self.size_bytes -= taken_bytes
        self.answers_bytes = min(self.answers_bytes, self.size_bytes)
        return pieces
