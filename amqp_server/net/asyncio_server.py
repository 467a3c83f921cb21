"""Listeners whose connections are driven by an asyncio protocol of somebody else, such as HTTP.

    accepted socket → TLS (where expected) → the protocol

Sockets are accepted as those of AMQP: up to a limit, with a pause where descriptors run out, and
with the certificate of their time.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeAlias

from amqp_server.net.listener import Acceptor, ListenError, open_sockets
from amqp_server.net.server import Bound
from amqp_server.net.settings import ListenerSettings
from amqp_server.net.tls import HANDSHAKE_TIMEOUT_MS, TlsContexts, handshake_failure

log = logging.getLogger(__name__)

BACKLOG: Final = 128

MakeProtocol: TypeAlias = Callable[[Callable[[], None]], asyncio.BaseProtocol]
"""Returns a new protocol, which calls what it is handed once its connection is lost."""


class AsyncioServer:
    """Accepts clients, and gives each to a protocol of its own.

    Args:
        loop: that drives them.
        make_protocol: returns a new one.
        key: the listeners' key in the settings, for errors.
        protocol: name of what is spoken.
        connections_max: open at a time.
        tls: of listeners that speak TLS; None where there is none.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        make_protocol: MakeProtocol,
        *,
        key: str,
        protocol: str,
        connections_max: int,
        tls: TlsContexts | None,
    ) -> None:
        self._loop = loop
        self._make_protocol = make_protocol
        self._key = key
        self._protocol = protocol
        self._tls = tls
        self._acceptor = Acceptor(loop, connections_max, limit_name=f"{protocol} connections_max")
        self._welcomes: set[asyncio.Task[None]] = set()
        self.bound: list[Bound] = []

    @property
    def open_count(self) -> int:
        """How many clients are connected."""
        return self._acceptor.open_count

    def listen(self, listeners: Sequence[ListenerSettings]) -> None:
        """Begin to accept on all of these addresses, or on none.

        Raises:
            ListenError: one of them cannot be listened on.
        """
        opened: list[tuple[ListenerSettings, list[socket.socket]]] = []
        try:
            for where in listeners:
                sockets = open_sockets(where, BACKLOG, key=self._key)
                opened.append((where, sockets))
        except ListenError:
            for _, sockets in opened:
                for listening in sockets:
                    listening.close()
            raise
        for where, sockets in opened:
            self._acceptor.listen(sockets, partial(self._begin_to_welcome, where))
            for address, port in (listening.getsockname()[:2] for listening in sockets):
                bound = Bound(address, port, self._protocol, where.tls)
                self.bound.append(bound)
                log.info("listening address=%s port=%d protocol=%s tls=%s", *bound)

    def listen_on(self, listening: socket.socket) -> None:
        """Begin to accept on a Unix socket that listens; it is not among the bound addresses."""
        where = ListenerSettings()
        self._acceptor.listen([listening], partial(self._begin_to_welcome, where))

    def stop_listening(self) -> None:
        """Accept no client any more; connected clients stay."""
        self._acceptor.close()
        self.bound = []
        for task in self._welcomes:
            task.cancel()

    def _begin_to_welcome(self, where: ListenerSettings, accepted: socket.socket) -> None:
        place = _Place(self._acceptor.release)
        task = self._loop.create_task(self._welcome(where, accepted, place))
        self._welcomes.add(task)
        task.add_done_callback(partial(self._end_welcome, accepted, place))

    async def _welcome(
        self, where: ListenerSettings, accepted: socket.socket, place: "_Place"
    ) -> None:
        protocol = self._make_protocol(place.give_back)
        if not where.tls:
            await self._loop.connect_accepted_socket(lambda: protocol, accepted)
            return
        assert self._tls is not None, "the settings refuse TLS without certificates"
        await self._loop.connect_accepted_socket(
            lambda: protocol,
            accepted,
            ssl=self._tls.current,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_MS / 1000,
        )

    def _end_welcome(
        self, accepted: socket.socket, place: "_Place", task: "asyncio.Task[None]"
    ) -> None:
        """Close a socket that has not reached its protocol."""
        self._welcomes.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, OSError):
            reason = handshake_failure(error)
            log.info("connection refused protocol=%s reason=%s", self._protocol, reason)
        elif error is not None:
            log.error("welcoming a connection failed", exc_info=error)
        if task.cancelled() or error is not None:
            accepted.close()
            place.give_back()


class _Place:
    """The place of a connection among those that may be open; given back once."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release: Callable[[], None] | None = release

    def give_back(self) -> None:
        """Let another client have the place; a second call has no effect."""
        release, self._release = self._release, None
        if release is not None:
            release()
