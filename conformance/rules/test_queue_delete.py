"""queue.delete and queue.purge (§1.3, §2.3)."""

from typing import Any

from pamqp import commands

from conformance.check import Case, Close, cases, check
from conformance.peer import Peer

Delete = commands.Queue.Delete
Purge = commands.Queue.Purge
QUORUM = {"x-queue-type": "quorum"}


@check("queue.delete.missing", ref="1.3-queue", expect=0)
def deleting_a_missing_queue_is_ok(peer: Peer) -> None:
    assert peer.channel().call(Delete, queue=peer.name()).message_count == peer.expected


@check("queue.delete.count", ref="1.3-queue", expect=3)
def delete_ok_counts_the_ready_messages(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    for _ in range(4):
        channel.publish(b"m", routing_key=queue)
    channel.get(queue, no_ack=False)
    assert channel.call(Delete, queue=queue).message_count == peer.expected


@check(
    "queue.delete.if-unused",
    ref="1.3-queue-delete",
    expect=Close(406, "queue '{queue}' in vhost '/' in use", "channel"),
)
def a_queue_with_consumers_is_in_use(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.consume(queue)
    peer.expect_close(channel, Delete, fill={"queue": queue}, queue=queue, if_unused=True)


@check(
    "queue.delete.if-empty",
    ref="1.3-queue-delete",
    expect=Close(406, "queue '{queue}' in vhost '/' not empty", "channel"),
)
def a_queue_with_messages_is_not_empty(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.publish(b"m", routing_key=queue)
    peer.expect_close(channel, Delete, fill={"queue": queue}, queue=queue, if_empty=True)


@check(
    "queue.delete.if-empty-before-if-unused",
    ref="1.3-queue-delete",
    expect=Close(406, "queue '{queue}' in vhost '/' not empty", "channel"),
)
def emptiness_is_looked_at_before_use(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(commands.Basic.Qos, prefetch_count=1)
    channel.consume(queue)
    for _ in range(3):
        channel.publish(b"m", routing_key=queue)
    channel.settle(queue)
    fill: dict[str, object] = {"queue": queue}
    peer.expect_close(channel, Delete, fill=fill, queue=queue, if_unused=True, if_empty=True)


@check("queue.delete.if-unused-if-empty-ok", ref="1.3-queue-delete")
def an_unused_empty_queue_is_deleted(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(Delete, queue=queue, if_unused=True, if_empty=True)
    channel.send(commands.Queue.Declare, queue=queue, passive=True)
    assert channel.connection.await_close(1).code == 404


@check("queue.delete.nowait", ref="1.3-nowait")
def a_delete_with_nowait_is_not_answered(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.send(Delete, queue=queue, nowait=True)
    channel.sync()
    assert not channel.connection.pending(1)
    channel.send(commands.Queue.Declare, queue=queue, passive=True)
    assert channel.connection.await_close(1).code == 404


@check("queue.delete.takes-bindings", ref="1.3-queue")
def the_bindings_of_a_deleted_queue_are_gone(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel)
    queue = peer.bound_queue(channel, exchange, "k")
    channel.call(Delete, queue=queue)
    channel.declare(queue)
    channel.publish(b"m", exchange=exchange, routing_key="k")
    channel.await_count(queue, 0)


@check("queue.delete.with-unacked", ref="1.3-queue")
def acknowledging_a_message_of_a_deleted_queue_is_ok(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.publish(b"m", routing_key=queue)
    event = channel.get_one(queue, no_ack=False)
    channel.call(Delete, queue=queue)
    channel.ack(event.tag)
    channel.sync()


REFUSED_FLAGS: dict[str, Case[dict[str, Any]]] = {
    f"if-{flag}": Case(
        {f"if_{flag}": True},
        Close(
            540,
            "cannot delete queue '{queue}' in vhost '/'. queue.delete operations with "
            f"if-{flag} flag set are not supported by quorum queues",
            "connection",
        ),
    )
    for flag in ("unused", "empty")
}


@cases("queue.quorum.delete-", REFUSED_FLAGS, ref="2.3-quorum-delete", ninth=1)
def a_quorum_queue_refuses_conditional_deletes(peer: Peer, flags: dict[str, Any]) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, durable=True, arguments=QUORUM)
    peer.expect_close(channel, Delete, fill={"queue": queue}, queue=queue, **flags)


@check("queue.purge", ref="1.3-queue", expect=(3, 0))
def purge_counts_and_drops_the_ready_messages(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    for _ in range(3):
        channel.publish(b"m", routing_key=queue)
    purged = channel.call(Purge, queue=queue).message_count
    assert (purged, channel.settle(queue).message_count) == peer.expected


@check("queue.purge.keeps-unacked", ref="1.3-queue")
def purge_leaves_what_is_not_acknowledged(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    for body in (b"1", b"2"):
        channel.publish(body, routing_key=queue)
    event = channel.get_one(queue, no_ack=False)
    assert channel.call(Purge, queue=queue).message_count == 1
    channel.nack(event.tag)
    assert channel.get_soon(queue).body == b"1"


@check(
    "queue.purge.missing",
    ref="1.3-queue",
    expect=Close(404, "no queue '{queue}' in vhost '/'", "channel"),
)
def a_missing_queue_cannot_be_purged(peer: Peer) -> None:
    queue = peer.name()
    peer.expect_close(peer.channel(), Purge, fill={"queue": queue}, queue=queue)


@check("queue.purge.nowait", ref="1.3-nowait")
def a_purge_with_nowait_is_not_answered(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.publish(b"m", routing_key=queue)
    channel.send(Purge, queue=queue, nowait=True)
    channel.await_count(queue, 0)
    assert not channel.connection.pending(1)


@check("queue.delete.then-declare", ref="1.3-queue")
def a_name_may_be_declared_anew_at_once(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-max-length": 1})
    channel.publish(b"old", routing_key=queue)
    channel.call(Delete, queue=queue)
    assert channel.declare(queue, auto_delete=True).message_count == 0
