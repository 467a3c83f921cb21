"""Federated queues between real sockets: messages go to where the consumers are."""

from typing import Any

from pamqp import commands

from amqp_server.broker.shovels.uris import amqp_uri
from amqp_server.broker.steps import finish
from amqp_server.shovels.connection import OutwardConnection
from amqp_server.shovels.incoming import Delivery
from amqp_server.shovels.requests import Consume
from amqp_server.wire.properties import plain_headers
from amqp_server.wire.tables import Field
from tests.support.federated import federate, put_upstream, statuses
from tests.support.live_node import LiveNode, until
from tests.support.loops import Run


async def consumer(node: LiveNode, priority: int = 0) -> tuple[OutwardConnection, list[Delivery]]:
    """Consume from ``fed.q``; return the connection and what comes."""
    client = await OutwardConnection.connect(amqp_uri(node.uri), "a consumer")
    got: list[Delivery] = []
    client.on_delivery = got.append
    arguments: Any = {"x-priority": Field("l", priority)}
    consume = Consume(queue="fed.q", no_ack=True, arguments=arguments)
    await client.call(commands.Basic.ConsumeOk, consume)
    return client, got


async def linked(up: LiveNode, down: LiveNode, **value: object) -> None:
    """Federate ``fed.q`` of one node from the other."""
    down.declare("fed.q")
    put_upstream(down, up.uri, **value)
    federate(down)
    await until(lambda: statuses(down) == ["running"])


def test_messages_come_while_a_consumer_here_wants_them(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down:
            await linked(up, down, prefetch_count=10)
            up.publish("fed.q", *[str(number).encode() for number in range(100)])
            assert (up.ready("fed.q"), down.ready("fed.q")) == (100, 0)
            client, got = await consumer(down)
            await until(lambda: len(got) == 100)
            assert [each.body for each in got] == [str(number).encode() for number in range(100)]
            await client.close()
            queue = up.vhost.queues.get("fed.q", None)
            await until(lambda: not queue.consumers)
            up.publish("fed.q", b"stays")
            assert up.ready("fed.q") == 1

    run(scene())


def test_what_is_here_goes_first_and_the_upstream_s_consumers_too(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down:
            await linked(up, down)
            below, _ = await consumer(down, -1)
            theirs, got_there = await consumer(up)
            ours, got_here = await consumer(down)
            queue = up.vhost.queues.get("fed.q", None)
            await until(lambda: len(queue.consumers) == 2)
            assert sorted(each.priority for each in queue.consumers) == [-1, 0]
            up.publish("fed.q", b"x")
            await until(lambda: len(got_there) == 1)
            down.publish("fed.q", b"y")
            await until(lambda: len(got_here) == 1)
            for client in (below, theirs, ours):
                await client.close()

    run(scene())


def test_the_headers_say_where_a_message_was(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down:
            await linked(up, down)
            up.publish("fed.q", b"x")
            client, got = await consumer(down)
            await until(lambda: len(got) == 1)
            headers = plain_headers(got[0].header)
            assert headers is not None
            assert (headers["x-original-exchange"], headers["x-original-routing-key"]) == (
                "",
                "fed.q",
            )
            await client.close()

    run(scene())


def test_a_queue_that_goes_loses_nothing(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down:
            await linked(up, down)
            up.publish("fed.q", b"x")
            gone = down.vhost.queues.deleting("fed.q", None, 0, if_unused=False, if_empty=False)
            finish(gone)
            await until(lambda: statuses(down) == [])
            assert up.ready("fed.q") == 1

    run(scene())
