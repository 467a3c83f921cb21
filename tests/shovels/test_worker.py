"""A shovel at work, between real sockets: what it moves, acks, gives back and declares."""

import asyncio

import pytest

from amqp_server.broker.alarms import Resource
from amqp_server.broker.arguments.declare import QueueProperties
from amqp_server.shovels import worker
from amqp_server.wire.tables import Field
from exchanges.bindings import Destination, DestinationKind
from tests.support.live_node import LiveNode, until
from tests.support.loops import Run
from tests.support.vhosts import message, plain_headers


@pytest.mark.parametrize("mode", ["on-confirm", "on-publish", "no-ack"])
def test_all_messages_move_in_their_order(run: Run, mode: str) -> None:
    async def scene() -> None:
        async with LiveNode() as node, LiveNode() as other:
            node.declare("from")
            bodies = [str(number).encode() for number in range(500)]
            node.publish("from", *bodies)
            node.put_shovel(
                src_uri=node.uri,
                src_queue="from",
                dest_uri=other.uri,
                dest_queue="to",
                ack_mode=mode,
                src_prefetch_count=20,
            )
            await until(lambda: other.ready("to") == 500)
            assert other.bodies("to") == bodies
            queue = node.vhost.queues.get("from", None)
            await until(lambda: not queue.engine.counts().unacked_count)
            assert (node.ready("from"), node.state()) == (0, "running")

    run(scene())


def test_within_one_node_no_user_and_no_port_is_needed(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode() as node:
            node.declare("from")
            node.publish("from", b"x" * 300_000, headers={"h": 1})
            node.put_shovel(
                src_uri="amqp://",
                src_queue="from",
                dest_uri="amqp:///%2F",
                dest_queue="to",
                dest_add_forward_headers=True,
            )
            await until(lambda: node.ready("to") == 1)
            queue = node.vhost.queues.get("to", None)
            got = queue.engine.get(0, no_ack=True)
            assert got is not None
            record = got[0].records[0]
            headers = plain_headers(record)
            assert (len(record.body), headers["h"]) == (300_000, 1)
            notes = headers["x-shovelled"]
            assert isinstance(notes, list)
            assert (notes[0]["shovel-name"], notes[0]["src-uri"]) == ("s", "amqp://")
            assert [user.name for user in node.broker.users.list()] == ["guest"]

    run(scene())


def test_an_exchange_is_read_by_a_queue_of_our_own_and_written_with_a_key(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode() as node:
            node.declare("to")
            node.vhost.bind("amq.direct", Destination(DestinationKind.QUEUE, "to"), "key", {})
            node.put_shovel(
                src_uri=node.uri,
                src_exchange="amq.topic",
                src_exchange_key="a.#",
                dest_uri=node.uri,
                dest_exchange="amq.direct",
                dest_exchange_key="key",
            )
            await until(lambda: node.state() == "running")
            run = (message(b"one", "amq.topic", "a.b"),)
            node.vhost.publisher.publish("amq.topic", run, 0)
            node.reactor.request_turn()
            await until(lambda: node.ready("to") == 1)
            assert node.bodies("to") == [b"one"]

    run(scene())


def test_it_deletes_itself_when_as_many_as_were_there_are_moved(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode() as node:
            node.declare("from")
            node.publish("from", *[b"x"] * 5)
            node.put_shovel(
                src_uri=node.uri,
                src_queue="from",
                dest_uri=node.uri,
                dest_queue="to",
                src_delete_after="queue-length",
            )
            await until(lambda: ("/", "shovel", "s") not in node.broker.parameters)
            await until(lambda: not node.state())
            assert node.ready("to") == 5

    run(scene())


def test_no_more_move_than_were_asked_for(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode() as node:
            node.declare("from")
            node.publish("from", *[b"x"] * 50)
            node.put_shovel(
                src_uri=node.uri,
                src_queue="from",
                dest_uri=node.uri,
                dest_queue="to",
                src_delete_after=7,
            )
            await until(lambda: ("/", "shovel", "s") not in node.broker.parameters)
            await until(lambda: node.ready("from") == 43)
            assert node.ready("to") == 7

    run(scene())


def test_what_the_destination_refuses_goes_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "REFUSAL_PAUSE_S", 0)

    async def scene() -> None:
        async with LiveNode() as node:
            node.declare("from")
            full = {"x-max-length": Field("I", 1), "x-overflow": Field("S", b"reject-publish")}
            properties = QueueProperties(True, False, False, full)
            node.vhost.queues.declare("to", properties, None, 0)
            node.publish("from", b"one", b"two")
            node.put_shovel(src_uri=node.uri, src_queue="from", dest_uri=node.uri, dest_queue="to")
            await until(lambda: node.ready("to") == 1)
            assert node.bodies("to") == [b"one"]
            await until(lambda: node.ready("to") == 1)
            assert node.bodies("to") == [b"two"]

    run(scene())


def test_a_destination_queue_that_goes_takes_no_message_with_it(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode() as node:
            node.declare("from")
            node.put_shovel(
                src_uri=node.uri,
                src_queue="from",
                dest_uri=node.uri,
                dest_queue="to",
                reconnect_delay=0.01,
            )
            await until(lambda: node.state() == "running")
            queue = node.vhost.queues.get("to", None)
            node.vhost.queues.remove(queue)
            node.publish("from", b"one")
            await until(lambda: node.ready("to") == 1)
            assert node.bodies("to") == [b"one"]

    run(scene())


def test_what_cannot_be_reached_is_tried_again(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode() as node:
            node.declare("from")
            node.publish("from", b"one")
            node.put_shovel(
                src_uri=node.uri,
                src_queue="from",
                dest_uri="amqp://127.0.0.1:1",
                dest_queue="to",
                reconnect_delay=0.01,
            )
            await until(lambda: node.state() == "terminated")
            held = node.broker.shovels.get("/", "s")
            assert held is not None
            assert held.reason
            node.put_shovel(
                src_uri=["amqp://127.0.0.1:1", node.uri],
                src_queue="from",
                dest_uri=node.uri,
                dest_queue="to",
            )
            await until(lambda: node.ready("to") == 1)

    run(scene())


def test_a_destination_with_an_alarm_blocks_it(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode() as node, LiveNode() as other:
            node.declare("from")
            node.put_shovel(src_uri=node.uri, src_queue="from", dest_uri=other.uri, dest_queue="to")
            await until(lambda: node.state() == "running")
            other.broker.alarms.set(Resource.MEMORY, is_low=True, now_ms=0)
            node.publish("from", b"one")
            await until(lambda: node.state() == "blocked")
            other.broker.alarms.set(Resource.MEMORY, is_low=False, now_ms=0)
            other.reactor.request_turn()
            await until(lambda: other.ready("to") == 1)
            await until(lambda: node.state() == "running")

    run(scene())


def test_a_shovel_that_goes_leaves_what_it_has_not_moved(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode() as node, LiveNode() as other:
            node.declare("from")
            node.put_shovel(src_uri=node.uri, src_queue="from", dest_uri=other.uri, dest_queue="to")
            await until(lambda: node.state() == "running")
            node.broker.clear_parameter("/", "shovel", "s")
            await until(lambda: not node.state())
            await until(lambda: not any(True for _ in other.broker.connections()))
            node.publish("from", b"stays")
            await asyncio.sleep(0)
            assert node.ready("from") == 1

    run(scene())


def test_names_may_have_spaces_and_other_letters(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode() as node:
            node.declare("the länd")
            node.publish("the länd", b"x")
            node.put_shovel(
                src_uri=node.uri, src_queue="the länd", dest_uri=node.uri, dest_queue="to there"
            )
            await until(lambda: node.ready("to there") == 1)

    run(scene())
