"""How exchanges route: by their type, to each other, and to an alternate (§1.5, §3)."""

from typing import Any

from pamqp import commands

from conformance import fields
from conformance.check import Case, Close, Differs, cases, check
from conformance.client import Channel
from conformance.fields import Decimal, Typed
from conformance.peer import Peer, bind, bind_exchange

DIRECT = {
    "equal": Case(("key", "key"), True),
    "other-case": Case(("key", "KEY"), False),
    "empty": Case(("x", ""), False),
    "no-pattern": Case(("a.*", "a.b"), False),
}


def _expect_routed(peer: Peer, channel: Channel, queue: str) -> None:
    channel.await_count(queue, 1 if peer.expected else 0)


@cases("exchange.direct.", DIRECT, ref="3-direct-fanout")
def direct_routes_on_the_exact_key(peer: Peer, given: tuple[str, str]) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel, "direct")
    queue = peer.bound_queue(channel, exchange, given[0])
    channel.publish(b"m", exchange=exchange, routing_key=given[1])
    _expect_routed(peer, channel, queue)


@check("exchange.fanout", ref="3-direct-fanout")
def fanout_routes_to_every_queue_whatever_the_key(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel, "fanout")
    queues = [peer.bound_queue(channel, exchange, key) for key in ("", "a", "b")]
    channel.publish(b"m", exchange=exchange, routing_key="whatever")
    for queue in queues:
        channel.await_count(queue, 1)


@check("exchange.default", ref="3-predeclared")
def the_default_exchange_routes_by_queue_name(peer: Peer) -> None:
    channel = peer.channel()
    queue, other = peer.queue(channel), peer.queue(channel)
    channel.publish(b"m", routing_key=queue)
    channel.await_count(queue, 1)
    channel.await_count(other, 0)


TOPIC_ROWS = [
    ("a.b.c", "a.b.c", True),
    ("a.b.c", "a.b", False),
    ("*", "a", True),
    ("*", "", False),
    ("*", "a.b", False),
    ("*.b", "a.b", True),
    ("*.b", ".b", True),
    ("a.*.c", "a.b.c", True),
    ("a.*.c", "a..c", True),
    ("a.*.c", "a.c", False),
    ("a.*.c", "a.b.b.c", False),
    ("#", "", True),
    ("#", "a.b.c", True),
    ("a.#", "a", True),
    ("a.#", "a.b.c", True),
    ("a.#", "ab", False),
    ("#.c", "c", True),
    ("#.c", "a.b.c", True),
    ("a.#.c", "a.c", True),
    ("a.#.c", "a.b.b.c", True),
    ("#.#", "", True),
    ("#.*", "", False),
    ("#.*", "a", True),
    ("*.#", "a", True),
    ("*.*.#", "a", False),
    ("a.#.b.#", "a.x.b", True),
    ("", "", True),
    ("", "a", False),
    (".", ".", True),
    ("a.", "a.", True),
    ("a.", "a", False),
    ("a*", "ab", False),
    ("a*", "a*", True),
    ("a#.b", "a.b", False),
    ("é.*", "é.漢", True),
]
TOPIC = {
    f"{pattern}-{key}".replace("..", ".empty."): Case((pattern, key), matches)
    for pattern, key, matches in TOPIC_ROWS
}


@cases("exchange.topic:", TOPIC, ref="3-topic")
def topic_matches_word_by_word(peer: Peer, given: tuple[str, str]) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel, "topic")
    queue = peer.bound_queue(channel, exchange, given[0])
    channel.publish(b"m", exchange=exchange, routing_key=given[1])
    _expect_routed(peer, channel, queue)


@check("exchange.topic.128-words", ref="3-topic")
def a_key_of_127_dots_is_matched_word_by_word(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel, "topic")
    every = peer.bound_queue(channel, exchange, ".".join("*" * 128))
    fewer = peer.bound_queue(channel, exchange, ".".join("*" * 127))
    channel.publish(b"m", exchange=exchange, routing_key="." * 127)
    channel.await_count(every, 1)
    channel.await_count(fewer, 0)


@check("exchange.topic.unbind", ref="3-topic")
def an_unbound_pattern_matches_no_longer(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel, "topic")
    queue = peer.bound_queue(channel, exchange, "a.#")
    bind(channel, queue, exchange, "a.b.#")
    channel.call(commands.Queue.Unbind, queue=queue, exchange=exchange, routing_key="a.#")
    channel.publish(b"m", exchange=exchange, routing_key="a")
    channel.publish(b"m", exchange=exchange, routing_key="a.b.c")
    channel.await_count(queue, 1)


def _headers(
    binding: dict[str, Any], headers: dict[str, Any] | None, *, matches: bool
) -> Case[tuple[dict[str, Any], dict[str, Any] | None]]:
    return Case((binding, headers), matches)


HEADERS: dict[str, Case[tuple[dict[str, Any], dict[str, Any] | None]]] = {
    "all": _headers({"x-match": "all", "a": "1", "b": "2"}, {"a": "1", "b": "2"}, matches=True),
    "all-is-the-default": _headers({"a": "1", "b": "2"}, {"a": "1"}, matches=False),
    "all-more": _headers({"x-match": "all", "a": "1"}, {"a": "1", "z": "9"}, matches=True),
    "all-other-value": _headers({"x-match": "all", "a": "1"}, {"a": "2"}, matches=False),
    "all-missing": _headers({"x-match": "all", "a": "1", "b": "2"}, {"a": "1"}, matches=False),
    "all-empty": _headers({"x-match": "all"}, {"a": "1"}, matches=True),
    "all-empty-no-headers": _headers({"x-match": "all"}, None, matches=True),
    "any": _headers({"x-match": "any", "a": "1", "b": "2"}, {"b": "2"}, matches=True),
    "any-none": _headers(
        {"x-match": "any", "a": "1", "b": "2"}, {"a": "2", "c": "1"}, matches=False
    ),
    "any-empty": _headers({"x-match": "any"}, {"a": "1"}, matches=False),
    "no-headers": _headers({"x-match": "any", "a": "1"}, None, matches=False),
    "void-present": _headers({"x-match": "all", "a": None}, {"a": "whatever"}, matches=True),
    "void-absent": _headers({"x-match": "all", "a": None}, {"b": "1"}, matches=False),
    "void-any": _headers({"x-match": "any", "a": None, "b": "1"}, {"a": 5}, matches=True),
    "void-header-for-value": _headers({"x-match": "all", "a": "1"}, {"a": None}, matches=False),
    "int-widths": _headers({"a": Typed("b", 1)}, {"a": Typed("l", 1)}, matches=True),
    "int-string": _headers({"a": 1}, {"a": "1"}, matches=False),
    "int-float": Case(
        ({"a": 1}, {"a": 1.0}),
        False,
        rabbitmq_310=Differs("3.10 compares numbers by value alone", True),
    ),
    "bool": _headers({"a": True}, {"a": True}, matches=True),
    "bool-int": _headers({"a": True}, {"a": 1}, matches=False),
    "decimal": _headers(
        {"a": Typed("D", Decimal(2, 314))}, {"a": Typed("D", Decimal(2, 314))}, matches=True
    ),
    "timestamp-int": _headers({"a": Typed("T", 5)}, {"a": Typed("I", 5)}, matches=True),
    "table": _headers({"a": {"b": 1}}, {"a": {"b": 1}}, matches=True),
    "list": _headers({"a": [1, "x"]}, {"a": [1, "x"]}, matches=True),
    "list-order": _headers({"a": [1, 2]}, {"a": [2, 1]}, matches=False),
    "list-item-types": _headers({"a": [Typed("I", 1)]}, {"a": [Typed("l", 1)]}, matches=False),
    "list-item-strings": _headers({"a": ["x"]}, {"a": [b"x"]}, matches=False),
    "list-item-table-order": _headers(
        {"a": [{"b": 1, "c": 2}]}, {"a": [{"c": 2, "b": 1}]}, matches=False
    ),
    "list-empty-table": _headers({"a": []}, {"a": {}}, matches=True),
    "table-order": _headers({"a": {"b": 1, "c": 2}}, {"a": {"c": 2, "b": 1}}, matches=False),
    "table-value-types": _headers(
        {"a": {"b": Typed("I", 1)}}, {"a": {"b": Typed("l", 1)}}, matches=False
    ),
    "table-void-is-no-pattern": _headers({"a": {"b": None}}, {"a": {"b": 1}}, matches=False),
    "table-part": _headers({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, matches=False),
    "x-ignored": _headers({"x-match": "all", "x-a": "1", "b": "2"}, {"b": "2"}, matches=True),
    "x-ignored-any": _headers({"x-match": "any", "x-a": "1"}, {"x-a": "1"}, matches=False),
    "all-with-x": _headers(
        {"x-match": "all-with-x", "x-a": "1", "b": "2"}, {"x-a": "1", "b": "2"}, matches=True
    ),
    "all-with-x-missing": _headers(
        {"x-match": "all-with-x", "x-a": "1", "b": "2"}, {"b": "2"}, matches=False
    ),
    "any-with-x": _headers({"x-match": "any-with-x", "x-a": "1"}, {"x-a": "1"}, matches=True),
    "any-with-x-other": _headers(
        {"x-match": "any-with-x", "x-a": "1"}, {"x-a": "2"}, matches=False
    ),
}


@cases("exchange.headers.", HEADERS, ref="3-headers", ninth=24)
def headers_matches_tables(peer: Peer, given: tuple[dict[str, Any], dict[str, Any] | None]) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel, "headers")
    queue = peer.bound_queue(channel, exchange, "ignored", given[0])
    raw = fields.properties() if given[1] is None else fields.properties(headers=given[1])
    channel.publish(b"m", exchange=exchange, routing_key="other", raw_properties=raw)
    _expect_routed(peer, channel, queue)


@check("exchange.headers.1000-arguments", ref="3-headers", ninth=24)
def a_binding_of_a_thousand_arguments_is_matched(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel, "headers")
    table = {f"key-{index}": index for index in range(1000)}
    queue = peer.bound_queue(channel, exchange, "", table)
    channel.publish(b"m", exchange=exchange, headers=table)
    channel.publish(b"m", exchange=exchange, headers={**table, "key-999": -1})
    channel.await_count(queue, 1)


@check("exchange.to-exchange", ref="1.5-exchange-to-exchange", ninth=23)
def a_message_passes_through_exchanges_with_the_key_it_came_with(peer: Peer) -> None:
    channel = peer.channel()
    first, second = peer.exchange(channel, "topic"), peer.exchange(channel, "direct")
    bind_exchange(channel, second, first, "a.#")
    queue = peer.bound_queue(channel, second, "a.b")
    channel.publish(b"m", exchange=first, routing_key="a.b")
    event = channel.get_one(queue)
    assert (event.method["exchange"], event.method["routing_key"]) == (first, "a.b")


@check("exchange.to-exchange.cycle", ref="1.5-exchange-to-exchange", ninth=23)
def a_cycle_of_exchanges_gives_one_copy(peer: Peer) -> None:
    channel = peer.channel()
    ring = [peer.exchange(channel, "fanout") for _ in range(3)]
    for source, destination in zip(ring, ring[1:] + ring[:1], strict=True):
        bind_exchange(channel, destination, source)
    bind_exchange(channel, ring[0], ring[0])
    queue = peer.bound_queue(channel, ring[2])
    channel.publish(b"m", exchange=ring[0])
    channel.await_count(queue, 1)


@check("exchange.to-exchange.diamond", ref="1.5-exchange-to-exchange", ninth=23)
def two_ways_to_a_queue_give_one_copy(peer: Peer) -> None:
    channel = peer.channel()
    top, left, right = (peer.exchange(channel, "fanout") for _ in range(3))
    bind_exchange(channel, left, top)
    bind_exchange(channel, right, top)
    queue = peer.bound_queue(channel, left)
    bind(channel, queue, right)
    bind(channel, queue, top)
    channel.publish(b"m", exchange=top)
    channel.await_count(queue, 1)


@check("exchange.to-exchange.unbind", ref="1.5-exchange-to-exchange")
def an_unbound_exchange_gets_nothing(peer: Peer) -> None:
    channel = peer.channel()
    first, second = peer.exchange(channel, "fanout"), peer.exchange(channel, "fanout")
    bind_exchange(channel, second, first)
    queue = peer.bound_queue(channel, second)
    channel.call(commands.Exchange.Unbind, destination=second, source=first)
    channel.publish(b"m", exchange=first)
    channel.await_count(queue, 0)


def _alternate(to: str) -> dict[str, Any]:
    return {"arguments": {"alternate-exchange": to}}


@check("exchange.alternate", ref="1.5-alternate-exchange", ninth=23)
def the_alternate_gets_what_routes_nowhere(peer: Peer) -> None:
    channel = peer.channel()
    alternate = peer.exchange(channel, "fanout")
    exchange = peer.exchange(channel, "direct", **_alternate(alternate))
    known, lost = peer.bound_queue(channel, exchange, "k"), peer.bound_queue(channel, alternate)
    channel.publish(b"1", exchange=exchange, routing_key="k")
    channel.publish(b"2", exchange=exchange, routing_key="other")
    assert [event.body for event in channel.drain(known)] == [b"1"]
    events = list(channel.drain(lost))
    assert [event.body for event in events] == [b"2"]
    assert events[0].method["exchange"] == exchange


@check("exchange.alternate.chain", ref="1.5-alternate-exchange", ninth=23)
def alternates_may_be_chained(peer: Peer) -> None:
    channel = peer.channel()
    last = peer.exchange(channel, "fanout")
    middle = peer.exchange(channel, "direct", **_alternate(last))
    first = peer.exchange(channel, "direct", **_alternate(middle))
    queue = peer.bound_queue(channel, last)
    channel.publish(b"m", exchange=first, routing_key="k")
    channel.await_count(queue, 1)


@check("exchange.alternate.cycle", ref="1.5-alternate-exchange", ninth=23)
def a_cycle_of_alternates_ends(peer: Peer) -> None:
    channel = peer.confirming()
    names = [peer.name() for _ in range(2)]
    for name, other in (names, names[::-1]):
        channel.call(
            commands.Exchange.Declare,
            exchange=name,
            exchange_type="direct",
            **_alternate(other),
        )
    ack = channel.publish_confirmed(b"m", exchange=names[0], routing_key="k")
    assert isinstance(ack, commands.Basic.Ack)


@check("exchange.alternate.mandatory", ref="1.5-alternate-exchange", ninth=23)
def what_the_alternate_routes_is_routed_for_mandatory(peer: Peer) -> None:
    channel = peer.confirming()
    alternate = peer.exchange(channel, "fanout")
    exchange = peer.exchange(channel, "direct", **_alternate(alternate))
    queue = peer.bound_queue(channel, alternate)
    channel.publish_confirmed(b"m", exchange=exchange, routing_key="k", mandatory=True)
    assert not channel.arrived(commands.Basic.Return)
    channel.await_count(queue, 1)


@check("exchange.alternate.missing", ref="1.5-alternate-exchange")
def a_missing_alternate_loses_the_message(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = peer.exchange(channel, "direct", **_alternate(peer.name()))
    ack = channel.publish_confirmed(b"m", exchange=exchange, routing_key="k")
    assert isinstance(ack, commands.Basic.Ack)


@check(
    "exchange.internal.publish",
    ref="1.5-internal",
    expect=Close(
        403, "cannot publish to internal exchange '{name}' in vhost '/'", "channel", (60, 40)
    ),
)
def nobody_may_publish_to_an_internal_exchange(peer: Peer) -> None:
    channel = peer.channel()
    name = peer.exchange(channel, internal=True)
    channel.publish(b"m", exchange=name)
    peer.expect_close(channel, fill={"name": name})


@check("exchange.internal.bound", ref="1.5-internal")
def an_internal_exchange_routes_what_another_passes_on(peer: Peer) -> None:
    channel = peer.channel()
    inner = peer.exchange(channel, "fanout", internal=True)
    outer = peer.exchange(channel, "direct", **_alternate(inner))
    queue = peer.bound_queue(channel, inner)
    bind_exchange(channel, inner, outer, "k")
    channel.publish(b"m", exchange=outer, routing_key="k")
    channel.publish(b"m", exchange=outer, routing_key="to the alternate")
    channel.await_count(queue, 2)
