"""Publisher confirms and transactions (§1.3, §1.5)."""

from typing import Any

from pamqp import base, commands

from conformance.check import Case, Close, cases, check
from conformance.client import Channel
from conformance.peer import Peer

Select = commands.Confirm.Select
TxSelect = commands.Tx.Select
Basic = commands.Basic


def _settled(channel: Channel, count: int) -> list[tuple[type[base.Frame], int]]:
    """Await the acks or nacks of this number of messages; one answer may cover several."""
    answers: list[tuple[type[base.Frame], int]] = []
    answered = 0
    while answered < count:
        event = channel.connection.expect_event(1, Basic.Ack, Basic.Nack)
        last = event.tag
        step = last - answered if event.method["multiple"] else 1
        answers.append((type(event.method), last))
        answered += step
    return answers


@check("confirm.select", ref="1.3-confirm")
def selecting_twice_is_ok(peer: Peer) -> None:
    channel = peer.confirming()
    channel.call(Select)


@check("confirm.select.nowait", ref="1.3-nowait")
def a_select_with_nowait_is_not_answered(peer: Peer) -> None:
    channel = peer.channel()
    channel.send(Select, nowait=True)
    channel.sync()
    assert not channel.connection.pending(1)
    assert isinstance(channel.publish_confirmed(b"m", routing_key=peer.name()), Basic.Ack)


@check("confirm.sequence", ref="1.3-confirm", expect=1)
def the_sequence_starts_with_the_first_publish_after_select(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    for _ in range(3):
        channel.publish(b"before", routing_key=queue)
    channel.call(Select)
    ack = channel.publish_confirmed(b"after", routing_key=queue)
    assert ack["delivery_tag"] == peer.expected


@check("confirm.every", ref="1.3-confirm")
def every_publish_is_confirmed_once_alone_or_coalesced(peer: Peer) -> None:
    channel = peer.confirming()
    queue = peer.queue(channel, durable=True)
    for _ in range(300):
        channel.publish(b"m", routing_key=queue, delivery_mode=2)
    open_tags = set(range(1, 301))
    while open_tags:
        event = channel.connection.expect_event(1, Basic.Ack, Basic.Nack)
        assert isinstance(event.method, Basic.Ack), "nothing here may be refused"
        covered = {tag for tag in open_tags if tag <= event.tag}
        acked = covered if event.method["multiple"] else {event.tag}
        assert acked <= open_tags, f"{event.tag} was confirmed twice"
        open_tags -= acked
    channel.settle(queue)
    assert not channel.connection.pending(1), "more was confirmed than published"


@check("confirm.unroutable", ref="1.3-return-vs-confirm", ninth=4)
def an_unroutable_message_is_acked(peer: Peer) -> None:
    channel = peer.confirming()
    ack = channel.publish_confirmed(b"m", exchange="amq.direct", routing_key=peer.name())
    assert isinstance(ack, Basic.Ack)


@check("confirm.queue-deleted", ref="1.5-confirms", ninth=4)
def a_message_to_a_queue_that_is_deleted_meanwhile_is_acked(peer: Peer) -> None:
    channel = peer.confirming()
    queue = peer.queue(channel, durable=True)
    for _ in range(20):
        channel.publish(b"m", routing_key=queue, delivery_mode=2)
    channel.call(commands.Queue.Delete, queue=queue)
    kinds = {kind for kind, _ in _settled(channel, 20)}
    assert kinds == {Basic.Ack}


@check("confirm.rejected", ref="2.4-reject-publish", ninth=27, expect=[Basic.Ack, Basic.Nack])
def a_queue_that_rejects_nacks(peer: Peer) -> None:
    channel = peer.confirming()
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
    queue = peer.queue(channel, arguments=arguments)
    kinds = [type(channel.publish_confirmed(b"m", routing_key=queue)) for _ in range(2)]
    assert kinds == peer.expected
    channel.await_count(queue, 1)


@check("confirm.one-of-many-rejects", ref="1.5-confirms", ninth=5)
def one_queue_of_many_that_rejects_makes_a_nack(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = peer.exchange(channel, "fanout")
    full = {"x-max-length": 0, "x-overflow": "reject-publish"}
    queues = [peer.bound_queue(channel, exchange) for _ in range(2)]
    peer.bound_queue(channel, exchange, hint="full")
    limited = peer.queue(channel, arguments=full)
    channel.call(commands.Queue.Bind, queue=limited, exchange=exchange)
    assert isinstance(channel.publish_confirmed(b"m", exchange=exchange), Basic.Nack)
    for queue in queues:
        channel.await_count(queue, 1)


@check("confirm.quorum", ref="1.5-confirms", ninth=5)
def a_quorum_queue_confirms(peer: Peer) -> None:
    channel = peer.confirming()
    queue = peer.queue(channel, durable=True, arguments={"x-queue-type": "quorum"})
    for _ in range(20):
        channel.publish(b"m", routing_key=queue, delivery_mode=2)
    assert {kind for kind, _ in _settled(channel, 20)} == {Basic.Ack}


@check("confirm.error-closes", ref="1.3-confirm")
def a_channel_error_while_confirming_closes_the_channel_alone(peer: Peer) -> None:
    channel = peer.confirming()
    channel.publish(b"m", exchange=peer.name())
    assert channel.connection.await_close(1).code == 404
    channel.connection.channel(1).sync()


CROSSED: dict[str, Case[tuple[type[base.Frame], type[base.Frame]]]] = {
    "confirm-then-tx": Case(
        (Select, TxSelect), Close(406, "cannot switch from confirm to tx mode", "channel")
    ),
    "tx-then-confirm": Case(
        (TxSelect, Select), Close(406, "cannot switch from tx to confirm mode", "channel")
    ),
}


@cases("tx.", CROSSED, ref="1.3-tx", ninth=28)
def the_two_modes_exclude_each_other(
    peer: Peer, kinds: tuple[type[base.Frame], type[base.Frame]]
) -> None:
    channel = peer.channel()
    channel.call(kinds[0])
    peer.expect_close(channel, kinds[1])


NOT_SELECTED: dict[str, Case[type[base.Frame]]] = {
    key: Case(kind, Close(406, "channel is not transactional", "channel"))
    for key, kind in {"commit": commands.Tx.Commit, "rollback": commands.Tx.Rollback}.items()
}


@cases("tx.not-selected-", NOT_SELECTED, ref="1.3-tx", ninth=28)
def without_select_there_is_no_transaction(peer: Peer, kind: type[base.Frame]) -> None:
    peer.expect_close(peer.channel(), kind)


def _transactional(peer: Peer) -> tuple[Channel, str]:
    channel = peer.channel()
    channel.call(TxSelect)
    return channel, peer.queue(channel)


@check("tx.select.twice", ref="1.3-tx")
def selecting_a_transaction_twice_is_ok(peer: Peer) -> None:
    channel, _ = _transactional(peer)
    channel.call(TxSelect)


@check("tx.commit.publishes", ref="1.3-tx", ninth=28, expect=(0, 2))
def publishes_wait_for_the_commit(peer: Peer) -> None:
    channel, queue = _transactional(peer)
    for _ in range(2):
        channel.publish(b"m", routing_key=queue)
    before, after = peer.expected
    channel.await_count(queue, before)
    channel.call(commands.Tx.Commit)
    channel.await_count(queue, after)


@check("tx.rollback.publishes", ref="1.3-tx", ninth=28)
def a_rollback_forgets_publishes(peer: Peer) -> None:
    channel, queue = _transactional(peer)
    channel.publish(b"1", routing_key=queue)
    channel.call(commands.Tx.Rollback)
    channel.publish(b"2", routing_key=queue)
    channel.call(commands.Tx.Commit)
    assert [event.body for event in channel.drain(queue)] == [b"2"]


@check("tx.close.publishes", ref="1.3-tx", ninth=28)
def a_channel_that_closes_rolls_back(peer: Peer) -> None:
    channel, queue = _transactional(peer)
    channel.publish(b"m", routing_key=queue)
    channel.call(commands.Channel.Close, reply_code=200)
    channel.connection.channel(1).await_count(queue, 0)


def _unacked(peer: Peer) -> tuple[Channel, str]:
    channel, queue = _transactional(peer)
    publisher = channel.connection.channel(2)
    for body in (b"1", b"2"):
        publisher.publish(body, routing_key=queue)
    publisher.settle(queue)
    for _ in range(2):
        assert channel.get(queue, no_ack=False) is not None
    return channel, queue


@check("tx.commit.acks", ref="1.3-tx", ninth=28)
def committed_acks_take_the_messages(peer: Peer) -> None:
    channel, queue = _unacked(peer)
    channel.ack(0, multiple=True)
    channel.call(commands.Tx.Commit)
    channel.call(commands.Channel.Close, reply_code=200)
    channel.connection.channel(1).await_count(queue, 0)


@check("tx.uncommitted-acks", ref="1.3-tx", ninth=28)
def acks_that_are_not_committed_are_none(peer: Peer) -> None:
    channel, queue = _unacked(peer)
    channel.ack(0, multiple=True)
    channel.call(commands.Channel.Close, reply_code=200)
    again = channel.connection.channel(1)
    assert [again.get_soon(queue).body for _ in range(2)] == [b"1", b"2"]


@check("tx.rollback.acks", ref="1.3-tx", ninth=28)
def a_rollback_keeps_messages_unacked_and_their_tags_valid(peer: Peer) -> None:
    channel, queue = _unacked(peer)
    channel.ack(1)
    channel.call(commands.Tx.Rollback)
    channel.await_count(queue, 0)
    channel.ack(1)
    channel.ack(2)
    channel.call(commands.Tx.Commit)
    channel.call(commands.Channel.Close, reply_code=200)
    channel.connection.channel(1).await_count(queue, 0)


@check("tx.requeue", ref="1.3-tx", ninth=28)
def a_nack_waits_for_the_commit(peer: Peer) -> None:
    channel, queue = _unacked(peer)
    channel.nack(0, multiple=True)
    channel.await_count(queue, 0)
    channel.call(commands.Tx.Commit)
    channel.await_count(queue, 2)


@check("tx.mandatory", ref="1.3-tx", ninth=28)
def what_cannot_be_routed_comes_back_at_the_commit(peer: Peer) -> None:
    channel, _ = _transactional(peer)
    channel.publish(b"m", routing_key=peer.name(), mandatory=True)
    channel.sync()
    returned_early = channel.arrived(Basic.Return)
    channel.call(commands.Tx.Commit)
    assert not returned_early, "the publish was routed before the commit"
    assert channel.connection.expect_event(1, Basic.Return).body == b"m"


@check(
    "tx.publish-error",
    ref="1.3-tx",
    ninth=28,
    expect=Close(404, "no exchange '{name}' in vhost '/'", "channel", (60, 40)),
)
def a_missing_exchange_is_found_at_the_publish(peer: Peer) -> None:
    channel, _ = _transactional(peer)
    name = peer.name()
    channel.publish(b"m", exchange=name)
    peer.expect_close(channel, fill={"name": name})


@check(
    "tx.rejected",
    ref="1.3-tx",
    ninth=28,
    expect=Close(406, "partial tx completion", "channel"),
)
def a_rejected_publish_breaks_the_commit(peer: Peer) -> None:
    channel, _ = _transactional(peer)
    arguments: dict[str, Any] = {"x-max-length": 0, "x-overflow": "reject-publish"}
    queue = peer.queue(channel, arguments=arguments)
    channel.publish(b"m", routing_key=queue)
    peer.expect_close(channel, commands.Tx.Commit)
