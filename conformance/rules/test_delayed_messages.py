"""Delayed messages (§3): what RabbitMQ's community plugin does; Debian does not ship it."""

from typing import Any

from pamqp import commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.client import Channel
from conformance.fields import Typed
from conformance.peer import Peer, bind

Declare = commands.Exchange.Declare
DELAYED = "x-delayed-message"
INNER = "x-delayed-type"
UNKNOWN = Close(503, f"unknown exchange type '{DELAYED}'", "connection")
NO_PLUGIN = Differs("Debian's RabbitMQ 3.10 is without the community plugin", UNKNOWN)


def _refused(given: dict[str, Any], text: str) -> Case[dict[str, Any]]:
    return Case(given, Close(406, text, "channel"), rabbitmq_310=NO_PLUGIN)


MISSING = f"Invalid argument, '{INNER}' must be an existing exchange type"
ARGUMENTS: dict[str, Case[dict[str, Any]]] = {
    "direct": Case({INNER: "direct"}, "declared", rabbitmq_310=NO_PLUGIN),
    "topic": Case({INNER: "topic"}, "declared", rabbitmq_310=NO_PLUGIN),
    "none": _refused({}, MISSING),
    "number": _refused({INNER: 5}, MISSING),
    "unknown": _refused({INNER: "quantum"}, "unknown exchange type 'quantum'"),
    "itself": _refused(
        {INNER: DELAYED}, f"Invalid argument, '{DELAYED}' can't be used for '{INNER}'"
    ),
}


def _is_unknown(peer: Peer, arguments: dict[str, Any]) -> bool:
    """Expect that there is no such type, where the check says so."""
    if peer.expected is not UNKNOWN:
        return False
    peer.expect_close(
        peer.channel(), Declare, exchange=peer.name(), exchange_type=DELAYED, arguments=arguments
    )
    return True


@cases("exchange.delayed.declare-", ARGUMENTS, ref="3-delayed")
def a_delayed_message_exchange_is_declared(peer: Peer, given: dict[str, Any]) -> None:
    if _is_unknown(peer, given):
        return
    channel, name = peer.channel(), peer.name()
    if isinstance(peer.expected, Close):
        peer.expect_close(channel, Declare, exchange=name, exchange_type=DELAYED, arguments=given)
        return
    for _ in range(2):
        channel.call(Declare, exchange=name, exchange_type=DELAYED, arguments=given)


DELAYS: dict[str, Case[object]] = {
    name: Case(value, expected, rabbitmq_310=NO_PLUGIN)
    for name, value, expected in (
        ("number", 60_000, "waits"),
        ("longest", (1 << 32) - 1, "waits"),
        ("text", "60000", "waits"),
        ("fraction", 60_000.5, "waits"),
        ("too-long", 1 << 32, "at once"),
        ("zero", 0, "at once"),
        ("negative", -60_000, "at once"),
        ("bool", True, "at once"),
    )
}


def _delaying(peer: Peer, channel: Channel) -> tuple[str, str]:
    exchange = peer.exchange(channel, DELAYED, durable=True, arguments={INNER: "direct"})
    queue = peer.queue(channel, durable=True)
    bind(channel, queue, exchange, "k")
    return exchange, queue


@cases("exchange.delayed.delay-", DELAYS, ref="3-delayed")
def a_delay_is_a_number_of_ms_within_its_limits(peer: Peer, given: object) -> None:
    if _is_unknown(peer, {INNER: "direct"}):
        return
    channel = peer.confirming()
    exchange, queue = _delaying(peer, channel)
    channel.publish_confirmed(exchange=exchange, routing_key="k", headers={"x-delay": given})
    channel.await_count(queue, 0 if peer.expected == "waits" else 1)


@check("exchange.delayed.order", ref="3-delayed", rabbitmq_310=NO_PLUGIN)
def messages_come_in_the_order_in_which_they_are_due(peer: Peer) -> None:
    if _is_unknown(peer, {INNER: "direct"}):
        return
    # Nothing waits for a confirm in between: a slow disk would change when they are due.
    channel = peer.channel()
    exchange, queue = _delaying(peer, channel)
    for delay in (300, 100, 200):
        channel.publish(
            str(delay).encode(), exchange=exchange, routing_key="k", headers={"x-delay": delay}
        )
    channel.consume(queue)
    assert channel.bodies(3) == [b"100", b"200", b"300"]


@check("exchange.delayed.header", ref="3-delayed", rabbitmq_310=NO_PLUGIN)
def a_delivery_has_the_delay_negative(peer: Peer) -> None:
    if _is_unknown(peer, {INNER: "direct"}):
        return
    channel = peer.confirming()
    exchange, queue = _delaying(peer, channel)
    channel.publish_confirmed(b"m", exchange=exchange, routing_key="k", headers={"x-delay": 50})
    assert channel.get_soon(queue).headers == {"x-delay": Typed("I", -50)}


@check(
    "exchange.delayed.mandatory",
    ref="3-delayed",
    expect="no return",
    rabbitmq_310=NO_PLUGIN,
    on_purpose=Differs(
        "a message that waits has a place; the plugin returns it and keeps it", UNKNOWN
    ),
)
def a_mandatory_message_that_waits_is_not_returned(peer: Peer) -> None:
    if peer.expected is UNKNOWN and _is_unknown(peer, {INNER: "direct"}):
        return
    channel = peer.confirming()
    exchange, _ = _delaying(peer, channel)
    channel.publish(
        b"m", exchange=exchange, routing_key="nowhere", headers={"x-delay": 60_000}, mandatory=True
    )
    channel.expect(commands.Basic.Ack)
    assert channel.arrived(commands.Basic.Return) == []
