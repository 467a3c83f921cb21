"""The adapter of the HTTP library, over loopback sockets."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp.http_writer import StreamWriter

from management import server
from management.application import Application
from management.http.request import Request
from management.http.response import Response, answer
from management.server import HttpServer, is_loopback, peer_uid


class Echo(Application):
    """Answers with what came."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.left = asyncio.Event()
        self.pieces_count = 3

    @asynccontextmanager
    async def answering(self, request: Request) -> AsyncIterator[Response]:
        self.requests.append(request)
        if request.path == "/endless":
            try:
                yield Response(200, self._endless())
            finally:
                self.left.set()
        elif request.path == "/pieces":
            try:
                yield Response(200, self._pieces())
            finally:
                self.left.set()
        else:
            yield answer(request.path)

    async def _endless(self) -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 100_000
            await asyncio.sleep(0)

    async def _pieces(self) -> AsyncIterator[bytes]:
        for _ in range(self.pieces_count):
            yield b"x" * 100_000


Work = Callable[[Echo, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def run(work: Work, body_bytes_max: int = 1_000) -> Echo:
    """Serve on a socket, and do something with it."""
    echo = Echo()

    async def serve() -> None:
        lost = asyncio.Event()
        http = HttpServer(echo, body_bytes_max)
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(lambda: http.make_protocol(lost.set), "127.0.0.1", 0)
        host, port = listening.sockets[0].getsockname()[:2]
        reader, writer = await asyncio.open_connection(host, port)
        async with asyncio.timeout(10):
            await work(echo, reader, writer)
            writer.close()
            await lost.wait()
        listening.close()
        await http.stop(0.1)

    asyncio.run(serve())
    return echo


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: bytes) -> bytes:
    """Send a request; return the head of its answer and what came of its body."""
    writer.write(text)
    head = await reader.readuntil(b"\r\n\r\n")
    size = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
    return head + (await reader.readexactly(int(size)) if size else b"")


def test_a_request_is_ours_and_raw() -> None:
    async def work(_echo: Echo, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        text = b"PUT /api/a%2Fb/../c?x=%20 HTTP/1.1\r\nHost: h\r\nX-One: 1\r\n"
        text += b"Content-Length: 2\r\n\r\n{}"
        reply = await ask(reader, writer, text)
        assert reply.startswith(b"HTTP/1.1 200")
        assert b"server: HareMQ\r\n" in reply

    [request] = run(work).requests
    assert (request.method, request.path) == ("PUT", "/api/a%2Fb/../c")
    assert (request.query.get("x"), request.body) == (" ", b"{}")
    assert (request.headers["x-one"], request.address) == ("1", "127.0.0.1")
    assert (request.is_loopback, request.is_tls) == (True, False)


def test_a_connection_is_used_again_and_a_broken_query_is_400() -> None:
    async def work(_echo: Echo, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await ask(reader, writer, b"GET /a?x=%zz HTTP/1.1\r\nHost: h\r\n\r\n")
        assert first.startswith(b"HTTP/1.1 400")
        second = await ask(reader, writer, b"GET /b HTTP/1.1\r\nHost: h\r\n\r\n")
        assert second.endswith(b'"/b"')

    run(work)


def test_an_answer_in_pieces_is_streamed_and_head_has_none() -> None:
    async def work(_echo: Echo, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await ask(reader, writer, b"HEAD /pieces HTTP/1.1\r\nHost: h\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        writer.write(b"GET /pieces HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert (await reader.read(-1)).count(b"x") >= 300_000

    run(work)


def test_who_leaves_before_the_end_of_an_answer_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work(echo: Echo, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /endless HTTP/1.1\r\nHost: h\r\n\r\n")
        await reader.readuntil(b"x")
        writer.transport.abort()
        await echo.left.wait()

    run(work)
    assert not caplog.records


@pytest.mark.parametrize("path", ["/endless", "/pieces"])
def test_who_never_reads_an_answer_in_pieces_loses_its_place(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "READ_WAIT_S", 0.01)
    write = StreamWriter.write

    async def written(mine: StreamWriter, piece: bytes, *_: object) -> None:
        # As if no more was sent since it waited last: it does not wait for room, but at the end.
        await write(mine, piece, drain=path != "/pieces")

    monkeypatch.setattr(StreamWriter, "write", written)

    async def work(echo: Echo, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        echo.pieces_count = 400
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        await echo.left.wait()
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        with contextlib.suppress(ConnectionError):
            assert not (await reader.read(-1)).endswith(b"0\r\n\r\n")

    run(work)


def test_who_leaves_in_the_middle_of_a_body_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def work(_echo: Echo, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 200\r\n\r\n{")
        writer.write_eof()
        await reader.read(-1)

    assert not run(work).requests
    assert not caplog.records


def test_a_body_that_is_too_large_is_400() -> None:
    async def work(echo: Echo, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        text = b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000
        reply = await ask(reader, writer, text)
        assert reply.startswith(b"HTTP/1.1 400")
        assert b"Exceeded HTTP request body size limit" in reply
        assert echo.requests == []

    run(work)


def test_a_client_that_asks_for_nothing_loses_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "QUIET_S", 0.01)

    async def work(_echo: Echo, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /a HTTP/1.1\r\nHos")
        with contextlib.suppress(ConnectionError):
            assert await reader.read(-1) == b""

    assert run(work).requests == []


def test_a_body_that_does_not_come_is_400(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BODY_WAIT_S", 0.01)

    async def work(_echo: Echo, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        text = b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\n\r\nx"
        assert (await ask(reader, writer, text)).startswith(b"HTTP/1.1 400")

    run(work)


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense\r\n\r\n",
        b"FOO / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_without_a_traceback(
    text: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(echo: Echo, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        assert (await reader.read(-1)).startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
        assert echo.requests == []

    run(work)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("address", "is_local"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False)],
)
def test_loopback(address: str, *, is_local: bool) -> None:
    assert is_loopback(address) is is_local


class Transported(asyncio.Transport):
    """A transport of a socket."""

    def __init__(self, own: socket.socket) -> None:
        super().__init__({"socket": own})


def test_the_kernel_says_who_is_behind_a_unix_socket() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs, socket.socket() as network:
        assert peer_uid(Transported(ours)) == os.geteuid()
        assert peer_uid(Transported(network)) is None
    assert peer_uid(None) is None
