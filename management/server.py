"""The adapter of the HTTP library (aiohttp): its requests and answers as ours, and back.

No other module knows the library. Sockets are accepted elsewhere, and handed to
``HttpServer.make_protocol``.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

from aiohttp import web
from aiohttp.http import HttpProcessingError

from management.http.errors import BAD_REQUEST, HttpError, bad_request
from management.http.request import Request, parsed_query
from management.http.response import Response, of_error

log = logging.getLogger(__name__)

LINE_BYTES_MAX: Final = 16_384
"""Longest line of a request, and longest header."""

KEEP_ALIVE_S: Final = 60
"""How long a connection may be idle between two requests."""

QUIET_S: Final = 60
"""A client that asks for nothing for so long, or does not end what it asks, loses its place."""

BODY_WAIT_S: Final = 30
"""How long a client may take for the next part of its body."""

READ_WAIT_S: Final = 30
"""How long a client may take to read what was sent to it."""

SERVER: Final = "HareMQ"

_CREDENTIALS: Final = "3i"
"""Process, user and group, as the kernel keeps them of whoever connected."""

_CREDENTIALS_BYTES: Final = struct.calcsize(_CREDENTIALS)


class _Connection(web.RequestHandler):
    """A connection of the library, which tells when it is lost."""

    __slots__ = ("_on_lost", "_seen_count", "_watch", "asked_count", "busy_count")

    def __init__(self, *args: Any, on_lost: Callable[[], None], **extra: Any) -> None:  # noqa: ANN401 -- the library's
        super().__init__(*args, **extra)
        self._on_lost = on_lost
        self._watch: asyncio.TimerHandle | None = None
        self._seen_count = 0
        self.asked_count = self.busy_count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, and see from time to time whether the client asks for anything."""
        super().connection_made(transport)
        self._watch = self._loop.call_later(QUIET_S, self._look)

    def _look(self) -> None:
        """Cut off a client that has asked for nothing since the last time."""
        if not self.busy_count and self.asked_count == self._seen_count:
            if self.transport is not None:
                self.transport.abort()
            return
        self._seen_count = self.asked_count
        self._watch = self._loop.call_later(QUIET_S, self._look)

    def log_exception(self, *args: Any, **extra: Any) -> None:  # noqa: ANN401 -- the library's
        """Log a fault of ours; what a client sends that is no request is one line."""
        error = extra.get("exc_info")
        if isinstance(error, HttpProcessingError):
            log.info("no request of HTTP: %.200s", str(error).partition("\n")[0])
            return
        super().log_exception(*args, **extra)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End what is under way for a client that is gone."""
        super().connection_lost(exc)
        if self._watch is not None:
            self._watch.cancel()
        self._on_lost()


class Answers(Protocol):
    """Makes the answers."""

    def answering(self, request: Request) -> AbstractAsyncContextManager[Response]:
        """Return the answer to a request, which keeps its place until it is sent."""


class HttpServer:
    """Drives the connections of clients.

    Args:
        application: answers requests.
        body_bytes_max: largest body of a request.
    """

    def __init__(self, application: Answers, body_bytes_max: int) -> None:
        self._application = application
        self._body_bytes_max = body_bytes_max
        self._server = web.Server(self._handle)

    def make_protocol(self, on_lost: Callable[[], None]) -> asyncio.BaseProtocol:
        """Return the protocol of an accepted connection.

        Args:
            on_lost: called once the connection is lost.
        """
        return _Connection(
            self._server,
            loop=asyncio.get_running_loop(),
            on_lost=on_lost,
            access_log=None,
            logger=log,
            keepalive_timeout=KEEP_ALIVE_S,
            max_line_size=LINE_BYTES_MAX,
            max_field_size=LINE_BYTES_MAX,
            tcp_keepalive=False,
        )

    async def stop(self, grace_s: float) -> None:
        """Let requests that are under way end, for some time, and close all connections."""
        self._server.pre_shutdown()
        await self._server.shutdown(grace_s)

    async def _handle(self, theirs: web.BaseRequest) -> web.StreamResponse:
        connection = theirs.protocol
        assert isinstance(connection, _Connection), "make_protocol made it"
        connection.asked_count += 1
        connection.busy_count += 1
        try:
            return await self._answer(theirs)
        except ConnectionError:
            # The client has left, in the middle of its body or of the answer.
            return web.Response(status=BAD_REQUEST)
        finally:
            connection.busy_count -= 1

    async def _answer(self, theirs: web.BaseRequest) -> web.StreamResponse:
        try:
            request = await self._request_of(theirs)
        except HttpError as error:
            return _whole(of_error(error))
        async with self._application.answering(request) as response:
            if isinstance(response.body, bytes):
                return _whole(response)
            return await _streamed(response, theirs)

    async def _request_of(self, theirs: web.BaseRequest) -> Request:
        """Return the request as ours; the body is read whole.

        Raises:
            HttpError: 400, the body is too large or does not come, or the query is broken.
        """
        path, _, query = theirs.raw_path.partition("?")
        peer = theirs.transport and theirs.transport.get_extra_info("peername")
        address = peer[0].removeprefix("::ffff:") if isinstance(peer, tuple) else ""
        return Request(
            theirs.method,
            path.partition("#")[0],
            parsed_query(query.partition("#")[0]),
            {name.lower(): value for name, value in theirs.headers.items()},
            await self._body_of(theirs),
            address,
            is_loopback=not address or is_loopback(address),
            is_tls=theirs.secure,
            uid=peer_uid(theirs.transport),
        )

    async def _body_of(self, theirs: web.BaseRequest) -> bytes:
        if not theirs.body_exists:
            return b""
        body = bytearray()
        try:
            while True:
                async with asyncio.timeout(BODY_WAIT_S):
                    part = await theirs.content.readany()
                if not part:
                    return bytes(body)
                body += part
                if len(body) > self._body_bytes_max:
                    raise bad_request("Exceeded HTTP request body size limit")
        except TimeoutError as error:
            raise HttpError(BAD_REQUEST) from error


def peer_uid(transport: asyncio.BaseTransport | None) -> int | None:
    """Return the user of the process at the other end of a Unix socket; None: it is no such."""
    found = None if transport is None else transport.get_extra_info("socket")
    if found is None or found.family != socket.AF_UNIX:
        return None
    _, uid, _ = struct.unpack(
        _CREDENTIALS, found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS_BYTES)
    )
    return int(uid)


def is_loopback(address: str) -> bool:
    """Return whether a client of this address runs on this host: over the loopback device."""
    return address.startswith("127.") or address == "::1"


def _whole(response: Response) -> web.Response:
    assert isinstance(response.body, bytes), "an answer in pieces is streamed"
    return web.Response(status=response.status, body=response.body, headers=_headers(response))


async def _streamed(response: Response, theirs: web.BaseRequest) -> web.StreamResponse:
    """Send an answer in pieces, as fast as the client reads."""
    assert not isinstance(response.body, bytes), "an answer in pieces"
    stream = web.StreamResponse(status=response.status, headers=_headers(response))
    await stream.prepare(theirs)
    if theirs.method != "HEAD":
        try:
            async for piece in response.body:
                async with asyncio.timeout(READ_WAIT_S):
                    await stream.write(piece)
            async with asyncio.timeout(READ_WAIT_S):
                await stream.write_eof()
        except TimeoutError as error:
            # It is not whole, so the client must not take it for that.
            if theirs.transport is not None:
                theirs.transport.abort()
            raise ConnectionAbortedError from error
        finally:
            # What made the pieces may hold something; a client that is gone must not keep it.
            if isinstance(response.body, AsyncGenerator):
                await response.body.aclose()
    return stream


def _headers(response: Response) -> dict[str, str]:
    headers = {"server": SERVER, **response.headers}
    if response.content_type is not None:
        headers["content-type"] = response.content_type
    return headers
