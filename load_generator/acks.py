"""Settles deliveries: renders acks in bulk, and sends those of one read in one write."""

import socket
from collections.abc import Sequence
from typing import Final

from load_generator import wire
from load_generator.load import Load, Settle
from load_generator.wire import ACK_FRAME_BYTES


class AckRing:
    """Single acks of consecutive delivery tags, rendered once and patched as tags grow.

    All acks of 65,536 tags lie in one buffer. Those of the next 65,536 differ only in the six upper
    octets of the tag, which are written with a stride. So an ack costs no more than its copy into
    the socket.
    """

    _TAGS: Final = 1 << 16
    _UPPER_AT: Final = 11
    _UPPER_BYTES: Final = 6

    def __init__(self) -> None:
        self._buffer = bytearray().join(wire.ack(tag, multiple=False) for tag in range(self._TAGS))
        self._view = memoryview(self._buffer)
        self._upper = 0

    def render(self, first_tag: int, last_tag: int) -> Sequence[memoryview]:
        """Return the acks of ``first_tag`` to ``last_tag``; valid until the next call."""
        pieces: list[memoryview] = []
        upper, low = divmod(first_tag, self._TAGS)
        if last_tag // self._TAGS != upper:
            # The ring holds only one span of tags, so those of the first span are copied.
            split_tag = (upper + 1) * self._TAGS
            pieces += [memoryview(bytes(piece)) for piece in self.render(first_tag, split_tag - 1)]
            return [*pieces, *self.render(split_tag, last_tag)]
        self._turn_to(upper)
        stop = last_tag - upper * self._TAGS + 1
        return [self._view[low * ACK_FRAME_BYTES : stop * ACK_FRAME_BYTES]]

    def _turn_to(self, upper: int) -> None:
        if upper == self._upper:
            return
        for index, octet in enumerate(upper.to_bytes(self._UPPER_BYTES, "big")):
            self._buffer[self._UPPER_AT + index :: ACK_FRAME_BYTES] = bytes((octet,)) * self._TAGS
        self._upper = upper


class Settler:
    """Auto-ack: there is nothing to settle."""

    def __init__(self, load: Load) -> None:
        self._ack_every = load.ack_every

    def settle(self, connection: socket.socket, first_tag: int, last_tag: int) -> None:
        """Settle the deliveries of a read, ``first_tag`` to ``last_tag``."""

    def settle_rest(self, connection: socket.socket, last_tag: int) -> None:
        """Settle the rest when the consumer ends after ``last_tag``."""


class MultipleSettler(Settler):
    """One ack with multiple after every ``ack_every`` deliveries."""

    def settle(self, connection: socket.socket, first_tag: int, last_tag: int) -> None:
        """Send the acks that are due between ``first_tag`` and ``last_tag``."""
        step = self._ack_every
        due = range(-(-first_tag // step) * step, last_tag + 1, step)
        if due:
            connection.sendall(b"".join([wire.ack(tag, multiple=True) for tag in due]))

    def settle_rest(self, connection: socket.socket, last_tag: int) -> None:
        """Ack the deliveries after the last ack, so that they are not requeued."""
        if last_tag % self._ack_every:
            connection.sendall(wire.ack(last_tag, multiple=True))


class EachSettler(Settler):
    """One ack per delivery, those of a read in one write."""

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        self._ring = AckRing()

    def settle(self, connection: socket.socket, first_tag: int, last_tag: int) -> None:
        """Send an ack for each of ``first_tag`` to ``last_tag``."""
        for piece in self._ring.render(first_tag, last_tag):
            connection.sendall(piece)


SETTLERS: Final[dict[Settle, type[Settler]]] = {
    Settle.AUTO: Settler,
    Settle.MULTIPLE: MultipleSettler,
    Settle.EACH: EachSettler,
}
