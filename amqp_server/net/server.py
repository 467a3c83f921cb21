"""The server of one loop, from the listening sockets to the end of the last connection.

    accepted socket → PROXY header (where expected) → TLS (where expected) → Transport

The protocol of the listener decides which connection a transport drives. Each step has a
time limit, and each socket counts against ``connections_max`` from the moment it is accepted.
"""

import asyncio
import logging
import socket
from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple

from amqp_server.connections.peer import Peer
from amqp_server.net.connection import MakeConnection
from amqp_server.net.listener import Acceptor, ListenError, MakeRoom, open_sockets
from amqp_server.net.origin import behind_proxy, peer_of, read_proxy_header, with_tls
from amqp_server.net.proxy_protocol import ProxyHeaderError
from amqp_server.net.reactor import Reactor
from amqp_server.net.settings import ListenerSettings, LoginFrom, NetSettings
from amqp_server.net.tls import HANDSHAKE_TIMEOUT_MS, TlsContexts, handshake_failure
from amqp_server.net.transport import CLOSE_GRACE_MS, Transport

log = logging.getLogger(__name__)

PROXY_HEADER_TIMEOUT_MS: Final = 5_000
"""How long a proxy may take for its header; a real proxy sends it at once."""

STRANGER_PATIENCE_MS: Final = 2_000
"""At the limit, a client that has not logged in for this long is cut off for the next one."""

SHUTDOWN_REASON: Final = "broker forced connection closure with reason 'shutdown'"
"""The reason that clients get when the node stops (RabbitMQ, rabbit_reader)."""

_CUT_OFF_MS: Final = 1_000
"""How long the loop may take to close sockets that were cut off; one or two turns are usual."""


class Bound(NamedTuple):
    """A listening socket.

    Attributes:
        address, port: where clients connect.
        protocol: the protocol's name in the settings.
        is_tls: whether it is used over TLS.
    """

    address: str
    port: int
    protocol: str
    is_tls: bool


class Server:
    """Everything that listens and is connected in one loop.

    Attributes:
        tls: the certificates; None where there are none.
        transports: the connections.

    Invariant: a socket is in exactly one of: a welcome task, ``transports``, closed.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        reactor: Reactor,
        protocols: Mapping[str, MakeConnection],
        settings: NetSettings,
        sockets_max: int | None = None,
    ) -> None:
        """Connect the parts; ``listen`` begins.

        Args:
            loop: the reactor's loop.
            reactor: the loop's shared parts.
            protocols: makes the sans-IO connection of each peer, by the protocol of its listener.
            settings: where to listen, limits and grace periods.
            sockets_max: limit of connections by file descriptors; None is no limit.

        Raises:
            TlsFilesError: the certificates cannot be used.
        """
        self._loop = loop
        self._reactor = reactor
        self._protocols = protocols
        self._settings = settings
        self.tls = TlsContexts(settings.tls) if settings.tls is not None else None
        self._login_from: LoginFrom = (
            settings.tls.login_from if settings.tls is not None else "distinguished_name"
        )
        self._proxy_networks = [ip_network(text) for text in settings.proxy_networks]
        self._acceptor = _acceptor(loop, settings.connections_max, sockets_max, self._make_room)
        self._strangers: dict[Transport, int] = {}
        """When each was accepted, oldest first; some of them may have logged in since."""
        self._welcomes: dict[asyncio.Task[object], _Arrival] = {}
        self._all_gone = asyncio.Event()
        self._stop_reason: str | None = None
        self._bound: list[Bound] = []
        self.transports: set[Transport] = set()

    @property
    def bound(self) -> Sequence[Bound]:
        """The listening sockets, in the order of the listeners; none after ``stop_listening``."""
        return self._bound

    def listen(self) -> None:
        """Begin to accept on all the addresses of the settings, or on none.

        Raises:
            ListenError: one of them cannot be listened on.
        """
        listeners = self._settings.listeners
        if self.tls is None and any(where.tls for where in listeners):
            raise ListenError("net.listeners: one speaks TLS, and there is no net.tls")
        opened: list[tuple[ListenerSettings, list[socket.socket]]] = []
        try:
            for where in listeners:
                is_ipv6_only = _shares_port_with_ipv4(where, listeners)
                sockets = open_sockets(where, self._settings.backlog, ipv6_only=is_ipv6_only)
                opened.append((where, sockets))
        except ListenError:
            for _, sockets in opened:
                for listening in sockets:
                    listening.close()
            raise
        for where, sockets in opened:
            self._acceptor.listen(sockets, partial(self._begin_to_welcome, where))
            for address, port in (listening.getsockname()[:2] for listening in sockets):
                bound = Bound(address, port, where.protocol, where.tls)
                self._bound.append(bound)
                log.info("listening address=%s port=%d protocol=%s tls=%s", *bound)

    def adopt(self, accepted: socket.socket) -> None:
        """Take a connected socket as if a listener of AMQP without TLS had accepted it.

        Raises:
            ConnectionRefusedError: no listener speaks AMQP.
        """
        if _AMQP not in self._protocols:
            raise ConnectionRefusedError(f"no listener speaks {_AMQP}")
        self._acceptor.adopt()
        self._begin_to_welcome(ListenerSettings(address="", port=0), accepted)

    def reload_certificates(self) -> bool:
        """Use new certificate files, if they changed, for later connections.

        Returns:
            Whether there is another certificate now.
        """
        return self.tls is not None and self.tls.reload()

    def stop_listening(self) -> None:
        """Accept no client any more; connected clients stay."""
        self._acceptor.close()
        self._bound = []

    def turn_away(self, reason: str) -> None:
        """Accept no client, and ask all to close, until ``let_in``.

        Args:
            reason: they are told.
        """
        self.stop_listening()
        self._stop_reason = reason
        for task, arrival in self._welcomes.items():
            if arrival.may_be_stopped:
                task.cancel()
        for transport in list(self.transports):
            transport.shut_down(reason)

    def let_in(self) -> None:
        """Accept clients again.

        Raises:
            ListenError: an address cannot be listened on.
        """
        self.listen()
        self._stop_reason = None
        self._all_gone.clear()

    async def stop(self, reason: str = SHUTDOWN_REASON) -> None:
        """Accept no client, ask all to close, and cut off the rest after the grace period."""
        self.turn_away(reason)
        self._note_if_all_gone()
        if not await self._are_all_gone_within(self._settings.shutdown_grace_ms):
            log.info("cutting off connections count=%d", len(self.transports))
            for transport in list(self.transports):
                transport.abort()
            if not await self._are_all_gone_within(_CUT_OFF_MS):
                log.error("connections remain open count=%d", self._acceptor.open_count)

    async def _are_all_gone_within(self, grace_ms: int) -> bool:
        try:
            async with asyncio.timeout(grace_ms / 1000):
                await self._all_gone.wait()
        except TimeoutError:
            return False
        return True

    def _make_room(self) -> int | None:
        """Cut off the client that has waited longest without a login, if it is long enough.

        Returns:
            0 if a client was cut off; else the ms until one may be; None if all have logged in.
        """
        now_ms = self._reactor.now_ms()
        for task, arrival in self._welcomes.items():
            if arrival.may_be_stopped:
                wait_ms = arrival.accepted_at_ms + STRANGER_PATIENCE_MS - now_ms
                if wait_ms <= 0:
                    task.cancel()
                return max(wait_ms, 0)
        while self._strangers:
            transport, accepted_at_ms = next(iter(self._strangers.items()))
            wait_ms = accepted_at_ms + STRANGER_PATIENCE_MS - now_ms
            if wait_ms > 0 and not transport.has_logged_in:
                return wait_ms
            del self._strangers[transport]
            if not transport.has_logged_in:
                transport.abort()
                return 0
        return None

    def _begin_to_welcome(self, where: ListenerSettings, accepted: socket.socket) -> None:
        arrival = _Arrival(accepted, self._reactor.now_ms())
        try:
            task = self._loop.create_task(self._welcome(where, arrival))
        except OSError as error:
            self._refuse(arrival, error)
            return
        self._welcomes[task] = arrival
        task.add_done_callback(partial(self._end_welcome, arrival))

    def _welcome(
        self, where: ListenerSettings, arrival: "_Arrival"
    ) -> Coroutine[object, object, object]:
        """Return the coroutine that brings a socket to a ``Transport``.

        Raises:
            OSError: the peer is gone already.
        """
        peer = peer_of(arrival.accepted)
        arrival.name = peer.connection_name
        if where.tls or where.proxy_protocol:
            return self._welcome_in_steps(where, arrival, peer)
        return self._connect(where, arrival, peer)

    async def _welcome_in_steps(
        self, where: ListenerSettings, arrival: "_Arrival", peer: Peer
    ) -> None:
        """Read the proxy's header and do the TLS handshake, as far as they are expected."""
        if where.proxy_protocol:
            peer = await self._peer_behind_proxy(peer, arrival.accepted)
        if not where.tls:
            await self._connect(where, arrival, peer)
            return
        assert self.tls is not None, "listen refuses TLS addresses without TLS settings"
        transport = arrival.transport = self._transport_for(where, peer)
        await self._loop.connect_accepted_socket(
            lambda: transport,
            arrival.accepted,
            ssl=self.tls.current,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_MS / 1000,
            ssl_shutdown_timeout=CLOSE_GRACE_MS / 1000,
        )

    def _connect(
        self, where: ListenerSettings, arrival: "_Arrival", peer: Peer
    ) -> Coroutine[object, object, object]:
        """Return the coroutine that gives a socket without TLS to the loop.

        It takes the loop one round. If it is cancelled in that round, uvloop closes the socket
        without telling the transport, even if the transport was made already.
        """
        arrival.may_be_stopped = False
        transport = arrival.transport = self._transport_for(where, peer)
        return self._loop.connect_accepted_socket(lambda: transport, arrival.accepted)

    def _end_welcome(self, arrival: "_Arrival", task: asyncio.Task[object]) -> None:
        """Close a socket that has not reached a transport, for any reason."""
        del self._welcomes[task]
        error = None if task.cancelled() else task.exception()
        if error is not None or arrival.transport is None or not arrival.transport.was_made:
            self._refuse(arrival, error)

    def _refuse(self, arrival: "_Arrival", error: BaseException | None) -> None:
        """Log why a peer was refused, and count it no more if it never became a connection."""
        if isinstance(error, OSError | ProxyHeaderError):
            reason = handshake_failure(error) if isinstance(error, OSError) else str(error)
            log.info("connection refused name=%s reason=%s", arrival.name, reason)
        elif error is not None:
            log.error("welcoming a connection failed name=%s", arrival.name, exc_info=error)
        if arrival.transport is None or not arrival.transport.was_made:
            arrival.accepted.close()
            self._acceptor.release()
            self._note_if_all_gone()

    async def _peer_behind_proxy(self, proxy: Peer, accepted: socket.socket) -> Peer:
        address = ip_address(proxy.address)
        if not any(address in network for network in self._proxy_networks):
            raise ProxyHeaderError("not a trusted proxy")
        async with asyncio.timeout(PROXY_HEADER_TIMEOUT_MS / 1000):
            return behind_proxy(proxy, await read_proxy_header(self._loop, accepted))

    def _transport_for(self, where: ListenerSettings, peer: Peer) -> Transport:
        return Transport(
            self._reactor,
            self._protocols[where.protocol],
            lambda ssl_object: with_tls(peer, ssl_object, self._login_from),
            self._on_made,
            self._on_lost,
            write_high_watermark_bytes=self._settings.write_high_watermark_bytes,
        )

    def _on_made(self, transport: Transport) -> None:
        self.transports.add(transport)
        self._strangers[transport] = self._reactor.now_ms()
        if self._stop_reason is not None:
            transport.shut_down(self._stop_reason)

    def _on_lost(self, transport: Transport) -> None:
        self.transports.discard(transport)
        self._strangers.pop(transport, None)
        self._acceptor.release()
        self._note_if_all_gone()

    def _note_if_all_gone(self) -> None:
        if self._stop_reason is not None and self._acceptor.open_count == 0:
            self._all_gone.set()


_AMQP: Final = "amqp"


class _Arrival:
    """A socket on its way to become a connection."""

    def __init__(self, accepted: socket.socket, accepted_at_ms: int) -> None:
        self.accepted = accepted
        self.accepted_at_ms = accepted_at_ms
        self.transport: Transport | None = None
        self.name = "unknown"
        self.may_be_stopped = True


def _acceptor(
    loop: asyncio.AbstractEventLoop,
    connections_max: int,
    sockets_max: int | None,
    make_room: MakeRoom,
) -> Acceptor:
    """Return the acceptor; its limit is the lower one of the two."""
    if sockets_max is None or 0 < connections_max <= sockets_max:
        return Acceptor(loop, connections_max or None, make_room=make_room)
    name = "the file descriptors for sockets are in use (RLIMIT_NOFILE, ulimit -n): sockets_max"
    return Acceptor(loop, sockets_max, limit_name=name, make_room=make_room)


def _shares_port_with_ipv4(where: ListenerSettings, addresses: Sequence[ListenerSettings]) -> bool:
    """Return whether ``::`` must leave IPv4 to another listener."""
    return where.address == "::" and any(
        other.port == where.port and ":" not in other.address for other in addresses
    )
