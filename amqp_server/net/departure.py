"""Notices a peer that leaves while its socket is not read, and gives it up in time.

Reading shows that a peer has left. While nothing is read, the kernel shows it (``hang_ups``). The
peer's last input may still be wanted. So the peer is checked after a while, again and again:

    it takes nothing of our output                it is given up
    an alarm stops reading, and it has reset      it is given up, so that others
    or holds messages that others want            get its messages
    anything else                                 we are slow: its input is carried out first
"""

import asyncio
import socket

from amqp_server.net.connection import Connection
from amqp_server.net.hang_ups import HangUps, OnHangUp


class Departure:
    """Notices whether one peer has left while its socket is not read.

    Attributes:
        look_at_ms: when to check whether to give it up (instant); None if it has not left, or its
            socket is read.
    """

    __slots__ = ("_hang_ups", "_is_reset", "_is_watched", "_unsent_bytes", "look_at_ms")

    def __init__(self, hang_ups: HangUps) -> None:
        self._hang_ups = hang_ups
        self._is_watched = False
        self._is_reset = False
        self._unsent_bytes = 0
        self.look_at_ms: int | None = None

    def watch(self, transport: asyncio.Transport, on_hang_up: OnHangUp) -> None:
        """Call ``on_hang_up`` when the peer leaves or has left; its socket is not read now."""
        self.look_at_ms = None
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None:
            self._is_watched = True
            self._hang_ups.watch(sock.fileno(), on_hang_up)

    def forget(self, transport: asyncio.Transport) -> None:
        """Stop watching it, because it is read again or closed."""
        self.look_at_ms = None
        if not self._is_watched:
            return  # mostly, and this saves the expensive look-up of the socket
        self._is_watched = False
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None:
            self._hang_ups.forget(sock.fileno())

    def note(self, *, is_reset: bool) -> None:
        """Note that it has left; after a reset it does not take output either."""
        self._is_reset = is_reset

    def look_again(self, at_ms: int, unsent_bytes: int) -> None:
        """Set when to check it, and note how much output it has not taken by now."""
        self.look_at_ms = at_ms
        self._unsent_bytes = unsent_bytes

    def is_lost_cause(self, connection: Connection, unsent_bytes: int | None) -> bool:
        """Whether to give up a peer that has left: it takes nothing, or an alarm stops us.

        A delayed login keeps its place. Input that an alarm keeps in the kernel waits as well,
        unless others wait for messages of the connection.

        Args:
            connection: its connection.
            unsent_bytes: output that it has not taken by now; None if no output waits.
        """
        if unsent_bytes is not None:
            return unsent_bytes >= self._unsent_bytes
        return connection.reading.is_blocked and (self._is_reset or connection.is_waited_for)
