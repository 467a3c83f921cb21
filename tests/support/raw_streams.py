"""A client of the stream protocol on a socket: it says what a test says, and believes nothing."""

import asyncio
import struct
from collections.abc import Callable

from amqp_server.stream_protocol.fields import I32, U16, U32, Fields, string, string_map, strings
from amqp_server.stream_protocol.frames import frame
from amqp_server.stream_protocol.keys import RESPONSE, Code, CommandKey
from tests.support.stream_peer import CORRELATION_ID, Answer

ANSWER_S = 60


class RawStreams:
    """One connection, opened by ``open``.

    Attributes:
        told: frames of the server that were no answer, and nobody took yet.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.told: list[Answer] = []

    @classmethod
    async def open(cls, port: int) -> "RawStreams":
        """Log in at a port of this host, and enter the vhost ``/``."""
        client = cls(*await asyncio.open_connection("127.0.0.1", port))
        await client.ask(CommandKey.PEER_PROPERTIES, string_map({}))
        await client.ask(CommandKey.SASL_HANDSHAKE)
        secret = b"\0guest\0guest"
        login = string("PLAIN") + I32.pack(len(secret)) + secret
        await client.ask(CommandKey.SASL_AUTHENTICATE, login)
        await client.take(CommandKey.TUNE)
        client.send(CommandKey.TUNE, U32.pack(1 << 20) + U32.pack(0))
        await client.ask(CommandKey.OPEN, string("/"))
        return client

    def send(self, key: int, body: bytes) -> None:
        """Send a frame."""
        self._writer.write(frame(key, body))

    async def ask(self, key: int, body: bytes = b"") -> tuple[Code, bytes]:
        """Send a request; return the code, and what is behind it."""
        self.send(key, U32.pack(CORRELATION_ID) + body)
        answer = await self.take(key | RESPONSE)
        return Code(U16.unpack_from(answer.body, 4)[0]), answer.body[6:]

    async def take(
        self, key: int, is_meant: Callable[[bytes], bool] = lambda _body: True
    ) -> Answer:
        """Wait for a frame with this key; others are kept."""
        for kept in self.told:
            if kept.key == key and is_meant(kept.body):
                self.told.remove(kept)
                return kept
        async with asyncio.timeout(ANSWER_S):
            while True:
                answer = await self._next()
                if answer.key == key and is_meant(answer.body):
                    return answer
                self.told.append(answer)

    async def leader_of(self, stream: str) -> tuple[Code, tuple[str, int] | None]:
        """Ask for metadata; return the code, and where the leader is."""
        code, leader, _ = await self.places_of(stream)
        return code, leader

    async def places_of(
        self, stream: str
    ) -> tuple[Code, tuple[str, int] | None, list[tuple[str, int]]]:
        """Ask for metadata; return the code, where the leader is, and the mirrors."""
        self.send(CommandKey.METADATA, U32.pack(CORRELATION_ID) + strings([stream]))
        body = (await self.take(CommandKey.METADATA | RESPONSE)).body[4:]
        fields = Fields(body)
        nodes = {}
        for _ in range(fields.u32()):
            number = fields.u16()
            nodes[number] = fields.string(), fields.u32()
        assert fields.u32() == 1
        assert fields.string() == stream
        code, leader = Code(fields.u16()), fields.u16()
        mirrors = [nodes[fields.u16()] for _ in range(fields.u32())]
        return code, nodes.get(leader), mirrors

    def close(self) -> None:
        """Close the socket."""
        self._writer.close()

    async def _next(self) -> Answer:
        (size,) = struct.unpack(">I", await self._reader.readexactly(4))
        octets = await self._reader.readexactly(size)
        key, version = struct.unpack_from(">HH", octets)
        return Answer(key, octets[4:], version)
