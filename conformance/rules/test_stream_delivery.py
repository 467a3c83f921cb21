"""Deliveries and settlements of a stream, and its end (§2.7)."""

from typing import Any

from pamqp import commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.client import Channel
from conformance.events import Event
from conformance.peer import Peer, bind
from conformance.streams import declared, filled, nothing_more, reading


@check("stream.deliver.header", ref="2.7-delivery")
def each_delivery_has_its_offset_as_a_signed_long(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 3)
    for number, event in enumerate(reading(peer, queue).deliveries(3)):
        offset = event.headers["x-stream-offset"]
        assert (offset.tag, offset.value) == ("l", number)
        assert not event.redelivered


@check("stream.deliver.exchange-and-key", ref="2.7-delivery")
def exchange_and_key_are_those_of_the_publish(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel, "topic")
    queue = declared(peer, channel)
    bind(channel, queue, exchange, "meter.#")
    channel.publish(b"m", exchange=exchange, routing_key="meter.7.heat")
    (event,) = reading(peer, queue).deliveries(1)
    assert event.method["exchange"] == exchange
    assert event.method["routing_key"] == "meter.7.heat"


@check("stream.deliver.again", ref="2.7-delivery")
def each_reader_gets_all_and_nothing_is_taken_out(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 3)
    for _ in range(2):
        reader = reading(peer, queue)
        events = reader.deliveries(3)
        assert [event.body for event in events] == [b"0", b"1", b"2"]
        assert not any(event.redelivered for event in events)
        reader.ack(events[-1].tag, multiple=True)
        reader.sync()


@check("stream.deliver.prefetch", ref="2.7-delivery", expect=2)
def a_prefetch_is_exact(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 5)
    reader = reading(peer, queue, prefetch_count=2)
    reader.deliveries(2)
    nothing_more(reader)


def _ack(channel: Channel, event: Event) -> None:
    channel.ack(event.tag)


def _nack(channel: Channel, event: Event) -> None:
    channel.nack(event.tag, requeue=False)


def _nack_to_requeue(channel: Channel, event: Event) -> None:
    channel.nack(event.tag, requeue=True)


def _reject(channel: Channel, event: Event) -> None:
    channel.reject(event.tag, requeue=False)


def _reject_to_requeue(channel: Channel, event: Event) -> None:
    channel.reject(event.tag, requeue=True)


_REFUSED = Differs("3.10 has no nack and reject for streams", "540")

SETTLEMENTS = {
    "ack": Case(_ack, "one more"),
    "nack": Case(_nack, "one more", rabbitmq_310=_REFUSED),
    "nack-requeue": Case(_nack_to_requeue, "one more", rabbitmq_310=_REFUSED),
    "reject": Case(_reject, "one more", rabbitmq_310=_REFUSED),
    "reject-requeue": Case(_reject_to_requeue, "one more", rabbitmq_310=_REFUSED),
}


@cases("stream.settle.", SETTLEMENTS, ref="2.7-settle")
def a_settlement_is_credit_and_nothing_else(peer: Peer, settle: Any) -> None:  # noqa: ANN401
    channel = peer.channel()
    queue = filled(peer, channel, 4)
    reader = reading(peer, queue, prefetch_count=2)
    _, second = reader.deliveries(2)
    settle(reader, second)
    if peer.expected == "540":
        assert reader.connection.await_close().code == 540
        return
    (third,) = reader.deliveries(1)
    assert (third.body, third.redelivered) == (b"2", False)
    nothing_more(reader)


@check("stream.settle.multiple", ref="2.7-settle")
def each_message_that_a_multiple_ack_covers_is_a_credit(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 8)
    reader = reading(peer, queue, prefetch_count=3)
    reader.ack(reader.deliveries(3)[1].tag, multiple=True)
    assert reader.bodies(2) == [b"3", b"4"]
    nothing_more(reader)


@check("stream.settle.cancel", ref="2.7-settle")
def what_was_not_acked_is_not_delivered_again(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 2)
    reader = reading(peer, queue, tag="reader")
    reader.deliveries(2)
    reader.call(commands.Basic.Cancel, consumer_tag="reader")
    reader.call(commands.Channel.Close, reply_code=200, class_id=0, method_id=0)
    again = reading(peer, queue)
    assert [event.redelivered for event in again.deliveries(2)] == [False, False]


@check(
    "stream.settle.recover",
    ref="2.7-settle",
    expect="credit",
    rabbitmq_310=Differs("3.10 crashes on it", "541"),
)
def recover_is_credit_too(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 4)
    reader = reading(peer, queue, prefetch_count=2)
    reader.deliveries(2)
    reader.send(commands.Basic.Recover, requeue=True)
    if peer.expected == "541":
        assert reader.connection.await_close().code == 541
        return
    reader.expect(commands.Basic.RecoverOk)
    assert reader.bodies(2) == [b"2", b"3"]


@check(
    "stream.settle.recover-async",
    ref="2.7-settle",
    expect="credit",
    rabbitmq_310=Differs("3.10 crashes on it", "541"),
)
def recover_without_an_answer_is_credit_too(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 2)
    reader = reading(peer, queue, prefetch_count=1)
    reader.deliveries(1)
    reader.send(commands.Basic.RecoverAsync, requeue=True)
    if peer.expected == "541":
        assert reader.connection.await_close().code == 541
        return
    assert reader.bodies(1) == [b"1"]


@check(
    "stream.settle.recover-to-another",
    ref="2.7-settle",
    expect=Close(540, "requeue=false", "connection"),
)
def recover_without_requeue_is_refused(peer: Peer) -> None:
    reader = reading(peer, filled(peer, peer.channel(), 1), prefetch_count=1)
    reader.deliveries(1)
    peer.expect_close(reader, commands.Basic.Recover, requeue=False)


@check(
    "stream.settle.unknown-tag",
    ref="2.7-settle",
    expect=Close(406, "unknown delivery tag 9", "channel"),
)
def an_ack_of_a_tag_that_was_not_given_is_refused(peer: Peer) -> None:
    reader = reading(peer, filled(peer, peer.channel(), 1), prefetch_count=1)
    reader.deliveries(1)
    peer.expect_close(reader, commands.Basic.Ack, delivery_tag=9)


@check("stream.settle.after-cancel", ref="2.7-settle")
def an_ack_after_the_cancel_brings_nothing(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 3)
    reader = reading(peer, queue, prefetch_count=2, tag="reader")
    last = reader.deliveries(2)[-1]
    reader.call(commands.Basic.Cancel, consumer_tag="reader")
    reader.ack(last.tag, multiple=True)
    channel.publish_confirmed(b"more", routing_key=queue)
    nothing_more(reader)


@check("stream.settle.tx", ref="2.7-settle")
def an_ack_in_a_transaction_is_credit_when_it_commits(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 2)
    reader = reading(peer, queue, prefetch_count=1)
    (event,) = reader.deliveries(1)
    reader.call(commands.Tx.Select)
    reader.ack(event.tag)
    nothing_more(reader)
    reader.call(commands.Tx.Commit)
    assert reader.bodies(1) == [b"1"]


@check("stream.settle.tx-rollback", ref="2.7-settle")
def an_ack_that_is_rolled_back_is_no_credit_until_it_comes_again(peer: Peer) -> None:
    queue = filled(peer, peer.channel(), 2)
    reader = reading(peer, queue, prefetch_count=1)
    (event,) = reader.deliveries(1)
    reader.call(commands.Tx.Select)
    reader.ack(event.tag)
    reader.call(commands.Tx.Rollback)
    nothing_more(reader)
    reader.ack(event.tag)
    reader.call(commands.Tx.Commit)
    assert reader.bodies(1) == [b"1"]


@check(
    "stream.settle.tx-nack",
    ref="2.7-settle",
    expect="one more",
    rabbitmq_310=_REFUSED,
)
def a_nack_in_a_transaction_is_credit_when_it_commits(peer: Peer) -> None:
    queue = filled(peer, peer.channel(), 2)
    reader = reading(peer, queue, prefetch_count=1)
    (event,) = reader.deliveries(1)
    reader.call(commands.Tx.Select)
    reader.nack(event.tag, requeue=False)
    if peer.expected == "540":
        reader.send(commands.Tx.Commit)
        assert reader.connection.await_close().code == 540
        return
    reader.call(commands.Tx.Commit)
    assert reader.bodies(1) == [b"1"]


@check("stream.delete.conditions", ref="2.7-delete")
def if_unused_and_if_empty_have_no_effect_and_readers_are_told(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 1)
    reader = reading(peer, queue, tag="reader")
    reader.deliveries(1)
    channel.call(commands.Queue.Delete, queue=queue, if_unused=True, if_empty=True)
    assert reader.expect(commands.Basic.Cancel).consumer_tag == "reader"


@check("stream.delete.without-capability", ref="2.7-delete")
def a_reader_that_did_not_ask_is_not_told(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 1)
    reader = peer.channel(capabilities={})
    reader.call(commands.Basic.Qos, prefetch_count=1)
    reader.consume(queue, arguments={"x-stream-offset": "first"})
    reader.deliveries(1)
    channel.call(commands.Queue.Delete, queue=queue)
    nothing_more(reader)
    assert not reader.arrived(commands.Basic.Cancel)


@check("stream.delete.again", ref="2.7-delete")
def a_stream_of_the_same_name_is_a_new_one(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 2)
    channel.call(commands.Queue.Delete, queue=queue)
    channel.declare(queue, durable=True, arguments={"x-queue-type": "stream"})
    channel.publish_confirmed(b"new", routing_key=queue)
    (event,) = reading(peer, queue).deliveries(1)
    assert (event.body, event.headers["x-stream-offset"].value) == (b"new", 0)


@check(
    "stream.delete.count",
    ref="2.7-delete",
    expect=2,
    on_purpose=Differs("tells how many messages go; RabbitMQ tells 0 of every stream", 0),
)
def delete_ok_tells_how_many_messages_go(peer: Peer) -> None:
    channel = peer.channel()
    queue = filled(peer, channel, 2)
    assert channel.call(commands.Queue.Delete, queue=queue).message_count == peer.expected
