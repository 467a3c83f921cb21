"""The connection of shovels, against the broker itself."""

import asyncio

import pytest
from pamqp import commands

from amqp_server.broker.shovels.uris import amqp_uri
from amqp_server.shovels.connection import OutwardConnection
from amqp_server.shovels.errors import ChannelClosedError, RemoteError
from tests.support.live_node import LiveNode, until
from tests.support.loops import Run


def test_it_logs_in_asks_and_leaves(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(has_shovels=False) as node:
            node.declare("jobs")
            client = await OutwardConnection.connect(amqp_uri(f"{node.uri}?heartbeat=5"), "me")
            assert [one.username for one in node.broker.connections()] == ["guest"]
            assert await client.is_there("jobs") == 0
            assert await client.is_there("nowhere") is None
            assert await client.is_there("jobs") == 0
            await client.close()
            await until(lambda: not list(node.broker.connections()))

    run(scene())


def test_a_wrong_password_says_so(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(has_shovels=False) as node:
            uri = amqp_uri(node.uri)._replace(password="wrong")
            with pytest.raises((RemoteError, OSError)):
                await OutwardConnection.connect(uri, "me")

    run(scene())


def test_a_channel_that_is_closed_ends_the_call(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(has_shovels=False) as node:
            client = await OutwardConnection.connect(amqp_uri(node.uri), "me")
            bind = commands.Queue.Bind(queue="nowhere", exchange="amq.topic", arguments={})
            with pytest.raises(ChannelClosedError, match="404"):
                await client.call(commands.Queue.BindOk, bind)
            await client.close()

    run(scene())


def test_a_message_goes_round_octet_for_octet(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(has_shovels=False) as node:
            node.declare("jobs")
            client = await OutwardConnection.connect(amqp_uri(node.uri), "me")
            got = asyncio.get_running_loop().create_future()
            client.on_delivery = got.set_result
            node.publish("jobs", b"x" * 200_000, headers={"a": 1}, priority=2)
            consume = commands.Basic.Consume(queue="jobs", arguments={})
            await client.call(commands.Basic.ConsumeOk, consume)
            first = await got
            assert (first.routing_key, len(first.body)) == ("jobs", 200_000)
            again = asyncio.get_running_loop().create_future()
            client.on_delivery = again.set_result
            client.publish("", "jobs", first.header, first.body, mandatory=False)
            second = await again
            assert second[1:] == first[1:]
            await client.close()

    run(scene())


def test_a_broker_that_is_no_broker_is_given_up(run: Run) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def scene() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises((RemoteError, OSError)):
            await OutwardConnection.connect(amqp_uri(f"amqp://127.0.0.1:{port}"), "me")
        server.close()

    run(scene())
