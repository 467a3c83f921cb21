"""Temporary queues: exclusive ones, of one connection, and auto-delete ones (§2.1)."""

from typing import Any

from pamqp import base, commands

from conformance.check import Case, Close, cases, check
from conformance.client import Channel
from conformance.peer import Peer, bind

Declare = commands.Queue.Declare
LOCKED = (
    "cannot obtain exclusive access to locked queue '{queue}' in vhost '/'. It could be originally "
    "declared on another connection or the exclusive property value does not match that of the "
    "original declaration."
)


ON_LOCKED: dict[str, tuple[type[base.Frame], dict[str, Any]]] = {
    "declare": (Declare, {}),
    "declare-exclusive": (Declare, {"exclusive": True}),
    "declare-passive": (Declare, {"passive": True}),
    "consume": (commands.Basic.Consume, {}),
    "get": (commands.Basic.Get, {}),
    "bind": (commands.Queue.Bind, {"exchange": "amq.direct"}),
    "unbind": (
        commands.Queue.Unbind,
        {"exchange": "amq.direct", "routing_key": "conformance-locked"},
    ),
    "purge": (commands.Queue.Purge, {}),
    "delete": (commands.Queue.Delete, {}),
}


@cases(
    "queue.exclusive.locked-for-",
    {key: Case(given, Close(405, LOCKED, "channel")) for key, given in ON_LOCKED.items()},
    ref="2.1-exclusive",
    ninth=14,
)
def an_exclusive_queue_is_locked_for_other_connections(
    peer: Peer, given: tuple[type[base.Frame], dict[str, Any]]
) -> None:
    kind, fields = given
    owner = peer.channel()
    queue = peer.queue(owner, exclusive=True)
    bind(owner, queue, "amq.direct", "conformance-locked")
    peer.expect_close(peer.channel(), kind, fill={"queue": queue}, queue=queue, **fields)


@check("queue.exclusive.unbind-unbound", ref="2.1-exclusive", expect="unbind-ok")
def unbinding_what_is_not_bound_is_ok_whoever_owns_the_queue(peer: Peer) -> None:
    queue = peer.queue(peer.channel(), exclusive=True)
    given = {"queue": queue, "exchange": "amq.direct", "routing_key": "conformance-unbound"}
    peer.channel().call(commands.Queue.Unbind, **given)


@check("queue.exclusive.durable-ignored", ref="2.1-exclusive")
def durable_is_ignored_on_an_exclusive_queue_when_compared(peer: Peer) -> None:
    channel = peer.channel()
    for first in (False, True):
        queue = peer.queue(channel, exclusive=True, durable=first)
        channel.declare(queue, exclusive=True, durable=not first)


@check(
    "queue.exclusive.durable-redeclared-shared",
    ref="2.1-exclusive",
    expect=Close(405, LOCKED, "channel"),
)
def an_exclusive_queue_is_locked_and_not_inequivalent_for_being_durable(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, exclusive=True, durable=True)
    peer.expect_close(channel, Declare, fill={"queue": queue}, queue=queue, durable=True)


@check(
    "queue.exclusive.redeclared-shared",
    ref="2.1-exclusive",
    ninth=14,
    expect=Close(405, LOCKED, "channel"),
)
def an_exclusive_queue_may_not_be_redeclared_as_shared_by_its_owner(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, exclusive=True)
    peer.expect_close(channel, Declare, fill={"queue": queue}, queue=queue)


@check(
    "queue.exclusive.shared-redeclared",
    ref="2.1-exclusive",
    ninth=14,
    expect=Close(405, LOCKED, "channel"),
)
def a_shared_queue_may_not_be_redeclared_as_exclusive(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    peer.expect_close(channel, Declare, fill={"queue": queue}, queue=queue, exclusive=True)


@check("queue.exclusive.publish", ref="2.1-exclusive", ninth=14)
def anyone_may_publish_to_an_exclusive_queue(peer: Peer) -> None:
    owner = peer.channel()
    queue = peer.queue(owner, exclusive=True)
    peer.confirming().publish_confirmed(b"m", routing_key=queue)
    assert owner.get(queue) is not None


@check("queue.exclusive.other-channel", ref="2.1-exclusive", ninth=14)
def every_channel_of_the_owner_may_use_an_exclusive_queue(peer: Peer) -> None:
    connection = peer.connection()
    queue = peer.queue(connection.channel(1), exclusive=True)
    connection.channel(2).consume(queue)


def _await_gone(channel: Channel, queue: str) -> None:
    """Redeclare until the queue is not locked: it ends some time after its connection."""
    for _ in range(200):
        channel.send(Declare, queue=queue, passive=True)
        closed = channel.connection.await_close(channel.number)
        if closed.code == 404:
            channel.call(commands.Channel.Open)
            return
        assert closed.code == 405, closed
        channel.call(commands.Channel.Open)
    raise AssertionError("the exclusive queue outlived its connection")


@check("queue.exclusive.gone-with-connection", ref="2.1-exclusive", ninth=14)
def an_exclusive_queue_goes_with_its_connection(peer: Peer) -> None:
    owner = peer.channel()
    queue = peer.queue(owner, exclusive=True)
    owner.connection.close()
    _await_gone(peer.channel(), queue)


@check("queue.auto-delete", ref="2.1-auto-delete-queue", ninth=15)
def an_auto_delete_queue_goes_with_its_last_consumer(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, auto_delete=True)
    tags = [channel.consume(queue) for _ in range(2)]
    channel.call(commands.Basic.Cancel, consumer_tag=tags[0])
    channel.declare(queue, passive=True)
    channel.call(commands.Basic.Cancel, consumer_tag=tags[1])
    _await_gone(channel, queue)


@check("queue.auto-delete.by-channel", ref="2.1-auto-delete-queue", ninth=15)
def an_auto_delete_queue_goes_when_its_consumers_channel_closes(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, auto_delete=True)
    consumer = channel.connection.channel(2)
    consumer.consume(queue)
    consumer.call(commands.Channel.Close, reply_code=200)
    _await_gone(channel, queue)


@check("queue.auto-delete.never-consumed", ref="2.1-auto-delete-queue", ninth=15)
def an_auto_delete_queue_stays_before_its_first_consumer(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, auto_delete=True)
    channel.publish(b"m", routing_key=queue)
    assert channel.get(queue) is not None
    channel.connection.close()
    peer.channel().declare(queue, passive=True)
