"""Listening sockets, and the limit of connections that they accept.

Sockets are accepted here and not by the loop's own server, for three reasons. A PROXY header is
read before TLS begins. Each connection gets the TLS context of its time. Without descriptors there
is a pause instead of an error for each attempt. During a pause clients wait in the kernel's
backlog, and connected clients are not affected.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from amqp_server.net.settings import ListenerSettings

log = logging.getLogger(__name__)

ACCEPTS_PER_ROUND_MAX: Final = 64
"""Connections accepted from one socket before the others get their turn."""

ACCEPT_PAUSE_MS: Final = 1_000
"""How long no client is accepted after descriptors or memory ran out."""

_SHORTAGES: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_ANY_ADDRESS: Final = ("", "*")

MakeRoom: TypeAlias = Callable[[], int | None]
"""Cuts off a client if one may be, and returns 0; else the ms until the next call, None: never."""

Welcome: TypeAlias = Callable[[socket.socket], None]
"""Takes over an accepted, non-blocking socket; ``release`` must follow later."""


class ListenError(Exception):
    """An address cannot be listened on; the text says which and why."""


class Acceptor:
    """Accepts on any number of listening sockets, up to a number of open connections.

    Invariant: ``open_count`` is the number of sockets accepted and not yet released; it never
    exceeds ``connections_max``.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connections_max: int | None = None,
        *,
        limit_name: str = "connections_max",
        make_room: MakeRoom | None = None,
    ) -> None:
        """Begin without a socket.

        Args:
            loop: the loop that watches the sockets.
            connections_max: open connections, of all sockets; None is no limit.
            limit_name: the name of that limit in the log.
            make_room: called at the limit; None makes no room.
        """
        self._loop = loop
        self._connections_max = connections_max
        self._limit_name = limit_name
        self._make_room = make_room
        self._is_short = False
        self._listening: dict[socket.socket, Welcome] = {}
        self._retry: asyncio.TimerHandle | None = None
        self._is_paused = False
        self._has_complained = False
        self.open_count = 0

    def listen(self, sockets: list[socket.socket], welcome: Welcome) -> None:
        """Accept on these sockets from now on; they are closed by ``close``."""
        for listening in sockets:
            self._listening[listening] = welcome
            if not self._is_paused:
                self._loop.add_reader(listening, self._accept, listening)

    def adopt(self) -> None:
        """Count a connection more, which was not accepted here."""
        self.open_count += 1

    def release(self) -> None:
        """Count one connection less, because its socket has been closed."""
        self.open_count -= 1
        assert self.open_count >= 0, "every release follows an accept"
        if self._is_paused and not self._is_short:
            self._resume()

    def close(self) -> None:
        """Accept no client any more; clients in the backlog are reset."""
        self._cancel_retry()
        for listening in self._listening:
            self._loop.remove_reader(listening)
            listening.close()
        self._listening.clear()

    def _accept(self, listening: socket.socket) -> None:
        """Accept the clients that wait on one socket, as many as one round allows."""
        if self._is_full():
            self._complain(f"{self._limit_name}={self._connections_max} is reached")
            self._wait_for_room()
            return
        for _ in range(ACCEPTS_PER_ROUND_MAX):
            try:
                accepted, _ = listening.accept()
            except (BlockingIOError, InterruptedError):
                self._has_complained = False
                return
            except ConnectionError:
                continue  # it left while it waited
            except OSError as error:
                self._complain(str(error))
                if error.errno in _SHORTAGES:
                    self._is_short = True
                    self._pause(ACCEPT_PAUSE_MS)
                return
            self.open_count += 1
            accepted.settimeout(0)
            self._listening[listening](accepted)
            if self._is_full():
                return  # The next call shows whether another one waits.

    def _is_full(self) -> bool:
        return self._connections_max is not None and self.open_count >= self._connections_max

    def _complain(self, reason: str) -> None:
        """Log this once, until all waiting clients have been accepted."""
        if not self._has_complained:
            self._has_complained = True
            log.warning("not accepting connections for now: %s", reason)

    def _wait_for_room(self) -> None:
        """Accept no client until another has left; one may be cut off for this."""
        again_ms = None if self._make_room is None else self._make_room()
        self._pause(again_ms or None)

    def _pause(self, resume_ms: int | None) -> None:
        self._is_paused = True
        for listening in self._listening:
            self._loop.remove_reader(listening)
        if resume_ms is not None:
            self._retry = self._loop.call_later(resume_ms / 1000, self._resume)

    def _cancel_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _resume(self) -> None:
        self._cancel_retry()
        self._is_paused = self._is_short = False
        for listening in self._listening:
            self._loop.add_reader(listening, self._accept, listening)


def open_sockets(
    where: ListenerSettings,
    backlog: int,
    *,
    ipv6_only: bool = False,
    key: str = "net.listeners",
) -> list[socket.socket]:
    """Open the listening sockets of an address: one for each family that a name stands for.

    Args:
        where: its address and port. "" and ``*`` are every address of both families, and so is
            ``::``; a host without IPv6 takes "" and ``*`` for 0.0.0.0.
        backlog: connections that wait in the kernel to be accepted.
        ipv6_only: leave IPv4 on this port to another listener.
        key: of the listeners in the settings, for the error.

    Raises:
        ListenError: the address is unknown, taken, or not allowed for us.
    """
    is_any = where.address in _ANY_ADDRESS
    host = "::" if is_any and _has_ipv6() else "0.0.0.0" if is_any else where.address  # noqa: S104 - as configured
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(
            host, where.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, _, _, _, address in dict.fromkeys(found):
            sockets.append(
                _open_socket(
                    family, address, backlog, ipv6_only=ipv6_only, reuse_port=where.reuse_port
                )
            )
    except OSError as error:
        for opened in sockets:
            opened.close()
        reason = error.strerror or str(error)
        raise ListenError(
            f"{key}: cannot listen on {where.address}:{where.port}: {reason}"
        ) from error
    return sockets


def _open_socket(
    family: int,
    address: Any,  # noqa: ANN401 - as getaddrinfo has it, by family
    backlog: int,
    *,
    ipv6_only: bool,
    reuse_port: bool,
) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, reuse_port)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, ipv6_only)
        listening.bind(address)
        listening.listen(backlog)
        listening.settimeout(0)
    except OSError:
        listening.close()
        raise
    return listening


def _has_ipv6() -> bool:
    """Return whether this host can open an IPv6 socket at all."""
    if not socket.has_ipv6:
        return False
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True
