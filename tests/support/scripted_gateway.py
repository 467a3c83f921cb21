"""An HTTP server that answers each request of an etcd engine with octets that a test has chosen."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Self

import orjson

Answer = Callable[[Any], bytes | None]
"""Given a request's fields, returns all octets of the answer; None says nothing for ever."""


def http(
    body: bytes, *, status: bytes = b"200 OK", headers: bytes = b"", length: int | None = None
) -> bytes:
    size = len(body) if length is None else length
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, headers, size, body)


def chunked(pieces: Sequence[bytes], *, ends: bool = True) -> bytes:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    end = b"0\r\n\r\n" if ends else b""
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed + end


class ScriptedGateway:
    """Answers on loopback; a chunked answer without end stays open.

    Attributes:
        requests: the fields of all that was asked.
    """

    def __init__(self, answer: Answer) -> None:
        self.requests: list[Any] = []
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        if self._server is not None and self._server.is_serving():
            self._server.close()
            for writer in self._open:
                writer.close()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                self.requests.append(orjson.loads(await reader.readexactly(length)))
                answer = self._answer(self.requests[-1])
                if answer is None:
                    continue
                writer.write(answer)
                await writer.drain()
                if not answer or b"\r\n\r\n" not in answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()
