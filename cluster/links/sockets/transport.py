"""The asyncio side of a link: reads, writes and ends its socket, in slices of a turn.

A slice ends when the turn's budget is spent; then the socket is not read until the loop has looked
at the others. Output is made while the socket takes it. What waits in asyncio's own buffer is
small, so a live run never stands behind much of a catch-up.
"""

import asyncio
import logging
import socket
from typing import Final, Protocol, cast

from cluster.links.port import Link, MakeLink
from cluster.links.settings import LinkSettings
from cluster.links.sockets.receive_chunk import ReceiveChunk
from cluster.links.sockets.tls_names import names_of_peer

log = logging.getLogger(__name__)

WRITE_BYTES_MAX: Final = 256 * 1024
"""Octets in asyncio's buffer, behind those that the kernel took."""

UNIX_BYTES: Final = 256 * 1024
"""What the kernel is asked to hold of a Unix socket; Linux makes it twice as much. Of itself it has
room for 208 KiB, so that the run of one read, of 256 KiB, left in two writes with a wait between.
TCP finds its own size."""

LINGER_S: Final = 1.0
"""How long a link that ended may take to tell the other node why."""

_LOOKS_PER_HEARTBEAT: Final = 2


class Budget(Protocol):
    """The time of a turn; ``amqp_server.broker.budget.TurnBudget`` fits."""

    def begin(self) -> None:
        """Begin a slice with all of its time."""

    def is_spent(self) -> bool:
        """Return whether the rest should wait."""


class LinkTransport(asyncio.BufferedProtocol):
    """One socket of a link.

    Attributes:
        link: the connection; None before the socket is open.
        ended: done once the socket is gone.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        make_link: MakeLink,
        settings: LinkSettings,
        budget: Budget,
    ) -> None:
        """Wait for ``connection_made``."""
        self._loop = loop
        self._make_link = make_link
        self._settings = settings
        self._budget = budget
        self._transport: asyncio.Transport | None = None
        self._chunk = ReceiveChunk()
        self._is_tls = False
        self._is_slicing = self._is_woken = self._is_ending = False
        self._full_since_ms: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.link: Link | None = None
        self.ended: asyncio.Future[str] = loop.create_future()

    def abort(self, reason: str) -> None:
        """End link and socket at once."""
        if self.link is not None:
            self.link.lost(reason)
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_stranger(self) -> bool:
        """Whether the other side has not proved who it is."""
        return self.link is not None and self.link.peer is None

    # ---- what asyncio calls ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(WRITE_BYTES_MAX)
        self._is_tls = transport.get_extra_info("ssl_object") is not None
        _make_room(transport.get_extra_info("socket"))
        self.link = self._make_link(names_of_peer(transport), self._now_ms())
        self.link.wake = self._wake
        self._wake()
        self._tick()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where input goes."""
        del sizehint
        return self._chunk.room()

    def buffer_updated(self, nbytes: int) -> None:
        """Work on the input, as far as the turn's time goes."""
        self._chunk.came(nbytes)
        if not self._is_slicing:
            self._slice()

    def eof_received(self) -> bool:
        """Half of a link is of no use; the socket is closed by us."""
        if self.link is not None:
            self.link.ended_by_peer()
        return not self._is_tls

    def pause_writing(self) -> None:
        """The socket takes no more for now."""
        self._full_since_ms = self._now_ms()

    def resume_writing(self) -> None:
        """The socket takes more."""
        self._full_since_ms = None
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        reason = str(exc) if exc is not None else "the connection is closed"
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        self._chunk.drop()
        if self.link is not None:
            self.link.lost(reason)
            reason = self.link.reason or reason
            self.link.wake = _nobody
        if not self.ended.done():
            self.ended.set_result(reason)

    # ---- slices ----

    def _slice(self) -> None:
        link, transport = self.link, self._transport
        assert link is not None
        assert transport is not None
        self._is_slicing = False
        if link.reason is not None:
            self._chunk.drop()
            return
        now_ms = self._now_ms()
        self._budget.begin()
        done = link.receive(self._chunk.waiting(), now_ms, self._budget.is_spent)
        self._chunk.done(done)
        if done and self._budget.is_spent() and self._chunk.waiting():
            self._is_slicing = True
            transport.pause_reading()
            link.hear(can_be_heard=False, now_ms=now_ms)
            self._loop.call_soon(self._next_slice)
        if link.may_say_more:
            self._wake()

    def _next_slice(self) -> None:
        link, transport = self.link, self._transport
        if link is None or transport is None or transport.is_closing():
            return
        self._slice()
        if not self._is_slicing:
            link.hear(can_be_heard=True, now_ms=self._now_ms())
            transport.resume_reading()

    def _wake(self) -> None:
        if not self._is_woken:
            self._is_woken = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_woken = False
        link, transport = self.link, self._transport
        if link is None or transport is None or transport.is_closing():
            return
        self._budget.begin()
        now_ms = self._now_ms()
        while self._full_since_ms is None:
            room = WRITE_BYTES_MAX - transport.get_write_buffer_size()
            buffers = link.output(max(room, 1), now_ms)
            if buffers:
                transport.writelines(buffers)
            if not (link.may_say_more if buffers else link.has_answers):
                break
            if self._budget.is_spent():
                self._wake()
                break
        if link.reason is not None and not self._is_ending:
            self._is_ending = True
            self._end(transport)

    def _end(self, transport: asyncio.Transport) -> None:
        """Close the socket when the last envelope has left, or soon."""
        transport.close()
        self._loop.call_later(LINGER_S, transport.abort)

    def _tick(self) -> None:
        link = self.link
        assert link is not None
        now_ms = self._now_ms()
        full_since_ms = self._full_since_ms
        if full_since_ms is not None and now_ms >= full_since_ms + self._settings.stall_ms:
            self.abort(f"the other node reads nothing for {now_ms - full_since_ms} ms")
            return
        link.tick(now_ms)
        if link.has_answers or link.reason is not None:
            self._wake()
        delay_s = self._settings.heartbeat_ms / _LOOKS_PER_HEARTBEAT / 1000
        self._timer = self._loop.call_later(delay_s, self._tick)

    def _now_ms(self) -> int:
        return int(self._loop.time() * 1000)


def _make_room(connection: socket.socket | None) -> None:
    """Have the kernel hold the run of one read, and something before it."""
    if connection is not None and connection.family == socket.AF_UNIX:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNIX_BYTES)


def _nobody() -> None:
    """No socket is there to write to."""
