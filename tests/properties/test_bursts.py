"""Publishes in a burst have the same result, to the octet, as one stretch after another."""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import NamedTuple, TypeVar
from unittest.mock import patch

from hypothesis import event, example, given
from hypothesis import strategies as st
from pamqp import commands

from amqp_server.protocol import connection
from amqp_server.protocol.publish_path import PublishPath
from amqp_server.wire.events import Event, PublishBurst, PublishRun, Scan
from amqp_server.wire.framing import Scanner, scan
from tests.support.classic_queue import classic
from tests.support.frames import METHOD, content_frames, frame, property_list, publish_payload
from tests.support.peer import Client, Node

T = TypeVar("T")

QUEUES = ("a", "b", "c")
KINDS = ("direct", "topic", "fanout", "headers")
ARGUMENTS: tuple[dict[str, object], ...] = (
    {},
    {},
    {},
    {"x-max-length": 2},
    {"x-max-length": 40},
    {"x-max-length": 2, "x-overflow": "reject-publish"},
    {"x-max-length-bytes": 3, "x-overflow": "reject-publish-dlx"},
    {"x-max-priority": 3},
    {"x-message-ttl": 0},
    {"x-message-ttl": 60_000},
)
PROPERTIES = st.sampled_from(
    [property_list()] * 6
    + [
        property_list(delivery_mode=2, priority=2),
        property_list(expiration="0"),
        property_list(expiration="5000"),
    ]
)
PLAIN = st.sampled_from([property_list(), property_list(delivery_mode=2, priority=2)])
"""Most streams have only what passes: what is refused ends a channel, and the test with it."""
REFUSED = st.sampled_from(
    [
        property_list(expiration="soon"),
        property_list(user_id="bob"),
        property_list(headers={"CC": "x"}),
        property_list(reply_to="amq.rabbitmq.reply-to"),
        property_list(headers={"CC": ["a"], "kind": "b"}),
        property_list(headers={"BCC": ["b", "c"]}),
        property_list(user_id="guest"),
    ]
)


class Place(NamedTuple):
    """What is declared: per queue its arguments, whether it dead-letters, what consumes.

    ``links`` are bindings of exchanges to exchanges; what the topic exchange cannot route goes to
    ``alternate``.
    """

    arguments: tuple[dict[str, object], ...]
    dead_letters: tuple[str, ...]
    bindings: list[tuple[str, str, str]]
    prefetch_counts: tuple[int | None, ...]
    mode: str
    links: list[tuple[str, str, str]] = []  # noqa: RUF012
    alternate: str = ""


def for_each_queue(values: st.SearchStrategy[T]) -> st.SearchStrategy[tuple[T, T, T]]:
    return st.tuples(values, values, values)


PLACES = st.builds(
    Place,
    st.just(({}, {}, {})) | for_each_queue(st.sampled_from(ARGUMENTS)),
    for_each_queue(st.sampled_from(["", "", "", "fanout", "direct"])),
    st.lists(
        st.tuples(st.sampled_from(KINDS), st.sampled_from(QUEUES), st.sampled_from([*QUEUES, "#"])),
        max_size=8,
    ),
    for_each_queue(st.sampled_from([None, None, 0, 1, 7])),
    st.sampled_from(["", "confirm", "confirm", "tx"]),
    st.lists(
        st.tuples(
            st.sampled_from(KINDS), st.sampled_from(KINDS[:3]), st.sampled_from([*QUEUES, "#"])
        ),
        max_size=2,
    ),
    st.sampled_from(["", "", "fanout", "direct", "headers"]),
)


@st.composite
def messages(draw: st.DrawFn, exchanges: list[str], *, may_be_odd: bool) -> bytes:
    is_odd = may_be_odd and draw(st.integers(0, 30)) == 0
    exchange = draw(st.sampled_from(exchanges))
    key = draw(st.sampled_from([*QUEUES, *QUEUES, "nowhere"]))
    bits = draw(st.sampled_from([0, 0, 0, 0, 0, 1])) if may_be_odd else 0
    if is_odd:
        exchange = draw(st.sampled_from([exchange, "none", "inside"]))
        bits = draw(st.sampled_from([bits, bits, 2]))
    properties = draw(REFUSED if is_odd else PROPERTIES if may_be_odd else PLAIN)
    body = draw(st.sampled_from([b"", b"x", b"yy", b"zzzz"]))
    method = frame(METHOD, 1, publish_payload(exchange, key, bits))
    return (method + content_frames(1, body, properties)) * draw(
        st.sampled_from([1] * 10 + [2, 2, 20])
    )


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Draw publishes; in most streams all are such as a burst may hold."""
    may_be_odd = draw(st.sampled_from([False, False, True]))
    exchanges = ["", "", "direct", "direct", "topic", "fanout"]
    if may_be_odd:
        exchanges.append("headers")
    each = messages(exchanges, may_be_odd=may_be_odd)
    return b"".join(draw(st.lists(each, min_size=2, max_size=25)))


def declare(node: Node, place: Place) -> tuple[Client, Client]:
    """Return a publisher and a consumer of the declared queues."""
    publisher, consumer = node.open(), node.open()
    for kind in KINDS:
        has_alternate = kind == "topic" and place.alternate
        more = {"alternate-exchange": place.alternate} if has_alternate else {}
        publisher.send(commands.Exchange.Declare, exchange=kind, exchange_type=kind, arguments=more)
    publisher.send(
        commands.Exchange.Declare, exchange="inside", exchange_type="direct", internal=True
    )
    for queue, arguments, dead_letter in zip(
        QUEUES, place.arguments, place.dead_letters, strict=True
    ):
        more = {"x-dead-letter-exchange": dead_letter} if dead_letter else {}
        publisher.declare(queue, arguments={**arguments, **more})
    for exchange, queue, key in place.bindings:
        matched = {"kind": key} if exchange == "headers" else {}
        publisher.send(
            commands.Queue.Bind, exchange=exchange, queue=queue, routing_key=key, arguments=matched
        )
    for source, destination, key in place.links:
        publisher.send(
            commands.Exchange.Bind, source=source, destination=destination, routing_key=key
        )
    for queue, prefetch_count in zip(QUEUES, place.prefetch_counts, strict=True):
        if prefetch_count is not None:
            consumer.send(commands.Basic.Qos, prefetch_count=prefetch_count)
            consumer.send(
                commands.Basic.Consume, queue=queue, consumer_tag=queue, no_ack=not prefetch_count
            )
    if place.mode == "confirm":
        publisher.send(commands.Confirm.Select)
    elif place.mode == "tx":
        publisher.send(commands.Tx.Select)
    for client in (publisher, consumer):
        client.receive()
    return publisher, consumer


def outcome_of(place: Place, stream: bytes) -> list[object]:
    """Return all that anybody sees of a stream that is published in one read."""
    node = Node()
    publisher, consumer = declare(node, place)
    publisher.send_bytes(stream)
    seen: list[object] = [read_all(publisher), read_all(consumer)]
    if place.mode == "tx":
        publisher.send(commands.Tx.Commit)
        seen += [read_all(publisher), read_all(consumer)]
    seen += [publisher.is_closed(), consumer.is_closed()]
    other = node.open()
    for engine in [classic(queue.engine) for queue in node.vhost.queues]:
        engine.check_invariants()
        seen.append((engine.name, engine.ready_count, engine.counts().unacked_count))
    for queue in QUEUES:
        seen.append(queue)
        while octets := got(other, queue):
            seen.append(octets)
    return seen


def got(client: Client, queue: str) -> bytes:
    """Return the get-ok of a message with its content; empty when the queue is."""
    client.send(commands.Basic.Get, queue=queue, no_ack=True)
    octets = read_all(client)
    return b"" if octets[7:11] == b"\x00\x3c\x00\x48" else octets


def read_all(client: Client) -> bytes:
    return b"".join(iter(client.read_bytes, b""))


class WithoutBursts(Scanner):
    """A scanner that yields bursts as runs."""

    def scan(self, buffer: bytes | memoryview, payload_max_bytes: int) -> Scan:
        """Scan, and take bursts apart."""
        events, consumed_bytes, error = scan(buffer, payload_max_bytes)
        return Scan([one for found in events for one in stretches(found)], consumed_bytes, error)


def stretches(found: Event) -> Iterator[Event]:
    """Yield a burst as runs, made another way than it makes them."""
    if not isinstance(found, PublishBurst):
        yield found
        return
    numbered = zip(found.order, found.records, strict=True)
    for number, stretch in groupby(numbered, key=lambda one: one[0]):
        records = [record for _, record in stretch]
        flags = 0
        for record in records:
            flags |= record.flags
        yield PublishRun(found.channel, found.methods[number], records, flags)


def watched(publish_burst: Callable[..., bool]) -> Callable[..., bool]:
    def publish(path: PublishPath, burst: PublishBurst, now_ms: int) -> bool:
        is_done = publish_burst(path, burst, now_ms)
        event("as a burst" if is_done else "in order")
        return is_done

    return publish


ROTATING = b"".join(
    frame(METHOD, 1, publish_payload("fanout" if number == 2 else "", QUEUES[number]))
    + content_frames(1, bytes((index,)))
    for index in range(60)
    for number in [index % 3]
)


@given(place=PLACES, stream=streams())
@example(Place(({}, {}, {}), ("",) * 3, [("fanout", "a", "")], (None, 0, 7), "confirm"), ROTATING)
@example(Place(({}, {}, {}), ("",) * 3, [], (None, None, None), ""), ROTATING)
def test_nobody_sees_whether_messages_came_in_a_burst(place: Place, stream: bytes) -> None:
    with patch.object(PublishPath, "publish_burst", watched(PublishPath.publish_burst)):
        ours = outcome_of(place, stream)
    with patch.object(connection, "Scanner", WithoutBursts):
        theirs = outcome_of(place, stream)
    assert ours == theirs
