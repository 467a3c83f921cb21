"""Exchanges that choose one destination for each message, by a hash or by chance (§3).

The oracle has RabbitMQ's plugins of these types. Which queue a hash leads to is each broker's own
affair: the checks ask for one queue per message, the same for the same key, and for even shares.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pamqp import commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.client import Channel
from conformance.peer import Peer, bind, bind_exchange

Declare = commands.Exchange.Declare
HASH = "x-consistent-hash"
HASHES = (HASH, "x-modulus-hash")
KEYS = [f"device-{number}" for number in range(200)]
ORDER = "x-stream-partition-order"

ARGUMENTS: dict[str, Case[dict[str, Any]]] = {
    "none": Case({}, "declared"),
    "header": Case({"hash-header": "device"}, "declared"),
    "header-empty": Case({"hash-header": ""}, "declared"),
    "message-id": Case({"hash-property": "message_id"}, "declared"),
    "correlation-id": Case({"hash-property": "correlation_id"}, "declared"),
    "timestamp": Case({"hash-property": "timestamp"}, "declared"),
    "property-other": Case(
        {"hash-property": "app_id"}, Close(406, "Unsupported property: app_id", "channel")
    ),
    "property-empty": Case({"hash-property": ""}, Close(406, "Unsupported property: ", "channel")),
    "both": Case(
        {"hash-header": "h", "hash-property": "message_id"},
        Close(406, "hash-header and hash-property are mutually exclusive", "channel"),
    ),
    "both-and-one-wrong": Case(
        {"hash-header": "h", "hash-property": "app_id"},
        Close(406, "hash-header and hash-property are mutually exclusive", "channel"),
    ),
    "header-number": Case(
        {"hash-header": 1},
        Close(406, "hash-header must be a string, not 1", "channel"),
        on_purpose=Differs("RabbitMQ's plugin crashes, and the connection with it", "541"),
    ),
}


@cases("exchange.consistent-hash.declare-", ARGUMENTS, ref="3-consistent-hash")
def a_consistent_hash_exchange_is_declared(peer: Peer, given: dict[str, Any]) -> None:
    channel, name = peer.channel(), peer.name()
    if isinstance(peer.expected, Close):
        peer.expect_close(channel, Declare, exchange=name, exchange_type=HASH, arguments=given)
    elif peer.expected == "541":
        channel.send(Declare, exchange=name, exchange_type=HASH, arguments=given)
        assert channel.connection.await_close().code == 541
    else:
        for _ in range(2):
            channel.call(Declare, exchange=name, exchange_type=HASH, arguments=given)


@check("exchange.consistent-hash.redeclare", ref="3-consistent-hash")
def what_is_hashed_is_not_compared(peer: Peer) -> None:
    channel = peer.channel()
    name = peer.exchange(channel, HASH, arguments={"hash-header": "a"})
    for arguments in ({"hash-header": "b"}, {"hash-property": "app_id"}, {}):
        channel.call(Declare, exchange=name, exchange_type=HASH, arguments=arguments)


def _no_integer(key: str, term: str) -> Case[str]:
    return Case(key, Close(406, f"The binding key must be an integer: {term}", "channel"))


WEIGHTS = {
    "one": Case("1", "bound"),
    "plus": Case("+7", "bound"),
    "zeros": Case("0010", "bound"),
    "most": Case("10000", "bound"),
    "more": Case(
        "10001",
        Close(406, "The binding key must not exceed 10000", "channel"),
        on_purpose=Differs(
            "the limit is 4.3's; before, a weight took any time and memory", "bound"
        ),
    ),
    "zero": Case("0", Close(406, "The binding key must be greater than 0", "channel")),
    "negative": Case("-1", Close(406, "The binding key must be greater than 0", "channel")),
    "word": _no_integer("x", '<<"x">>'),
    "empty": _no_integer("", "<<>>"),
    "space": _no_integer(" 1", '<<" 1">>'),
    "line": _no_integer("1\n", '<<"1\\n">>'),
    "underscore": _no_integer("1_0", '<<"1_0">>'),
    "fraction": _no_integer("1.5", '<<"1.5">>'),
}


@cases("exchange.consistent-hash.weight-", WEIGHTS, ref="3-consistent-hash")
def the_binding_key_of_a_consistent_hash_exchange_is_a_weight(peer: Peer, given: str) -> None:
    channel = peer.channel()
    exchange, queue = peer.exchange(channel, HASH), peer.queue(channel)
    if isinstance(peer.expected, Close):
        peer.expect_close(
            channel, commands.Queue.Bind, exchange=exchange, queue=queue, routing_key=given
        )
    else:
        bind(channel, queue, exchange, given)


def _bodies(channel: Channel, queue: str) -> list[bytes]:
    found = []
    for _ in range(channel.settle(queue).message_count or 0):
        event = channel.get(queue)
        assert event is not None, "it was counted"
        found.append(event.body)
    return found


def _placed(
    channel: Channel,
    queues: Sequence[str],
    publish: Callable[[str], None],
    keys: Sequence[str] = KEYS,
) -> dict[bytes, str]:
    """Publish a message for each key, whose body is the key; return its queue."""
    for key in keys:
        publish(key)
    placed: dict[bytes, str] = {}
    for queue in queues:
        for body in _bodies(channel, queue):
            assert body not in placed, f"{body!r} came twice"
            placed[body] = queue
    assert len(placed) == len(keys), f"{len(placed)} of {len(keys)} messages arrived"
    return placed


def _by_key(channel: Channel, exchange: str) -> Callable[[str], None]:
    def publish(key: str) -> None:
        channel.publish(key.encode(), exchange=exchange, routing_key=key)

    return publish


@cases("exchange.hash.", {kind: Case(kind, "one queue each") for kind in HASHES}, ref="3-hash")
def a_key_goes_to_one_queue_and_always_the_same(peer: Peer, given: str) -> None:
    channel = peer.confirming()
    exchange = peer.exchange(channel, given)
    queues = [peer.bound_queue(channel, exchange, "1") for _ in range(4)]
    placed = _placed(channel, queues, _by_key(channel, exchange))
    assert min([[*placed.values()].count(queue) for queue in queues]) >= 25
    assert _placed(channel, queues, _by_key(channel, exchange)) == placed


@cases("exchange.hash.cc-", {kind: Case(kind, "one copy") for kind in HASHES}, ref="3-hash")
def a_message_with_several_keys_is_placed_once(peer: Peer, given: str) -> None:
    channel = peer.confirming()
    exchange = peer.exchange(channel, given)
    queues = [peer.bound_queue(channel, exchange, "1") for _ in range(4)]
    several = {"CC": ["a", "b", "c"], "BCC": ["d"]}
    _placed(
        channel,
        queues,
        lambda key: channel.publish(
            key.encode(), exchange=exchange, routing_key=key, headers=several
        ),
    )


@cases("exchange.hash.unbound-", {kind: Case(kind, "returned") for kind in HASHES}, ref="3-hash")
def without_bindings_a_message_goes_nowhere(peer: Peer, given: str) -> None:
    channel = peer.confirming()
    exchange = peer.exchange(channel, given)
    channel.publish(b"m", exchange=exchange, mandatory=True)
    assert channel.expect(commands.Basic.Return).reply_code == 312


@cases(
    "exchange.hash.alternate-",
    {kind: Case(kind, "to the alternate") for kind in HASHES},
    ref="3-hash",
)
def without_bindings_the_alternate_exchange_gets_it(peer: Peer, given: str) -> None:
    channel = peer.channel()
    alternate = peer.exchange(channel, "fanout")
    exchange = peer.exchange(channel, given, arguments={"alternate-exchange": alternate})
    queue = peer.bound_queue(channel, alternate)
    channel.publish(b"m", exchange=exchange)
    channel.await_count(queue, 1)


@cases(
    "exchange.hash.to-exchange-",
    {kind: Case(kind, "through an exchange") for kind in HASHES},
    ref="3-hash",
)
def exchanges_are_destinations_too(peer: Peer, given: str) -> None:
    channel = peer.confirming()
    front, exchange = peer.exchange(channel, "fanout"), peer.exchange(channel, given)
    bind_exchange(channel, exchange, front)
    behind = [peer.exchange(channel, "fanout") for _ in range(3)]
    for each in behind:
        bind_exchange(channel, each, exchange, "1")
    queues = [peer.bound_queue(channel, each) for each in behind]
    placed = _placed(channel, queues, _by_key(channel, front))
    assert set(placed.values()) == set(queues)


@check("exchange.consistent-hash.shares", ref="3-consistent-hash")
def weights_are_shares(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = peer.exchange(channel, HASH)
    small, large = (peer.bound_queue(channel, exchange, weight) for weight in ("10", "90"))
    placed = [*_placed(channel, [small, large], _by_key(channel, exchange)).values()]
    assert 4 <= placed.count(small) <= 45


@check("exchange.consistent-hash.bound-twice", ref="3-consistent-hash")
def of_two_bindings_of_a_queue_the_first_counts(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = peer.exchange(channel, HASH)
    twice, once = (peer.bound_queue(channel, exchange, "1") for _ in range(2))
    bind(channel, twice, exchange, "99")
    placed = [*_placed(channel, [twice, once], _by_key(channel, exchange)).values()]
    assert 60 <= placed.count(twice) <= 140


@check(
    "exchange.consistent-hash.bound-twice-unbound-once",
    ref="3-consistent-hash",
    expect="the queue keeps its share",
    on_purpose=Differs(
        "the queue is still bound, and RabbitMQ gives it its share again after a restart",
        "the queue gets nothing",
    ),
)
def of_two_bindings_of_a_queue_one_goes(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = peer.exchange(channel, HASH)
    twice, once = (peer.bound_queue(channel, exchange, "1") for _ in range(2))
    bind(channel, twice, exchange, "99")
    channel.call(commands.Queue.Unbind, exchange=exchange, queue=twice, routing_key="99")
    placed = [*_placed(channel, [twice, once], _by_key(channel, exchange)).values()]
    keeps = peer.expected == "the queue keeps its share"
    assert (placed.count(twice) >= 60) is keeps, placed.count(twice)


@check("exchange.consistent-hash.bind-moves", ref="3-consistent-hash")
def a_queue_that_comes_takes_keys_and_moves_no_others(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = peer.exchange(channel, HASH)
    queues = [peer.bound_queue(channel, exchange, "10") for _ in range(3)]
    before = _placed(channel, queues, _by_key(channel, exchange))
    new = peer.bound_queue(channel, exchange, "10")
    after = _placed(channel, [*queues, new], _by_key(channel, exchange))
    assert {queue for key, queue in after.items() if queue != before[key]} == {new}


@check(
    "exchange.consistent-hash.unbind-moves",
    ref="3-consistent-hash",
    expect="only the keys of the queue that goes",
    on_purpose=Differs(
        "RabbitMQ moves all buckets behind those that go down by their number, and their keys with "
        "them to other queues; HareMQ places by names and weights alone, so that a restart or an "
        "import moves nothing either",
        "most keys",
    ),
)
def when_the_first_of_four_queues_goes_keys_move(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = peer.exchange(channel, HASH)
    queues = [peer.bound_queue(channel, exchange, "10") for _ in range(4)]
    before = _placed(channel, queues, _by_key(channel, exchange))
    channel.call(commands.Queue.Unbind, exchange=exchange, queue=queues[0], routing_key="10")
    after = _placed(channel, queues, _by_key(channel, exchange))
    moved = {key for key, queue in after.items() if queue != before[key]}
    had_to = {key for key, queue in before.items() if queue == queues[0]}
    assert (moved == had_to) is (peer.expected != "most keys"), (len(moved), len(had_to))


HASHED: dict[str, Case[tuple[dict[str, Any], Callable[[int], dict[str, Any]]]]] = {
    "header": Case(({"hash-header": "h"}, lambda n: {"headers": {"h": f"v{n}"}}), "placed"),
    "header-number": Case(({"hash-header": "h"}, lambda n: {"headers": {"h": n}}), "placed"),
    "message-id": Case(
        ({"hash-property": "message_id"}, lambda n: {"message_id": f"v{n}"}), "placed"
    ),
    "correlation-id": Case(
        ({"hash-property": "correlation_id"}, lambda n: {"correlation_id": f"v{n}"}), "placed"
    ),
    "timestamp": Case(
        ({"hash-property": "timestamp"}, lambda n: {"timestamp": 1_700_000_000 + n}), "placed"
    ),
}


@cases("exchange.consistent-hash.by-", HASHED, ref="3-consistent-hash")
def a_header_or_property_is_hashed_instead_of_the_key(
    peer: Peer, given: tuple[dict[str, Any], Callable[[int], dict[str, Any]]]
) -> None:
    arguments, properties = given
    channel = peer.confirming()
    exchange = peer.exchange(channel, HASH, arguments=arguments)
    queues = [peer.bound_queue(channel, exchange, "1") for _ in range(3)]

    def publish(body: str) -> None:
        channel.publish(
            body.encode(), exchange=exchange, routing_key="same", **properties(int(body))
        )

    numbers = [str(number) for number in range(120)]
    placed = _placed(channel, queues, publish, numbers)
    assert min([[*placed.values()].count(queue) for queue in queues]) >= 15
    assert _placed(channel, queues, publish, numbers) == placed
    without = _placed(channel, queues, _by_key(channel, exchange), KEYS[:20])
    assert len(set(without.values())) == 1, "those without it go to one queue"


@check("exchange.modulus-hash.bound-twice", ref="3-modulus-hash")
def modulo_the_bindings_a_queue_counts_as_often_as_it_is_bound(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = peer.exchange(channel, "x-modulus-hash")
    once, thrice = (peer.bound_queue(channel, exchange, "a") for _ in range(2))
    for key in ("", "not a number"):
        bind(channel, thrice, exchange, key)
    placed = [*_placed(channel, [once, thrice], _by_key(channel, exchange)).values()]
    assert placed.count(thrice) > placed.count(once) * 1.5


@check("exchange.random", ref="3-random")
def chance_decides_for_each_message(peer: Peer) -> None:
    channel = peer.confirming()
    exchange = peer.exchange(channel, "x-random")
    queues = [peer.bound_queue(channel, exchange, key) for key in ("", "k", "k")]

    def publish(key: str) -> None:
        channel.publish(key.encode(), exchange=exchange, routing_key="same")

    placed = [*_placed(channel, queues, publish).values()]
    assert min([placed.count(queue) for queue in queues]) >= 25


SUPER_STREAM = {"x-super-stream": True}
UNKNOWN = Differs(
    "the type is HareMQ's own; RabbitMQ's super streams are direct exchanges",
    Close(503, "unknown exchange type 'x-super-stream'", "connection"),
)


@check(
    "exchange.super-stream",
    ref="3-super-stream",
    expect="where the Java, Go and .NET stream clients place it",
    on_purpose=UNKNOWN,
)
def a_key_goes_to_the_partition_of_stream_clients(peer: Peer) -> None:
    channel = peer.channel()
    if isinstance(peer.expected, Close):
        peer.expect_close(channel, Declare, exchange=peer.name(), exchange_type="x-super-stream")
        return
    exchange = peer.exchange(channel, "x-super-stream")
    partitions = [peer.bound_queue(channel, exchange, "", {ORDER: number}) for number in range(5)]
    expected = {"0": 0, "5": 1, "hello1": 0, "invoice-1": 1, "device-00042": 3, "Zürich": 3}
    placed = _placed(channel, partitions, _by_key(channel, exchange), [*expected])
    assert placed == {key.encode(): partitions[number] for key, number in expected.items()}


@check("exchange.super-stream.direct", ref="3-super-stream")
def a_direct_exchange_may_be_marked_as_a_super_stream(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel, "direct", durable=True, arguments=SUPER_STREAM)
    queues = [peer.queue(channel, durable=True) for _ in range(2)]
    for number, queue in enumerate(queues):
        bind(channel, queue, exchange, str(number), {ORDER: number})
    channel.publish(b"m", exchange=exchange, routing_key="1")
    channel.await_count(queues[1], 1)
    channel.await_count(queues[0], 0)
