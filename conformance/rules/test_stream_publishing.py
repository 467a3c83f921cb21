"""All the ways into a stream: publishes, bindings, dead letters (§2.7)."""

from typing import Any

from pamqp import commands

from conformance.check import Case, Differs, cases, check
from conformance.peer import Peer, bind, bind_exchange
from conformance.streams import declared, nothing_more, reading, x_arguments


@check("stream.publish.tx", ref="2.7-publish")
def a_transaction_publishes_to_a_stream(peer: Peer) -> None:
    channel = peer.channel()
    queue = declared(peer, channel)
    channel.call(commands.Tx.Select)
    channel.publish(b"rolled back", routing_key=queue)
    channel.call(commands.Tx.Rollback)
    channel.publish(b"committed", routing_key=queue)
    channel.call(commands.Tx.Commit)
    assert reading(peer, queue).bodies(1) == [b"committed"]


@check("stream.publish.mandatory", ref="2.7-publish")
def a_mandatory_message_for_a_stream_is_not_returned(peer: Peer) -> None:
    channel = peer.confirming()
    queue = declared(peer, channel)
    assert isinstance(
        channel.publish_confirmed(b"m", routing_key=queue, mandatory=True), commands.Basic.Ack
    )
    assert not channel.arrived(commands.Basic.Return)


@check("stream.publish.alternate-exchange", ref="2.7-publish")
def a_stream_takes_what_nobody_else_was_bound_for(peer: Peer) -> None:
    channel = peer.confirming()
    other = peer.exchange(channel, "fanout")
    exchange = peer.exchange(channel, "direct", arguments={"alternate-exchange": other})
    queue = declared(peer, channel)
    bind(channel, queue, other)
    channel.publish_confirmed(b"m", exchange=exchange, routing_key="nowhere")
    (event,) = reading(peer, queue).deliveries(1)
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
    queue = declared(peer, channel)
    bind(channel, queue, exchange, key, arguments)
    channel.publish_confirmed(b"m", exchange=exchange, routing_key="key", headers={"a": 1})
    assert reading(peer, queue).bodies(1) == [b"m"]


@cases(
    "stream.bound-to-exchange-of.",
    {key: Case(key, "routed") for key in EXCHANGES},
    ref="2.7-publish",
)
def a_stream_is_behind_an_exchange_that_another_one_is_bound_to(peer: Peer, kind: str) -> None:
    exchange_type, key, arguments = EXCHANGES[kind].given
    channel = peer.confirming()
    exchange, behind = peer.exchange(channel, exchange_type), peer.exchange(channel, "fanout")
    queue = declared(peer, channel)
    bind(channel, queue, behind)
    bind_exchange(channel, behind, exchange, key, arguments)
    channel.publish_confirmed(b"m", exchange=exchange, routing_key="key", headers={"a": 1})
    (event,) = reading(peer, queue).deliveries(1)
    assert (event.method["exchange"], event.method["routing_key"]) == (exchange, "key")


@check("stream.bound-to.twice", ref="2.7-publish")
def a_message_with_two_ways_into_a_stream_is_stored_once(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = peer.exchange(channel, "topic")
    queue = declared(peer, channel)
    for key in ("#", "a.*"):
        bind(channel, queue, exchange, key)
    for number in range(2):
        channel.publish_confirmed(b"%d" % number, exchange=exchange, routing_key="a.b")
    assert reading(peer, queue).bodies(2) == [b"0", b"1"]


@check("stream.publish.cc", ref="2.7-publish")
def a_stream_may_be_in_cc(peer: Peer) -> None:
    channel = peer.confirming()
    queue, other = declared(peer, channel), declared(peer, channel)
    channel.publish_confirmed(b"m", routing_key=queue, headers={"CC": [other]})
    for each in (queue, other):
        assert reading(peer, each).bodies(1) == [b"m"]


def _dead_lettering(queue: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
    given = x_arguments(**arguments)
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
    queue = declared(peer, channel)
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
    (event,) = reading(peer, queue).deliveries(1)
    assert event.body == b"m"
    (death,) = event.headers["x-death"].value
    assert death.value["reason"].value == peer.expected
    assert death.value["queue"].value == source


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
    queue = declared(peer, channel)
    for number in (1, 2, 1, 2, 3):
        headers = {"x-stream-publisher": "meter", "x-stream-publishing-id": number}
        reply = channel.publish_confirmed(b"%d" % number, routing_key=queue, headers=headers)
        assert isinstance(reply, commands.Basic.Ack)
    reader = reading(peer, queue)
    assert reader.bodies(len(peer.expected)) == peer.expected
    nothing_more(reader)
