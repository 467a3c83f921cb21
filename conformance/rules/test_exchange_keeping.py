"""Exchanges that keep messages (§3): the last ones, for bindings to come.

The oracle has RabbitMQ's plugin of the type.
"""

from typing import Any

from pamqp import commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.client import Channel
from conformance.peer import Peer, bind, bind_exchange

Declare = commands.Exchange.Declare
HISTORY = "x-recent-history"
LENGTH = "x-recent-history-length"
NO_STORE = "x-recent-history-no-store"


def _not_positive(value: object, term: str) -> Case[dict[str, Any]]:
    text = f"Invalid argument {term}, '{LENGTH}' must be a positive integer"
    return Case({LENGTH: value}, Close(406, text, "channel"))


ARGUMENTS: dict[str, Case[dict[str, Any]]] = {
    "none": Case({}, "declared"),
    "length": Case({LENGTH: 5}, "declared"),
    "length-zero": _not_positive(0, "0"),
    "length-negative": _not_positive(-1, "-1"),
    "length-text": _not_positive("5", '<<"5">>'),
    "length-bool": _not_positive(value=True, term="true"),
    "length-fraction": _not_positive(2.5, "2.5"),
}


@cases("exchange.recent-history.declare-", ARGUMENTS, ref="3-recent-history")
def a_recent_history_exchange_is_declared(peer: Peer, given: dict[str, Any]) -> None:
    channel, name = peer.channel(), peer.name()
    if isinstance(peer.expected, Close):
        peer.expect_close(channel, Declare, exchange=name, exchange_type=HISTORY, arguments=given)
        return
    for _ in range(2):
        channel.call(Declare, exchange=name, exchange_type=HISTORY, arguments=given)


def _remembering(peer: Peer, channel: Channel, count: int, length: int | None) -> str:
    """Return an exchange that ``count`` messages were published to: 0, 1 and so on."""
    exchange = peer.exchange(
        channel, HISTORY, arguments=None if length is None else {LENGTH: length}
    )
    for number in range(count):
        channel.publish_confirmed(str(number).encode(), exchange=exchange, routing_key=f"k{number}")
    return exchange


def _all_of(channel: Channel, queue: str, count: int) -> list[bytes]:
    channel.await_count(queue, count)
    return [event.body for event in channel.drain(queue)]


@check("exchange.recent-history.bound", ref="3-recent-history")
def a_binding_gets_the_last_messages_oldest_first(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = _remembering(peer, channel, 5, length=3)
    queue = peer.bound_queue(channel, exchange, "no key of theirs")
    channel.await_count(queue, 3)
    for number in (2, 3, 4):
        channel.send(commands.Basic.Get, queue=queue, no_ack=True)
        event = channel.connection.expect_event(channel.number, commands.Basic.GetOk)
        assert isinstance(event.method, commands.Basic.GetOk)
        assert event.body == str(number).encode()
        assert (event.method.exchange, event.method.routing_key) == (exchange, f"k{number}")
    channel.publish_confirmed(b"live", exchange=exchange)
    assert _all_of(channel, queue, 1) == [b"live"]


@check("exchange.recent-history.default", ref="3-recent-history")
def without_a_length_twenty_are_remembered(peer: Peer) -> None:
    channel = peer.confirming()
    queue = peer.bound_queue(channel, _remembering(peer, channel, 25, length=None))
    assert _all_of(channel, queue, 20) == [str(number).encode() for number in range(5, 25)]


@check("exchange.recent-history.bound-twice", ref="3-recent-history")
def each_new_binding_of_a_queue_gets_them(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = _remembering(peer, channel, 2, length=9)
    queue = peer.bound_queue(channel, exchange, "a")
    assert _all_of(channel, queue, 2) == [b"0", b"1"]
    bind(channel, queue, exchange, "b")
    assert _all_of(channel, queue, 2) == [b"0", b"1"]
    bind(channel, queue, exchange, "b")
    assert _all_of(channel, queue, 0) == []


@check("exchange.recent-history.no-store", ref="3-recent-history")
def only_a_true_header_keeps_a_message_out(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = _remembering(peer, channel, 0, length=9)
    for value in (True, False, "true", 1):
        channel.publish_confirmed(str(value).encode(), exchange=exchange, headers={NO_STORE: value})
    queue = peer.bound_queue(channel, exchange)
    assert _all_of(channel, queue, 3) == [b"False", b"true", b"1"]


@check("exchange.recent-history.mandatory", ref="3-recent-history")
def what_is_only_remembered_has_no_route(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = _remembering(peer, channel, 0, length=9)
    channel.publish(b"m", exchange=exchange, mandatory=True)
    assert channel.expect(commands.Basic.Return).reply_code == 312
    channel.expect(commands.Basic.Ack)
    assert _all_of(channel, peer.bound_queue(channel, exchange), 1) == [b"m"]


@check("exchange.recent-history.alternate", ref="3-recent-history")
def what_is_only_remembered_goes_to_the_alternate_exchange(peer: Peer) -> None:
    channel = peer.confirming()
    other = peer.exchange(channel, "fanout")
    rest = peer.bound_queue(channel, other)
    exchange = peer.exchange(channel, HISTORY, arguments={"alternate-exchange": other})
    channel.publish_confirmed(b"m", exchange=exchange)
    assert _all_of(channel, rest, 1) == [b"m"]


@check(
    "exchange.recent-history.exchange",
    ref="3-recent-history",
    expect=[b"0", b"1"],
    on_purpose=Differs(
        "an exchange gets them in the order of publishing, as a queue does", [b"1", b"0"]
    ),
)
def an_exchange_that_is_bound_routes_them(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = _remembering(peer, channel, 2, length=9)
    topic = peer.exchange(channel, "topic")
    queue = peer.bound_queue(channel, topic, "#")
    bind_exchange(channel, topic, exchange, "no key of theirs")
    assert _all_of(channel, queue, 2) == peer.expected


@check(
    "exchange.recent-history.exchange-without-a-queue",
    ref="3-recent-history",
    expect="bound",
    on_purpose=Differs("a binding does not depend on what was published", "541"),
)
def an_exchange_that_leads_nowhere_is_bound(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = _remembering(peer, channel, 1, length=9)
    to = peer.exchange(channel, "topic")
    if peer.expected == "541":
        channel.send(commands.Exchange.Bind, destination=to, source=exchange, routing_key="")
        assert channel.connection.await_close().code == 541
        return
    bind_exchange(channel, to, exchange)


@check("exchange.random.without-a-queue", ref="3-random")
def a_random_exchange_without_a_binding_has_no_route(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = peer.exchange(channel, "x-random")
    channel.publish(b"m", exchange=exchange, mandatory=True)
    assert channel.expect(commands.Basic.Return).reply_code == 312
    channel.expect(commands.Basic.Ack)


@check("exchange.random.exchange", ref="3-random")
def a_random_exchange_may_choose_an_exchange(peer: Peer) -> None:
    channel = peer.confirming()
    exchange, fanout = peer.exchange(channel, "x-random"), peer.exchange(channel, "fanout")
    queues = [peer.bound_queue(channel, exchange, "a"), peer.bound_queue(channel, fanout, "b")]
    bind_exchange(channel, fanout, exchange)
    for _ in range(64):
        channel.publish_confirmed(b"m", exchange=exchange)
    counts = [channel.settle(queue).message_count or 0 for queue in queues]
    assert sum(counts) == 64
    assert min(counts) >= 10
