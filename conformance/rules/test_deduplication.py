"""Message deduplication (§3): what RabbitMQ's community plugin does; Debian does not ship it."""

from typing import Any

from pamqp import commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.client import Channel
from conformance.peer import Peer, bind

Declare = commands.Exchange.Declare
TYPE = "x-message-deduplication"
KEY = "x-deduplication-header"
UNKNOWN = Close(503, f"unknown exchange type '{TYPE}'", "connection")
NO_PLUGIN = Differs("Debian's RabbitMQ 3.10 is without the community plugin", UNKNOWN)

SIZE = "Missing or invalid argument, 'x-cache-size' must be an integer greater than 0"
TTL = "Invalid argument, 'x-cache-ttl' must be an integer greater than 0"
PERSISTENCE = "Invalid argument, 'x-cache-persistence' must be either 'disk' or 'memory'"


def _refused(given: dict[str, Any], text: str) -> Case[dict[str, Any]]:
    return Case(given, Close(406, text, "channel"), rabbitmq_310=NO_PLUGIN)


ARGUMENTS: dict[str, Case[dict[str, Any]]] = {
    "size": Case({"x-cache-size": 10}, "declared", rabbitmq_310=NO_PLUGIN),
    "size-text": Case({"x-cache-size": "10"}, "declared", rabbitmq_310=NO_PLUGIN),
    "ttl": Case({"x-cache-size": 10, "x-cache-ttl": 500}, "declared", rabbitmq_310=NO_PLUGIN),
    "disk": Case(
        {"x-cache-size": 10, "x-cache-persistence": "disk"}, "declared", rabbitmq_310=NO_PLUGIN
    ),
    "none": _refused({}, SIZE),
    "size-zero": _refused({"x-cache-size": 0}, SIZE),
    "size-word": _refused({"x-cache-size": "ten"}, SIZE),
    "ttl-zero": _refused({"x-cache-size": 10, "x-cache-ttl": 0}, TTL),
    "tape": _refused({"x-cache-size": 10, "x-cache-persistence": "tape"}, PERSISTENCE),
}


def _is_unknown(peer: Peer, arguments: dict[str, Any]) -> bool:
    """Expect that there is no such type, where the check says so."""
    if peer.expected is not UNKNOWN:
        return False
    peer.expect_close(
        peer.channel(), Declare, exchange=peer.name(), exchange_type=TYPE, arguments=arguments
    )
    return True


@cases("exchange.deduplication.declare-", ARGUMENTS, ref="3-deduplication")
def an_exchange_that_deduplicates_is_declared(peer: Peer, given: dict[str, Any]) -> None:
    if _is_unknown(peer, given):
        return
    channel, name = peer.channel(), peer.name()
    if isinstance(peer.expected, Close):
        peer.expect_close(channel, Declare, exchange=name, exchange_type=TYPE, arguments=given)
        return
    for _ in range(2):
        channel.call(Declare, exchange=name, exchange_type=TYPE, arguments=given)


def _deduplicating(
    peer: Peer, channel: Channel, kind: str = TYPE, **more: object
) -> tuple[str, str]:
    arguments = {"x-cache-size": 100, **more}
    exchange = peer.exchange(channel, kind, durable=True, arguments=arguments)
    queue = peer.queue(channel, durable=True)
    bind(channel, queue, exchange, "k")
    return exchange, queue


def _send(channel: Channel, exchange: str, body: bytes, **headers: object) -> None:
    channel.publish_confirmed(body, exchange=exchange, routing_key="k", headers=headers)


@check("exchange.deduplication.once", ref="3-deduplication", rabbitmq_310=NO_PLUGIN)
def a_message_is_routed_once_and_its_duplicate_is_confirmed(peer: Peer) -> None:
    if _is_unknown(peer, {"x-cache-size": 1}):
        return
    channel = peer.confirming()
    exchange, queue = _deduplicating(peer, channel)
    for body in (b"1", b"2"):
        _send(channel, exchange, body, **{KEY: "k"})
    _send(channel, exchange, b"3")
    _send(channel, exchange, b"4", **{KEY: 5})
    channel.consume(queue)
    assert channel.bodies(3) == [b"1", b"3", b"4"]


@check("exchange.deduplication.ttl", ref="3-deduplication", rabbitmq_310=NO_PLUGIN)
def a_message_says_how_long_its_key_is_remembered(peer: Peer) -> None:
    if _is_unknown(peer, {"x-cache-size": 1}):
        return
    channel = peer.confirming()
    exchange, queue = _deduplicating(peer, channel)
    _send(channel, exchange, b"1", **{KEY: "k", "x-cache-ttl": 1})
    for _ in range(100):  # It is over with the next ms.
        _send(channel, exchange, b"2", **{KEY: "k"})
    channel.consume(queue)
    assert channel.bodies(2) == [b"1", b"2"]


@check("exchange.deduplication.mandatory", ref="3-deduplication", rabbitmq_310=NO_PLUGIN)
def a_mandatory_duplicate_is_returned_and_confirmed(peer: Peer) -> None:
    if _is_unknown(peer, {"x-cache-size": 1}):
        return
    channel = peer.confirming()
    exchange, _ = _deduplicating(peer, channel)
    _send(channel, exchange, b"1", **{KEY: "k"})
    channel.publish(b"2", exchange=exchange, routing_key="k", headers={KEY: "k"}, mandatory=True)
    channel.expect(commands.Basic.Ack)
    assert [each.body for each in channel.arrived(commands.Basic.Return)] == [b"2"]


@check("exchange.deduplication.alternate", ref="3-deduplication", rabbitmq_310=NO_PLUGIN)
def the_alternate_exchange_gets_duplicates(peer: Peer) -> None:
    if _is_unknown(peer, {"x-cache-size": 1}):
        return
    channel = peer.confirming()
    again, others = peer.exchange(channel, "fanout"), peer.queue(channel)
    bind(channel, others, again)
    exchange, queue = _deduplicating(peer, channel, **{"alternate-exchange": again})
    for body in (b"1", b"2"):
        _send(channel, exchange, body, **{KEY: "k"})
    assert channel.get_soon(queue).body == b"1"
    assert channel.get_soon(others).body == b"2"


@check(
    "exchange.deduplication.unroutable",
    ref="3-deduplication",
    expect="it was not seen",
    rabbitmq_310=NO_PLUGIN,
    on_purpose=Differs("the plugin has seen what reached no queue, and drops it", UNKNOWN),
)
def what_reached_no_queue_was_not_seen(peer: Peer) -> None:
    if peer.expected is UNKNOWN and _is_unknown(peer, {"x-cache-size": 1}):
        return
    channel = peer.confirming()
    exchange = peer.exchange(channel, TYPE, arguments={"x-cache-size": 10})
    _send(channel, exchange, b"1", **{KEY: "k"})
    queue = peer.queue(channel)
    bind(channel, queue, exchange)
    _send(channel, exchange, b"2", **{KEY: "k"})
    assert channel.get_soon(queue).body == b"2"


@check("exchange.deduplication.transaction", ref="3-deduplication", rabbitmq_310=NO_PLUGIN)
def a_transaction_counts_when_it_is_committed(peer: Peer) -> None:
    if _is_unknown(peer, {"x-cache-size": 1}):
        return
    channel = peer.channel()
    exchange, queue = _deduplicating(peer, channel)
    channel.call(commands.Tx.Select)
    for body, end in ((b"1", commands.Tx.Rollback), (b"2", commands.Tx.Commit)):
        channel.publish(body, exchange=exchange, routing_key="k", headers={KEY: "k"})
        channel.publish(body, exchange=exchange, routing_key="k", headers={KEY: "k"})
        channel.call(end)
    channel.consume(queue)
    assert channel.bodies(1) == [b"2"]


@check(
    "exchange.deduplication.argument",
    ref="3-deduplication",
    expect="routed once",
    rabbitmq_310=Differs("the argument is LavinMQ's", "routed twice"),
)
def any_type_deduplicates_by_an_argument(peer: Peer) -> None:
    channel = peer.confirming()
    more = {"x-message-deduplication": True, KEY: "id"}
    exchange, queue = _deduplicating(peer, channel, "direct", **more)
    for body in (b"1", b"2"):
        _send(channel, exchange, body, id="i")
    _send(channel, exchange, b"3")
    channel.consume(queue)
    once = [b"1", b"3"]
    expected = once if peer.expected == "routed once" else [b"1", b"2", b"3"]
    assert channel.bodies(len(expected)) == expected


def _deduplicating_queue(peer: Peer, channel: Channel, **more: object) -> str:
    return peer.queue(channel, durable=True, arguments={TYPE: True, **more})


def _put(channel: Channel, queue: str, body: bytes, **headers: object) -> None:
    channel.publish_confirmed(body, routing_key=queue, headers=headers)


NO_EFFECT = Differs("to a RabbitMQ without the plugin it is a word like any other", "no effect")


@check(
    "queue.deduplication.once",
    ref="3-deduplication",
    expect="taken once",
    rabbitmq_310=NO_EFFECT,
)
def a_queue_takes_a_key_once_while_its_message_is_in_the_queue(peer: Peer) -> None:
    channel = peer.confirming()
    queue = _deduplicating_queue(peer, channel)
    for body in (b"1", b"2", b"3"):
        _put(channel, queue, body, **{KEY: "k"})
    got = channel.get_soon_unacked(queue)
    assert got.body == b"1"
    if peer.expected == "no effect":
        return
    _put(channel, queue, b"4", **{KEY: "k"})
    channel.ack(1)
    _put(channel, queue, b"5", **{KEY: "k"})
    _put(channel, queue, b"6")
    channel.consume(queue)
    assert channel.bodies(2) == [b"5", b"6"]


INVALID = "invalid arg '{name}' for queue '{{queue}}' in vhost '/': {term}"


def _wrong(name: str, term: str, **given: object) -> Case[dict[str, Any]]:
    text = INVALID.format(name=name, term=term)
    return Case({TYPE: True, **given}, Close(406, text, "channel"), rabbitmq_310=NO_EFFECT)


QUEUE_ARGUMENTS: dict[str, Case[dict[str, Any]]] = {
    "number": _wrong(TYPE, "{unacceptable_type,signedint}", **{TYPE: 1}),
    "header": _wrong(KEY, "{empty_name}", **{KEY: ""}),
    "size": _wrong("x-cache-size", "queues_have_no_cache", **{"x-cache-size": 10}),
    "ttl": _wrong("x-cache-ttl", "queues_have_no_cache", **{"x-cache-ttl": 10}),
}


@cases("queue.deduplication.declare-", QUEUE_ARGUMENTS, ref="3-deduplication")
def what_a_queue_that_deduplicates_refuses(peer: Peer, given: dict[str, Any]) -> None:
    channel, queue = peer.channel(), peer.name()
    declare = commands.Queue.Declare
    if isinstance(peer.expected, Close):
        given = {"queue": queue, "durable": True, "arguments": given}
        peer.expect_close(channel, declare, fill={"queue": queue}, **given)
    else:
        channel.declare(queue, durable=True, arguments=given)
