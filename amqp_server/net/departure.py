"""A peer that leaves while its socket is not read: it is noticed, and given up in time.

Reading tells that a peer has left. While nothing is read, the kernel does (``hang_ups``). What the
peer said last may be worth waiting for, so it is looked at after a while, again and again:

    it takes nothing of what we write             it is given up
    an alarm keeps us from reading it, and        it is given up: others could have
    it has reset, or holds what others want       what it holds
    anything else                                 we are slow: what it has sent is carried out first
"""

import asyncio
import socket

from amqp_server.net.connection import Connection
from amqp_server.net.hang_ups import HangUps, OnHangUp


class Departure:
    """Whether one peer has left, as far as nothing is read that would say so.

    Attributes:
        look_at_ms: when to look whether it is to be given up (instant); None: it has not left, or
            is read.
    """

    __slots__ = ("_hang_ups", "_is_reset", "_is_watched", "_unsent_bytes", "look_at_ms")

    def __init__(self, hang_ups: HangUps) -> None:
        self._hang_ups = hang_ups
        self._is_watched = False
        self._is_reset = False
        self._unsent_bytes = 0
        self.look_at_ms: int | None = None

    def watch(self, transport: asyncio.Transport, on_hang_up: OnHangUp) -> None:
        """Have ``on_hang_up`` called when the peer leaves, or has: it is not read from here on."""
        self.look_at_ms = None
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None:
            self._is_watched = True
            self._hang_ups.watch(sock.fileno(), on_hang_up)

    def forget(self, transport: asyncio.Transport) -> None:
        """Watch it no more: it is read again, or closed."""
        self.look_at_ms = None
        if not self._is_watched:
            return  # mostly: asking for the socket is what costs
        self._is_watched = False
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None:
            self._hang_ups.forget(sock.fileno())

    def note(self, *, is_reset: bool) -> None:
        """Note that it has left; a reset: it does not take anything either."""
        self._is_reset = is_reset

    def look_again(self, at_ms: int, unsent_bytes: int) -> None:
        """Say when to look at it, and how much is written and not taken until then."""
        self.look_at_ms = at_ms
        self._unsent_bytes = unsent_bytes

    def is_lost_cause(self, connection: Connection, unsent_bytes: int | None) -> bool:
        """Whether a peer that has left keeps us waiting: it takes nothing, or an alarm does.

        A login that is held keeps its place. What an alarm keeps in the kernel waits as well,
        unless others wait for what the connection holds.

        Args:
            connection: its connection.
            unsent_bytes: what it has not taken by now; None where nothing waits for it to.
        """
        if unsent_bytes is not None:
            return unsent_bytes >= self._unsent_bytes
        return connection.reading.is_blocked and (self._is_reset or connection.is_waited_for)
