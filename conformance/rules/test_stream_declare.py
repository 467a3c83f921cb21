"""queue.declare of a stream: what it refuses, in which order, and what it compares (§2.7)."""

from typing import Any

from pamqp import commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.fields import Typed
from conformance.peer import Peer

Declare = commands.Queue.Declare
STREAM = {"x-queue-type": "stream"}
CRASHES = Differs("3.10 looks at the value too late, and crashes", "541")
UNKNOWN = Differs("the argument came with 3.13", "declared")


def _flag(name: str) -> Close:
    return Close(406, f"invalid property '{name}' for queue '{{queue}}' in vhost '/'", "channel")


FLAGS: dict[str, Case[dict[str, bool]]] = {
    "auto-delete": Case({"durable": True, "auto_delete": True}, _flag("auto-delete")),
    "exclusive": Case({"durable": True, "exclusive": True}, _flag("exclusive-owner")),
    "non-durable": Case({}, _flag("non-durable")),
    "auto-delete-first": Case({"auto_delete": True, "exclusive": True}, _flag("auto-delete")),
    "exclusive-second": Case({"exclusive": True}, _flag("exclusive-owner")),
}


@cases("stream.declare.", FLAGS, ref="2.7-declare")
def a_stream_is_durable_shared_and_lasting(peer: Peer, flags: dict[str, bool]) -> None:
    queue = peer.name()
    given: dict[str, Any] = {"queue": queue, "arguments": STREAM, **flags}
    peer.expect_close(peer.channel(), Declare, fill={"queue": queue}, **given)


@check(
    "stream.declare.server-named",
    ref="2.7-declare",
    expect=Close(
        406, "Cannot declare a server-named queue for type rabbit_stream_queue", "channel"
    ),
)
def a_stream_needs_a_name(peer: Peer) -> None:
    peer.expect_close(peer.channel(), Declare, durable=True, arguments=STREAM)


def _foreign(name: str, value: object, rabbitmq_310: Differs | None = None) -> Case[dict[str, Any]]:
    text = (
        f"invalid arg '{name}' for queue '{{queue}}' in vhost '/' of queue type rabbit_stream_queue"
    )
    return Case({name: value}, Close(406, text, "channel"), rabbitmq_310=rabbitmq_310)


def _wrong(
    name: str, value: object, why: str, rabbitmq_310: Differs | None = None
) -> Case[dict[str, Any]]:
    text = f"invalid arg '{name}' for queue '{{queue}}' in vhost '/': {why}"
    return Case({name: value}, Close(406, text, "channel"), rabbitmq_310=rabbitmq_310)


def _refused(
    name: str, value: object, text: str, rabbitmq_310: Differs | None = None
) -> Case[dict[str, Any]]:
    return Case({name: value}, Close(406, text, "channel"), rabbitmq_310=rabbitmq_310)


ARGUMENTS: dict[str, Case[dict[str, Any]]] = {
    "foreign-max-length": _foreign("x-max-length", 10),
    "foreign-message-ttl": _foreign("x-message-ttl", 10),
    "foreign-expires": _foreign("x-expires", 1000),
    "foreign-dead-letter-exchange": _foreign("x-dead-letter-exchange", ""),
    "foreign-dead-letter-strategy": _foreign("x-dead-letter-strategy", "at-most-once"),
    "foreign-overflow": _foreign("x-overflow", "drop-head"),
    "foreign-max-priority": _foreign("x-max-priority", 5),
    "foreign-single-active-consumer": _foreign("x-single-active-consumer", True),
    "foreign-delivery-limit": _foreign("x-delivery-limit", 5),
    "foreign-queue-mode": _foreign("x-queue-mode", "lazy"),
    "foreign-queue-version": _foreign("x-queue-version", 1),
    "foreign-consumer-timeout": _foreign("x-consumer-timeout", 60_000, UNKNOWN),
    "foreign-max-in-memory-length": _foreign("x-max-in-memory-length", 5),
    "foreign-quorum-initial-group-size": _foreign("x-quorum-initial-group-size", 1),
    "foreign-queue-master-locator": _foreign("x-queue-master-locator", "client-local"),
    "max-age-word": _wrong("x-max-age", "soon", "invalid_max_age", CRASHES),
    "max-age-no-unit": _wrong("x-max-age", "10", "invalid_max_age"),
    "max-age-wrong-case": _wrong("x-max-age", "10d", "invalid_max_age"),
    "max-age-0": _wrong("x-max-age", "0s", "invalid_max_age"),
    "max-age-negative": _wrong("x-max-age", "-1s", "invalid_max_age", CRASHES),
    "max-age-number": _wrong("x-max-age", 10, "{unacceptable_type,signedint}"),
    "max-length-bytes-negative": _wrong("x-max-length-bytes", -1, "{value_negative,-1}"),
    "max-length-bytes-text": _wrong("x-max-length-bytes", "1", '"expected integer, got longstr"'),
    "segment-size-negative": _wrong("x-stream-max-segment-size-bytes", -1, "{value_negative,-1}"),
    "segment-size-text": _wrong(
        "x-stream-max-segment-size-bytes", "1", '"expected integer, got longstr"'
    ),
    "segment-size-too-large": _refused(
        "x-stream-max-segment-size-bytes",
        3_000_000_001,
        "Exceeded max value for x-stream-max-segment-size-bytes",
    ),
    "filter-size-15": _refused(
        "x-stream-filter-size-bytes", 15, "Invalid value for x-stream-filter-size-bytes", UNKNOWN
    ),
    "filter-size-256": _refused(
        "x-stream-filter-size-bytes", 256, "Invalid value for x-stream-filter-size-bytes", UNKNOWN
    ),
    "filter-size-negative": _wrong(
        "x-stream-filter-size-bytes", -1, "{value_negative,-1}", UNKNOWN
    ),
    "initial-cluster-size-0": _wrong("x-initial-cluster-size", 0, "{value_zero,0}"),
    "initial-cluster-size-negative": _wrong("x-initial-cluster-size", -1, "{value_negative,-1}"),
    "leader-locator-word": _wrong(
        "x-queue-leader-locator", "somewhere", "invalid_queue_locator_arg"
    ),
}


@cases("stream.declare.", ARGUMENTS, ref="2.7-declare")
def an_argument_is_refused(peer: Peer, arguments: dict[str, Any]) -> None:
    queue = peer.name()
    channel = peer.channel()
    given = {"queue": queue, "durable": True, "arguments": STREAM | arguments}
    if peer.expected == "declared":
        channel.call(Declare, **given)
    elif peer.expected == "541":
        channel.send(Declare, **given)
        assert channel.connection.await_close().code == 541
    else:
        peer.expect_close(channel, Declare, fill={"queue": queue}, **given)


ACCEPTED: dict[str, Case[dict[str, Any]]] = {
    "max-age-units": Case({"x-max-age": "2Y"}, "declared"),
    "max-length-bytes-0": Case({"x-max-length-bytes": 0}, "declared"),
    "segment-size-largest": Case({"x-stream-max-segment-size-bytes": 3_000_000_000}, "declared"),
    "segment-size-0": Case({"x-stream-max-segment-size-bytes": 0}, "declared"),
    "filter-size-16": Case({"x-stream-filter-size-bytes": 16}, "declared"),
    "filter-size-255": Case({"x-stream-filter-size-bytes": 255}, "declared"),
    "initial-cluster-size-1": Case({"x-initial-cluster-size": 1}, "declared"),
    "leader-locator-balanced": Case({"x-queue-leader-locator": "balanced"}, "declared"),
    "leader-locator-client-local": Case({"x-queue-leader-locator": "client-local"}, "declared"),
    "unknown-argument": Case({"x-of-nobody": 1, "plain": "a"}, "declared"),
}


@cases("stream.declare.", ACCEPTED, ref="2.7-declare")
def an_argument_is_taken(peer: Peer, arguments: dict[str, Any]) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, durable=True, arguments=STREAM | arguments)
    reply = channel.declare(queue, durable=True, arguments=STREAM | arguments)
    assert (reply.message_count, reply.consumer_count) == (0, 0)


def _unequal(name: str, received: str, current: str) -> Close:
    text = (
        f"inequivalent arg '{name}' for queue '{{queue}}' in vhost '/': "
        f"received {received} but current is {current}"
    )
    return Close(406, text, "channel")


COMPARED: dict[str, Case[tuple[dict[str, Any], dict[str, Any]]]] = {
    "type": Case(
        ({}, {"x-queue-type": "classic"}),
        _unequal("x-queue-type", "'classic'", "'stream'"),
    ),
    "max-age": Case(
        ({"x-max-age": "1h"}, {"x-max-age": "2h"}),
        _unequal(
            "x-max-age",
            "'2h'",
            "'1h'",
        ),
    ),
    "max-length-bytes": Case(
        ({"x-max-length-bytes": 1000}, {}),
        _unequal("x-max-length-bytes", "none", "the value '1000' of type 'signedint'"),
    ),
    "segment-size": Case(
        ({}, {"x-stream-max-segment-size-bytes": 1000}),
        _unequal("x-stream-max-segment-size-bytes", "the value '1000' of type 'signedint'", "none"),
    ),
    "filter-size": Case(
        (
            {"x-stream-filter-size-bytes": 16},
            {"x-stream-filter-size-bytes": 17},
        ),
        _unequal("x-stream-filter-size-bytes", "'17'", "'16'"),
        rabbitmq_310=UNKNOWN,
    ),
    "leader-locator": Case(
        (
            {"x-queue-leader-locator": "client-local"},
            {"x-queue-leader-locator": "balanced"},
        ),
        _unequal(
            "x-queue-leader-locator",
            "'balanced'",
            "'client-local'",
        ),
    ),
}


@cases("stream.redeclare.", COMPARED, ref="2.7-redeclare")
def what_a_second_declare_must_say_again(
    peer: Peer, given: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    first, second = given
    channel = peer.channel()
    queue = peer.queue(channel, durable=True, arguments=STREAM | first)
    again = {"queue": queue, "durable": True, "arguments": STREAM | second}
    if peer.expected == "declared":
        channel.call(Declare, **again)
    else:
        peer.expect_close(channel, Declare, fill={"queue": queue}, **again)


@check("stream.redeclare.integer-types", ref="2.7-redeclare")
def an_equal_number_of_another_type_is_equal(peer: Peer) -> None:
    channel = peer.channel()
    given = {"x-max-length-bytes": Typed("I", 1000)}
    queue = peer.queue(channel, durable=True, arguments=STREAM | given)
    same = {"x-max-length-bytes": Typed("l", 1000)}
    channel.declare(queue, durable=True, arguments=STREAM | same)


@check(
    "stream.declare.counts",
    ref="2.7-declare",
    expect=(3, 0),
    on_purpose=Differs("RabbitMQ tells what it counted some seconds ago", "0 consumers"),
)
def declare_ok_counts_messages_and_no_consumer(peer: Peer) -> None:
    channel = peer.confirming()
    queue = peer.queue(channel, durable=True, arguments=STREAM)
    for _ in range(3):
        channel.publish_confirmed(b"m", routing_key=queue)
    channel.call(commands.Basic.Qos, prefetch_count=10)
    channel.consume(queue, arguments={"x-stream-offset": "first"})
    for event in channel.deliveries(3):
        channel.ack(event.tag)
    reply = channel.declare(queue, passive=True)
    if peer.is_haremq:
        assert (reply.message_count, reply.consumer_count) == peer.expected
    assert reply.consumer_count == 0
