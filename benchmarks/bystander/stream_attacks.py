"""Attacks over the stream protocol. Each is prepared, and then done at once."""

import struct
import time
from collections.abc import Callable, Iterable
from typing import Final

from benchmarks.bystander.attack import Attack
from benchmarks.bystander.stream_client import (
    CREDIT_MAX,
    PUBLISHER,
    STREAM,
    WorstOfStreams,
    create,
    declare_publisher,
    delete,
    keyed,
    numbered,
    publish,
    subscribe,
    unsubscribe,
    valued,
)
from load_generator.session import Endpoint
from load_generator.streams import commands

SILENT_S: Final = 3.0
"""How long a client that reads nothing stays."""

SUBSCRIPTIONS_MAX: Final = 256
MEMBERS_COUNT: Final = 5_000
PARTITIONS_COUNT: Final = 1_000
_NEVER_DECLARED: Final = 9
_SUPER: Final = "bystander.super"


# ── what is there before ──


def _connected(endpoint: Endpoint) -> WorstOfStreams:
    return WorstOfStreams(endpoint)


def _stream(endpoint: Endpoint) -> WorstOfStreams:
    """Create a stream, and declare its publisher."""
    worst = WorstOfStreams(endpoint)
    worst.push(create(STREAM) + declare_publisher(PUBLISHER, STREAM))
    return worst


def _filled(endpoint: Endpoint) -> WorstOfStreams:
    """Fill a stream with a million messages."""
    worst = _stream(endpoint)
    worst.fill([publish(PUBLISHER, numbered(10_000))] * 100)
    return worst


def _many_chunks(endpoint: Endpoint) -> WorstOfStreams:
    """Fill a stream with chunks of one message, which has a filter value."""
    worst = _stream(endpoint)
    for number in range(3_000):
        worst.fill([publish(PUBLISHER, valued([f"v{number}"]), version=2)])
    return worst


def _crew(
    count: int, before: Callable[[Endpoint], WorstOfStreams]
) -> Callable[[Endpoint], WorstOfStreams]:
    """Return a preparation with so many more connections."""

    def prepare(endpoint: Endpoint) -> WorstOfStreams:
        worst = before(endpoint)
        worst.crew = [WorstOfStreams(endpoint) for _ in range(count)]
        return worst

    return prepare


def _watched(endpoint: Endpoint) -> WorstOfStreams:
    worst = _crew(MEMBERS_COUNT, _stream)(endpoint)
    for one in worst.crew:
        one.write(declare_publisher(PUBLISHER, STREAM))
    for one in worst.crew:
        one.push(b"")
    return worst


def _compacted(endpoint: Endpoint) -> WorstOfStreams:
    """Create a stream that is compacted, with twenty readers on connections of their own."""
    worst = WorstOfStreams(endpoint)
    arguments = {"stream-compact-key": "device", "stream-max-segment-size-bytes": "4000000"}
    worst.push(create(STREAM, arguments) + declare_publisher(PUBLISHER, STREAM))
    worst.crew = [WorstOfStreams(endpoint) for _ in range(20)]
    return worst


# ── what is done ──


def _pushes(
    make: Callable[[], Iterable[bytes]],
) -> Callable[[Endpoint, WorstOfStreams], None]:
    return lambda _endpoint, worst: worst.push(b"".join(make()))


def _reads_nothing(
    make: Callable[[], Iterable[bytes]],
) -> Callable[[Endpoint, WorstOfStreams], None]:
    """Return an attack whose connections write this, and then read nothing for a while."""

    def strike(_endpoint: Endpoint, worst: WorstOfStreams) -> None:
        octets = b"".join(make())
        for one in worst.crew or [worst]:
            one.socket.settimeout(SILENT_S)
            one.socket.sendall(octets)
        time.sleep(SILENT_S)
        worst.cut_off()

    return strike


def _compacts(_endpoint: Endpoint, worst: WorstOfStreams) -> None:
    """Publish a million messages of a thousand keys, while all readers replay from the first."""
    octets = publish(PUBLISHER, keyed(10_000, 1_000))
    for part in range(10):
        worst.fill([octets] * 10)
        for one in worst.crew:
            one.push(subscribe(part, STREAM, 20))


def _filter_values() -> Iterable[bytes]:
    for start in range(0, 2_000_000, 20_000):
        yield publish(PUBLISHER, valued([f"{n:07}" for n in range(start, start + 20_000)]), 2)


def _stored_offsets() -> Iterable[bytes]:
    for number in range(200_000):
        body = commands.string(f"r{number}") + commands.string(STREAM) + struct.pack(">Q", number)
        yield commands.frame(commands.STORE_OFFSET, body)


def _wants_much(number: int) -> bytes:
    wanted = {f"filter.{at}": f"w{number}.{at}" for at in range(4_000)}
    return subscribe(number, STREAM, CREDIT_MAX, wanted)


def _subscribes() -> Iterable[bytes]:
    for number in range(20_000):
        at = number % SUBSCRIPTIONS_MAX
        yield subscribe(at, STREAM, 1) + unsubscribe(at)


def _creates_and_deletes() -> Iterable[bytes]:
    names = [f"{STREAM}.{number}" for number in range(20_000)]
    yield from map(create, names)
    yield from map(delete, names)


def _super_streams() -> Iterable[bytes]:
    for number in range(10):
        name = commands.string(f"{_SUPER}{number}")
        partitions = [f"{_SUPER}{number}-{at}" for at in range(PARTITIONS_COUNT)]
        keys = [str(at) for at in range(PARTITIONS_COUNT)]
        body = name + commands.strings(partitions) + commands.strings(keys)
        yield commands.request(commands.CREATE_SUPER_STREAM, body + commands.string_map({}))
        yield commands.request(commands.DELETE_SUPER_STREAM, name)


def _group_comes_and_goes(_endpoint: Endpoint, worst: WorstOfStreams) -> None:
    """Join one group on all connections, answer nothing, and leave: first one by one, then all."""
    named = {"single-active-consumer": "true", "name": "group"}
    each = MEMBERS_COUNT // len(worst.crew)
    for one in worst.crew:
        one.write(b"".join([subscribe(at, STREAM, 10, named) for at in range(each)]))
    for one in worst.crew:
        one.push(b"")
    half = len(worst.crew) // 2
    for one in worst.crew[:half]:
        one.write(b"".join([unsubscribe(at) for at in range(each)]))
    for one in worst.crew[half:]:
        one.socket.close()
    worst.push(b"")


STREAM_ATTACKS: Final = (
    Attack(
        "stream-unknown-ids",
        "100 frames of 87,000 publishes by a publisher that there is none of",
        _stream,
        _pushes(lambda: [publish(_NEVER_DECLARED, [bytes(12)] * 87_000)] * 100),
    ),
    Attack(
        "stream-publishes",
        "300,000 frames of one publish",
        _stream,
        _pushes(lambda: [publish(PUBLISHER, numbered(1))] * 300_000),
    ),
    Attack(
        "stream-credits",
        "300,000 credits to a subscription that there is none of",
        _stream,
        _pushes(lambda: [commands.frame(commands.CREDIT, b"\x09\x00\x01")] * 300_000),
    ),
    Attack(
        "stream-unread",
        "250 subscriptions of a million messages that are never read",
        _filled,
        _reads_nothing(lambda: [subscribe(at, STREAM, CREDIT_MAX) for at in range(250)]),
    ),
    Attack(
        "stream-replays",
        "20 connections replay a million messages and never read",
        _crew(20, _filled),
        _reads_nothing(lambda: [subscribe(1, STREAM, CREDIT_MAX)]),
    ),
    Attack(
        "stream-metadata",
        "20 Metadata of 100,000 names",
        _connected,
        _pushes(
            lambda: [commands.request(commands.METADATA, commands.strings(["none"] * 100_000))] * 20
        ),
    ),
    Attack("stream-values", "2,000,000 filter values", _stream, _pushes(_filter_values)),
    Attack("stream-offsets", "200,000 stored offsets", _stream, _pushes(_stored_offsets)),
    Attack(
        "stream-filters",
        "10 subscriptions of 4,000 filter values to 3,000 chunks",
        _many_chunks,
        _pushes(lambda: map(_wants_much, range(10))),
    ),
    Attack(
        "stream-compaction",
        "a million messages of 1,000 keys are compacted beside 20 replaying connections",
        _compacted,
        _compacts,
    ),
    Attack("stream-subscribes", "20,000 subscribe and unsubscribe", _filled, _pushes(_subscribes)),
    Attack(
        "streams",
        "20,000 streams are created, and deleted",
        _connected,
        _pushes(_creates_and_deletes),
    ),
    Attack(
        "stream-watchers",
        "a stream with 5,000 publishing connections is deleted",
        _watched,
        _pushes(lambda: [delete(STREAM)]),
    ),
    Attack(
        "super-streams",
        "10 super streams of 1,000 partitions are created, and deleted",
        _connected,
        _pushes(_super_streams),
    ),
    Attack(
        "stream-groups",
        "5,000 members join a single active consumer, answer nothing, and leave",
        _crew(20, _stream),
        _group_comes_and_goes,
    ),
)
