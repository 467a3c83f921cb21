"""Upstreams that misbehave: neither the node nor its other links are harmed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from tests.support.federated import declare_exchange, federate, put_upstream, statuses
from tests.support.live_node import LiveNode, until
from tests.support.loops import Run

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def impostor(talk: Talk) -> AsyncIterator[str]:
    """Yield the URI of something that is no broker."""
    is_over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await talk(reader, writer)
            await is_over.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"amqp://guest:sesame@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        is_over.set()
        server.close()


async def talks_nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)
    await writer.drain()


async def announces_a_giant_frame(
    _reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(b"\x01\0\0\xff\xff\xff\xff" + bytes(64))
    await writer.drain()


async def says_nothing(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Accept, and neither read nor write."""


async def sends_without_end(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"\x08\0\0\0\0\0\0\xce" * 1_000)
        await writer.drain()


def test_what_is_no_broker_is_an_error_of_its_link_only(run: Run) -> None:
    async def scene(talk: Talk) -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down, impostor(talk) as uri:
            declare_exchange(down)
            put_upstream(down, uri, reconnect_delay=1000)
            federate(down)
            await until(lambda: statuses(down) == ["error"])
            (held,) = down.broker.federation.all()
            assert "sesame" not in held.error + held.uri
            put_upstream(down, up.uri)
            await until(lambda: statuses(down) == ["running"])

    run(scene(talks_nonsense))
    run(scene(announces_a_giant_frame))


def test_one_that_says_nothing_or_never_ends_holds_up_nobody(run: Run) -> None:
    async def scene(talk: Talk) -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down, impostor(talk) as uri:
            for name in ("fed.1", "fed.2"):
                declare_exchange(down, name)
            put_upstream(down, uri)
            federate(down)
            await until(lambda: len(statuses(down)) == 2)
            await until(lambda: down.broker.count_connections() == 0)
            put_upstream(down, up.uri)
            await until(lambda: statuses(down) == ["running", "running"])

    run(scene(says_nothing))
    run(scene(sends_without_end))
