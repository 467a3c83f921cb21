"""Deliveries and settlements of a stream, and all the ways into one (§2.7)."""

import time
from typing import Any

from pamqp import commands

from conformance.check import Case, Differs, cases, check
from conformance.client import Channel
from conformance.events import Event
from conformance.peer import Peer, bind

STREAM = {"x-queue-type": "stream"}
EVENTS_MAX_S = 0.1


def _stream(peer: Peer, channel: Channel) -> str:
    return peer.queue(channel, durable=True, arguments=STREAM)


def _filled(peer: Peer, channel: Channel, count: int) -> str:
    """Declare a stream, publish messages 0, 1, ... to it, and await their confirms."""
    queue = _stream(peer, channel)
    channel.call(commands.Confirm.Select)
    for number in range(count):
        channel.publish_confirmed(b"%d" % number, routing_key=queue)
    return queue


def _reader(peer: Peer, queue: str, prefetch_count: int = 10, tag: str = "") -> Channel:
    channel = peer.channel()
    channel.call(commands.Basic.Qos, prefetch_count=prefetch_count)
    channel.consume(queue, tag, arguments={"x-stream-offset": "first"})
    return channel


def _nothing_more(channel: Channel) -> None:
    channel.sync()
    time.sleep(EVENTS_MAX_S)
    channel.sync()
    assert not channel.arrived(), channel.arrived()


@check("stream.deliver.header", ref="2.7-delivery")
def each_delivery_has_its_offset_as_a_signed_long(peer: Peer) -> None:
    channel = peer.channel()
    queue = _filled(peer, channel, 3)
    for number, event in enumerate(_reader(peer, queue).deliveries(3)):
        offset = event.headers["x-stream-offset"]
        assert (offset.tag, offset.value) == ("l", number)
        assert not event.redelivered


@check("stream.deliver.exchange-and-key", ref="2.7-delivery")
def exchange_and_key_are_those_of_the_publish(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel, "topic")
    queue = _stream(peer, channel)
    bind(channel, queue, exchange, "meter.#")
    channel.publish(b"m", exchange=exchange, routing_key="meter.7.heat")
    (event,) = _reader(peer, queue).deliveries(1)
    assert event.method["exchange"] == exchange
    assert event.method["routing_key"] == "meter.7.heat"


@check("stream.deliver.again", ref="2.7-delivery")
def each_reader_gets_all_and_nothing_is_taken_out(peer: Peer) -> None:
    channel = peer.channel()
    queue = _filled(peer, channel, 3)
    for _ in range(2):
        reader = _reader(peer, queue)
        events = reader.deliveries(3)
        assert [event.body for event in events] == [b"0", b"1", b"2"]
        assert not any(event.redelivered for event in events)
        reader.ack(events[-1].tag, multiple=True)
        reader.sync()


@check("stream.deliver.prefetch", ref="2.7-delivery", expect=2)
def a_prefetch_is_exact(peer: Peer) -> None:
    channel = peer.channel()
    queue = _filled(peer, channel, 5)
    reader = _reader(peer, queue, prefetch_count=2)
    reader.deliveries(2)
    _nothing_more(reader)


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
    queue = _filled(peer, channel, 4)
    reader = _reader(peer, queue, prefetch_count=2)
    _, second = reader.deliveries(2)
    settle(reader, second)
    if peer.expected == "540":
        assert reader.connection.await_close().code == 540
        return
    (third,) = reader.deliveries(1)
    assert (third.body, third.redelivered) == (b"2", False)
    _nothing_more(reader)


@check("stream.settle.multiple", ref="2.7-settle")
def each_message_that_a_multiple_ack_covers_is_a_credit(peer: Peer) -> None:
    channel = peer.channel()
    queue = _filled(peer, channel, 8)
    reader = _reader(peer, queue, prefetch_count=3)
    reader.ack(reader.deliveries(3)[1].tag, multiple=True)
    assert reader.bodies(2) == [b"3", b"4"]
    _nothing_more(reader)


@check("stream.settle.cancel", ref="2.7-settle")
def what_was_not_acked_is_not_delivered_again(peer: Peer) -> None:
    channel = peer.channel()
    queue = _filled(peer, channel, 2)
    reader = _reader(peer, queue, tag="reader")
    reader.deliveries(2)
    reader.call(commands.Basic.Cancel, consumer_tag="reader")
    reader.call(commands.Channel.Close, reply_code=200, class_id=0, method_id=0)
    again = _reader(peer, queue)
    assert [event.redelivered for event in again.deliveries(2)] == [False, False]


@check(
    "stream.settle.recover",
    ref="2.7-settle",
    expect="credit",
    rabbitmq_310=Differs("3.10 crashes on it", "541"),
)
def recover_is_credit_too(peer: Peer) -> None:
    channel = peer.channel()
    queue = _filled(peer, channel, 4)
    reader = _reader(peer, queue, prefetch_count=2)
    reader.deliveries(2)
    reader.send(commands.Basic.Recover, requeue=True)
    if peer.expected == "541":
        assert reader.connection.await_close().code == 541
        return
    reader.expect(commands.Basic.RecoverOk)
    assert reader.bodies(2) == [b"2", b"3"]


@check("stream.publish.tx", ref="2.7-publish")
def a_transaction_publishes_to_a_stream(peer: Peer) -> None:
    channel = peer.channel()
    queue = _stream(peer, channel)
    channel.call(commands.Tx.Select)
    channel.publish(b"rolled back", routing_key=queue)
    channel.call(commands.Tx.Rollback)
    channel.publish(b"committed", routing_key=queue)
    channel.call(commands.Tx.Commit)
    assert _reader(peer, queue).bodies(1) == [b"committed"]


@check("stream.settle.tx", ref="2.7-settle")
def an_ack_in_a_transaction_is_credit_when_it_commits(peer: Peer) -> None:
    channel = peer.channel()
    queue = _filled(peer, channel, 2)
    reader = _reader(peer, queue, prefetch_count=1)
    (event,) = reader.deliveries(1)
    reader.call(commands.Tx.Select)
    reader.ack(event.tag)
    _nothing_more(reader)
    reader.call(commands.Tx.Commit)
    assert reader.bodies(1) == [b"1"]


@check("stream.publish.mandatory", ref="2.7-publish")
def a_mandatory_message_for_a_stream_is_not_returned(peer: Peer) -> None:
    channel = peer.confirming()
    queue = _stream(peer, channel)
    assert isinstance(
        channel.publish_confirmed(b"m", routing_key=queue, mandatory=True), commands.Basic.Ack
    )
    assert not channel.arrived(commands.Basic.Return)


@check("stream.publish.alternate-exchange", ref="2.7-publish")
def a_stream_takes_what_nobody_else_was_bound_for(peer: Peer) -> None:
    channel = peer.confirming()
    other = peer.exchange(channel, "fanout")
    exchange = peer.exchange(channel, "direct", arguments={"alternate-exchange": other})
    queue = _stream(peer, channel)
    bind(channel, queue, other)
    channel.publish_confirmed(b"m", exchange=exchange, routing_key="nowhere")
    (event,) = _reader(peer, queue).deliveries(1)
    assert (event.method["exchange"], event.method["routing_key"]) == (exchange, "nowhere")


EXCHANGES: dict[str, Case[tuple[str, str, dict[str, Any]]]] = {
    "direct": Case(("direct", "key", {}), "routed"),
    "fanout": Case(("fanout", "", {}), "routed"),
    "topic": Case(("topic", "#", {}), "routed"),
    "headers": Case(("headers", "", {"a": 1}), "routed"),
    "x-consistent-hash": Case(("x-consistent-hash", "1", {}), "routed"),
    "x-modulus-hash": Case(("x-modulus-hash", "", {}), "routed"),
    "x-random": Case(("x-random", "", {}), "routed"),
}


@cases("stream.bound-to.", EXCHANGES, ref="2.7-publish")
def a_stream_is_a_target_of_every_exchange(
    peer: Peer, given: tuple[str, str, dict[str, Any]]
) -> None:
    exchange_type, key, arguments = given
    channel = peer.confirming()
    exchange = peer.exchange(channel, exchange_type)
    queue = _stream(peer, channel)
    bind(channel, queue, exchange, key, arguments)
    channel.publish_confirmed(b"m", exchange=exchange, routing_key="key", headers={"a": 1})
    assert _reader(peer, queue).bodies(1) == [b"m"]


def _dead_lettering(queue: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
    given = {f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}
    return {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue, **given}


def _death(reason: str, **arguments: Any) -> Case[dict[str, Any]]:  # noqa: ANN401
    lost = Differs("3.10 loses a dead letter for a stream, or its x-death", "lost")
    return Case(arguments, reason, rabbitmq_310=lost)


DEATHS = {
    "rejected": _death("rejected"),
    "expired": _death("expired", message_ttl=40),
    "maxlen": _death("maxlen", max_length=1),
    "quorum-rejected": _death("rejected", queue_type="quorum"),
    "quorum-expired": _death("expired", queue_type="quorum", message_ttl=40),
    "quorum-maxlen": _death("maxlen", queue_type="quorum", max_length=1),
    "quorum-delivery-limit": _death("delivery_limit", queue_type="quorum", delivery_limit=0),
    "at-least-once": _death(
        "rejected",
        queue_type="quorum",
        dead_letter_strategy="at-least-once",
        overflow="reject-publish",
    ),
}


@cases("stream.dead-letter.", DEATHS, ref="2.7-dead-letters")
def a_stream_is_a_dead_letter_target(peer: Peer, arguments: dict[str, Any]) -> None:
    channel = peer.confirming()
    queue = _stream(peer, channel)
    source = peer.queue(
        channel, "source", durable=True, arguments=_dead_lettering(queue, **arguments)
    )
    channel.publish_confirmed(b"m", routing_key=source)
    if peer.expected == "lost":
        return
    if peer.expected == "maxlen":
        channel.publish(b"pushes", routing_key=source)
    elif peer.expected in {"rejected", "delivery_limit"}:
        event = channel.get_soon_unacked(source)
        channel.reject(event.tag, requeue=peer.expected == "delivery_limit")
    (event,) = _reader(peer, queue).deliveries(1)
    assert event.body == b"m"
    (death,) = event.headers["x-death"].value
    assert death.value["reason"].value == peer.expected
    assert death.value["queue"].value == source


@check("stream.delete.conditions", ref="2.7-delete")
def if_unused_and_if_empty_have_no_effect_and_readers_are_told(peer: Peer) -> None:
    channel = peer.channel()
    queue = _filled(peer, channel, 1)
    reader = _reader(peer, queue, tag="reader")
    reader.deliveries(1)
    channel.call(commands.Queue.Delete, queue=queue, if_unused=True, if_empty=True)
    assert reader.expect(commands.Basic.Cancel).consumer_tag == "reader"


def _roll(peer: Peer, channel: Channel, hint: str, **arguments: Any) -> list[int]:  # noqa: ANN401
    """Fill a stream of small segments; return the first offset that a reader gets."""
    given = {f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}
    segments = {"x-stream-max-segment-size-bytes": 2_000}
    queue = peer.queue(channel, hint, durable=True, arguments=STREAM | segments | given)
    for _ in range(12):
        channel.publish_confirmed(bytes(1_000), routing_key=queue)
    (event,) = _reader(peer, queue, prefetch_count=1).deliveries(1)
    return [event.headers["x-stream-offset"].value]


@check("stream.retention.size", ref="2.7-retention")
def whole_segments_go_when_a_stream_is_over_its_size(peer: Peer) -> None:
    assert _roll(peer, peer.confirming(), "q", max_length_bytes=4_000) > [0]


@check("stream.retention.none", ref="2.7-retention")
def a_stream_without_a_limit_keeps_all(peer: Peer) -> None:
    assert _roll(peer, peer.confirming(), "q") == [0]


@check("stream.retention.policy", ref="2.7-retention", needs="admin")
def a_policy_limits_the_size_of_a_stream(peer: Peer) -> None:
    assert _roll(peer, peer.confirming(), "policy-stream-size", max_length_bytes=10**9) > [0]


@check("stream.policy.foreign-key", ref="2.7-policies", needs="admin")
def a_policy_with_a_key_that_streams_do_not_have_is_not_applied(peer: Peer) -> None:
    channel = peer.confirming()
    assert _roll(peer, channel, "policy-stream-foreign") == [0]


@check(
    "stream.publish.deduplicated",
    ref="2.7-deduplication",
    expect=[b"1", b"2", b"3"],
    on_purpose=Differs(
        "over AMQP RabbitMQ's streams do not tell duplicates", [b"1", b"2", b"1", b"2", b"3"]
    ),
)
def a_publishing_id_is_stored_once(peer: Peer) -> None:
    channel = peer.confirming()
    queue = _stream(peer, channel)
    for number in (1, 2, 1, 2, 3):
        headers = {"x-stream-publisher": "meter", "x-stream-publishing-id": number}
        reply = channel.publish_confirmed(b"%d" % number, routing_key=queue, headers=headers)
        assert isinstance(reply, commands.Basic.Ack)
    reader = _reader(peer, queue)
    assert reader.bodies(len(peer.expected)) == peer.expected
    _nothing_more(reader)
