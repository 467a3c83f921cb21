"""Other brokers that misbehave: the shovel of a node harms neither its messages nor its clients."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from pamqp import commands

from amqp_server.shovels.incoming import Incoming, Received
from amqp_server.wire.methods import Method, encode_method
from tests.support.live_node import LiveNode, until
from tests.support.loops import Run

_ANSWERS: dict[type[Method], bytes] = {
    commands.Connection.StartOk: encode_method(0, commands.Connection.Tune(0, 131_072, 60)),
    commands.Connection.Open: encode_method(0, commands.Connection.OpenOk()),
    commands.Channel.Open: encode_method(1, commands.Channel.OpenOk()),
    commands.Confirm.Select: encode_method(1, commands.Confirm.SelectOk()),
}


@contextlib.asynccontextmanager
async def impostor(last_word: bytes, *, hangs_up: bool = False) -> AsyncIterator[str]:
    """Yield the URI of a broker that answers until it has confirms, and never reads again.

    Args:
        last_word: what it says then.
        hangs_up: whether it leaves after that.
    """
    is_over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        start = commands.Connection.Start(0, 9, {}, "PLAIN", "en_US")
        writer.write(encode_method(0, start))
        incoming, selected = Incoming(), False
        while not selected:
            for event in incoming.feed(await reader.read(4096)):
                assert isinstance(event, Received)
                writer.write(_ANSWERS.get(type(event.method), b""))
                selected = selected or isinstance(event.method, commands.Confirm.Select)
        writer.write(last_word)
        if not hangs_up:
            await is_over.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"amqp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        is_over.set()
        server.close()


def test_a_destination_that_never_reads_holds_up_its_source_and_nothing_else(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode() as node, impostor(b"") as uri:
            node.declare("from")
            node.declare("other")
            body = bytes(200_000)
            node.publish("from", *[body] * 300)
            node.put_shovel(
                "stuck",
                src_uri="amqp://",
                src_queue="from",
                dest_uri=uri,
                dest_queue="x",
                dest_predeclared=True,
            )
            await until(lambda: node.state("stuck") == "running")
            node.publish("other", *[b"x"] * 200)
            node.put_shovel(
                "fine", src_uri="amqp://", src_queue="other", dest_uri="amqp://", dest_queue="to"
            )
            await until(lambda: node.ready("to") == 200)
            queue = node.vhost.queues.get("from", None)
            assert queue.engine.counts().unacked_count < 200
            node.broker.clear_parameter("/", "shovel", "stuck")
            await until(lambda: node.ready("from") == 300)

    run(scene())


@pytest.mark.parametrize(
    "last_word",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"\x01\x00\x01\x7f\xff\xff\xff",
        encode_method(0, commands.Connection.Close(320, "CONNECTION_FORCED", 0, 0)),
        encode_method(1, commands.Channel.Close(404, "NOT_FOUND", 0, 0)),
        encode_method(1, commands.Basic.Return(312, "NO_ROUTE", "", "x"))
        + b"\x02\x00\x01\x00\x00\x00\x0e\x00\x3c\x00\x00"
        + bytes(10)
        + b"\xce",
        b"",
    ],
)
def test_whatever_it_says_the_messages_stay_in_their_queue(run: Run, last_word: bytes) -> None:
    async def scene() -> None:
        async with LiveNode() as node, impostor(last_word, hangs_up=True) as uri:
            node.declare("from")
            node.publish("from", *[b"x"] * 50)
            node.put_shovel(
                src_uri="amqp://",
                src_queue="from",
                dest_uri=uri,
                dest_queue="x",
                dest_predeclared=True,
                reconnect_delay=0,
            )
            await until(lambda: node.state() == "terminated")
            await until(lambda: node.ready("from") == 50)

    run(scene())


def test_confirms_of_what_was_never_published_settle_nothing(run: Run) -> None:
    words = encode_method(1, commands.Basic.Ack(2**40, multiple=False))

    async def scene() -> None:
        async with LiveNode() as node, impostor(words) as uri:
            node.declare("from")
            node.publish("from", *[b"x"] * 5)
            node.put_shovel(
                src_uri="amqp://",
                src_queue="from",
                dest_uri=uri,
                dest_queue="x",
                dest_predeclared=True,
            )
            queue = node.vhost.queues.get("from", None)
            await until(lambda: queue.engine.counts().unacked_count == 5)
            node.broker.clear_parameter("/", "shovel", "s")
            await until(lambda: node.ready("from") == 5)

    run(scene())
