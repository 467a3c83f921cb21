"""The attacks: long work that one client can cause. Each is prepared, and then done at once."""

import struct
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Final, NamedTuple, TypeAlias

from benchmarks.bystander.client import Worst, await_count
from load_generator import wire
from load_generator.session import Endpoint
from load_generator.wire import MethodId

QUEUE: Final = "bystander.attacked"
DEAD: Final = "bystander.dead"
EXCHANGE: Final = "bystander.exchange"
FULL: Final = "bystander.full"

BACKLOG_COUNT: Final = 300_000
PIECE_COUNT: Final = 10_000
"""Messages of a backlog published with one write."""

GOT_COUNT: Final = 100_000
"""Messages delivered one by one."""

TTL_MS: Final = 10_000
"""Long enough to fill the queues first; ``expiry`` takes long because of it."""

_ACK: Final = MethodId(60, 80)
_GET: Final = MethodId(60, 70)
_CANCEL: Final = MethodId(60, 30)
_RECOVER: Final = MethodId(60, 110)
_PURGE: Final = MethodId(50, 30)
_ALL_UNACKED: Final = struct.pack(">Q", 0)
_REQUEUE: Final = b"\x03"
_DROP: Final = b"\x01"
_MULTIPLE: Final = b"\x01"
_EXCLUSIVE: Final = b"\x04"
_AUTO_DELETE: Final = b"\x08"
_CHANNEL_CLOSE_OK: Final = b"\x00\x14\x00\x29"
_DEAD_LETTERS: Final[Mapping[str, wire.FieldValue]] = {
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": DEAD,
}

Prepare: TypeAlias = Callable[[Endpoint], Worst]
Strike: TypeAlias = Callable[[Endpoint, Worst], None]


class Attack(NamedTuple):
    """One attack of a client.

    Attributes:
        name: on the command line.
        title: in the table.
        prepare: makes the queues and messages that it needs; returns the client.
        strike: attacks, and returns when the broker has carried it out.
    """

    name: str
    title: str
    prepare: Prepare
    strike: Strike


def _pushes(make: Callable[[], Iterable[bytes]]) -> Strike:
    return lambda _endpoint, worst: worst.push(b"".join(make()))


# ── routing ──


def _topic_patterns(endpoint: Endpoint) -> Worst:
    worst = Worst(endpoint)
    patterns = [".".join(words) for words in product("a*#", repeat=9)]
    worst.push(
        wire.queue_declare(1, QUEUE, {"x-max-length": 10})
        + wire.exchange_declare(1, EXCHANGE, "topic")
        + b"".join(wire.queue_bind(1, QUEUE, EXCHANGE, pattern) for pattern in patterns)
    )
    return worst


def _topic_keys() -> Iterable[bytes]:
    """Keys that all patterns match; no two are equal."""
    for number in range(2_000):
        key = ".".join(["a"] * 8 + [str(number)])
        yield wire.publish(EXCHANGE, key, wire.properties(), b"")


def _letters_through_patterns(endpoint: Endpoint) -> Worst:
    """A queue that keeps nothing; its dead letters pass through the same patterns."""
    worst = _topic_patterns(endpoint)
    arguments: dict[str, wire.FieldValue] = {
        "x-max-length": 0,
        "x-dead-letter-exchange": EXCHANGE,
        "x-dead-letter-routing-key": ".".join("a" * 9),
    }
    worst.push(wire.queue_declare(1, FULL, arguments))
    return worst


def _any_headers(endpoint: Endpoint) -> Worst:
    worst = Worst(endpoint)
    matched: dict[str, wire.FieldValue] = {"x-match": "any", "a": 1}
    worst.push(
        wire.queue_declare(1, QUEUE, {"x-max-length": 10})
        + wire.exchange_declare(1, EXCHANGE, "headers")
        + b"".join(
            wire.queue_bind(1, QUEUE, EXCHANGE, str(number), {**matched, "n": -number - 1})
            for number in range(20_000)
        )
    )
    return worst


def _headers() -> Iterable[bytes]:
    for number in range(2_000):
        yield wire.publish(EXCHANGE, "", wire.properties({"a": 1, "n": number}), b"")


def _fanout(endpoint: Endpoint) -> Worst:
    worst = Worst(endpoint)
    names = [f"{QUEUE}.{number}" for number in range(10_000)]
    worst.push(wire.exchange_declare(1, EXCHANGE, "fanout"))
    for name in names:
        worst.write(wire.queue_declare(1, name) + wire.queue_bind(1, name, EXCHANGE, ""))
    worst.push(b"")
    return worst


# ── messages ──


def _filled(worst: Worst, queue: str, count: int) -> None:
    piece = wire.publish("", queue, wire.properties(), b"x") * PIECE_COUNT
    for _ in range(count // PIECE_COUNT):
        worst.push(piece)


def _backlog(endpoint: Endpoint) -> Worst:
    """A long queue, whose dead letters go to another queue."""
    worst = Worst(endpoint)
    worst.push(wire.queue_declare(1, DEAD) + wire.queue_declare(1, QUEUE, _DEAD_LETTERS))
    _filled(worst, QUEUE, BACKLOG_COUNT)
    await_count(endpoint, QUEUE, BACKLOG_COUNT)
    return worst


def _unacked(endpoint: Endpoint) -> Worst:
    """A backlog that was delivered to one consumer; the consumer is then cancelled."""
    worst = _backlog(endpoint)
    worst.push(wire.consume(1, QUEUE, "c", no_ack=False))
    await_count(endpoint, QUEUE, 0, meanwhile=worst)
    worst.push(wire.method(1, _CANCEL, wire.shortstr("c") + b"\x00"))
    return worst


def _full(endpoint: Endpoint) -> Worst:
    worst = Worst(endpoint)
    worst.push(
        wire.queue_declare(1, DEAD)
        + wire.queue_declare(1, FULL, {"x-max-length": 1, **_DEAD_LETTERS})
    )
    return worst


def _unlike(count: int) -> Iterable[bytes]:
    for number in range(count):
        yield wire.publish("", FULL, wire.properties({"n": number}), b"x")


def _got(endpoint: Endpoint) -> Worst:
    """Many messages of several queues, in turn, each delivered by its own get."""
    worst = Worst(endpoint)
    names = [f"{QUEUE}.{number}" for number in range(GOT_COUNT // PIECE_COUNT)]
    worst.push(wire.queue_declare(1, DEAD))
    for name in names:
        worst.push(wire.queue_declare(1, name, _DEAD_LETTERS))
        _filled(worst, name, PIECE_COUNT)
    gets = [wire.method(1, _GET, b"\x00\x00" + wire.shortstr(name) + b"\x00") for name in names]
    for _ in range(10):
        worst.push(b"".join(gets) * (PIECE_COUNT // 10))
    return worst


def _expiring(endpoint: Endpoint) -> Worst:
    worst = Worst(endpoint)
    arguments = {"x-message-ttl": TTL_MS, **_DEAD_LETTERS}
    names = [f"{QUEUE}.{number}" for number in range(BACKLOG_COUNT // PIECE_COUNT)]
    worst.push(wire.queue_declare(1, DEAD))
    for name in names:
        worst.push(wire.queue_declare(1, name, arguments))
        _filled(worst, name, PIECE_COUNT)
    return worst


def _nack(endpoint: Endpoint, worst: Worst) -> None:
    worst.push(wire.method(1, wire.BASIC_NACK, _ALL_UNACKED + _DROP))
    await_count(endpoint, DEAD, BACKLOG_COUNT)


def _nack_and_delete(endpoint: Endpoint, worst: Worst) -> None:
    worst.push(wire.method(1, wire.BASIC_NACK, _ALL_UNACKED + _DROP) + wire.queue_delete(1, QUEUE))
    await_count(endpoint, DEAD, BACKLOG_COUNT)


def _settles(method: MethodId, flags: bytes) -> Strike:
    return lambda _endpoint, worst: worst.push(wire.method(1, method, _ALL_UNACKED + flags))


def _requeue(endpoint: Endpoint, worst: Worst) -> None:
    worst.push(wire.method(1, wire.BASIC_NACK, _ALL_UNACKED + _REQUEUE))
    await_count(endpoint, QUEUE, BACKLOG_COUNT)


def _recover(endpoint: Endpoint, worst: Worst) -> None:
    worst.push(wire.method(1, _RECOVER, b"\x01"))
    await_count(endpoint, QUEUE, BACKLOG_COUNT)


def _leave_channel(_endpoint: Endpoint, worst: Worst) -> None:
    worst.write(wire.method(1, wire.CHANNEL_CLOSE, struct.pack(">HBHH", 200, 0, 0, 0)))
    worst.await_octets(_CHANNEL_CLOSE_OK)


def _close_channel(endpoint: Endpoint, worst: Worst) -> None:
    _leave_channel(endpoint, worst)
    await_count(endpoint, QUEUE, BACKLOG_COUNT)


def _cut_off(endpoint: Endpoint, worst: Worst) -> None:
    worst.socket.close()
    await_count(endpoint, QUEUE, BACKLOG_COUNT)


def _purge(_endpoint: Endpoint, worst: Worst) -> None:
    worst.push(wire.method(1, _PURGE, b"\x00\x00" + wire.shortstr(QUEUE) + b"\x00"))


def _delete(_endpoint: Endpoint, worst: Worst) -> None:
    worst.push(wire.queue_delete(1, QUEUE))


# ── consumers, declares ──


def _queue(endpoint: Endpoint) -> Worst:
    worst = Worst(endpoint)
    worst.push(wire.queue_declare(1, QUEUE))
    return worst


def _consume(count: int) -> Iterable[bytes]:
    for number in range(count):
        yield wire.consume(1, QUEUE, f"c{number}", no_ack=False)


def _qos_of_channel(prefetch_count: int) -> bytes:
    return wire.method(1, wire.BASIC_QOS, struct.pack(">IHB", 0, prefetch_count, 1))


def _with_consumers(endpoint: Endpoint) -> Worst:
    worst = _queue(endpoint)
    worst.push(b"".join(_consume(10_000)))
    return worst


def _leave(endpoint: Endpoint, worst: Worst) -> None:
    worst.push(b"".join(_consume(20_000)))
    worst.socket.close()
    with Worst(endpoint) as other:
        other.push(wire.queue_delete(1, QUEUE))


def _with_own_queues(flags: bytes, *, consumes: bool) -> Prepare:
    """Return a function that makes 20,000 queues that end with their connection."""

    def prepare(endpoint: Endpoint) -> Worst:
        worst = Worst(endpoint)
        for number in range(20_000):
            name = f"{QUEUE}.{number}"
            fields = b"\x00\x00" + wire.shortstr(name) + flags + wire.table({})
            worst.write(wire.method(1, wire.QUEUE_DECLARE, fields))
            if consumes:
                worst.write(wire.consume(1, name, name, no_ack=True))
        worst.push(b"")
        return worst

    return prepare


def _go(endpoint: Endpoint, worst: Worst) -> None:
    """Leave; another client deletes the queue that ends last, which waits for all others."""
    worst.socket.close()
    with Worst(endpoint) as other:
        other.push(wire.queue_delete(1, f"{QUEUE}.19999"))


def _with_shared_window(endpoint: Endpoint) -> Worst:
    worst = _queue(endpoint)
    worst.push(_qos_of_channel(10) + b"".join(_consume(3_000)))
    return worst


def _publish_and_ack() -> Iterable[bytes]:
    """Ten publishes fill the window, and an ack settles them; this 2,000 times."""
    publishes = wire.publish("", QUEUE, wire.properties(), b"x") * 10
    for _ in range(2_000):
        yield publishes + wire.ack(0, multiple=True)


ATTACKS: Final = (
    Attack(
        "topic-patterns",
        "2,000 publishes that 19,683 topic patterns match",
        _topic_patterns,
        _pushes(_topic_keys),
    ),
    Attack(
        "any-headers",
        "2,000 publishes that 20,000 header bindings match",
        _any_headers,
        _pushes(_headers),
    ),
    Attack(
        "fanout-10k",
        "fanout of 1,000 messages to 10,000 queues",
        _fanout,
        _pushes(lambda: [wire.publish(EXCHANGE, "", wire.properties(), b"x")] * 1_000),
    ),
    Attack(
        "expiry",
        "30 queues of 10,000 expire into a DLX",
        _expiring,
        lambda endpoint, _: await_count(endpoint, DEAD, BACKLOG_COUNT),
    ),
    Attack("nack", "a nack of 300,000 into a DLX", _unacked, _nack),
    Attack(
        "drop-head",
        "60,000 publishes of unlike headers to a full queue with a DLX",
        _full,
        _pushes(lambda: _unlike(60_000)),
    ),
    Attack(
        "letter-patterns",
        "500 dead letters that 19,683 topic patterns match",
        _letters_through_patterns,
        _pushes(lambda: _unlike(500)),
    ),
    Attack(
        "nack-delete",
        "a nack of 300,000 into a DLX, and their queue is deleted",
        _unacked,
        _nack_and_delete,
    ),
    Attack("ack-gets", "an ack of 100,000 gets of 10 queues", _got, _settles(_ACK, _MULTIPLE)),
    Attack(
        "nack-gets",
        "a nack of 100,000 gets of 10 queues into a DLX",
        _got,
        _settles(wire.BASIC_NACK, _DROP),
    ),
    Attack(
        "requeue-gets",
        "a nack that requeues 100,000 gets of 10 queues",
        _got,
        _settles(wire.BASIC_NACK, _REQUEUE),
    ),
    Attack("requeue", "a nack that requeues 300,000", _unacked, _requeue),
    Attack("recover", "basic.recover of 300,000", _unacked, _recover),
    Attack("close-channel", "a channel closes with 300,000 unacked", _unacked, _close_channel),
    Attack("cut-off", "a connection is cut off with 300,000 unacked", _unacked, _cut_off),
    Attack("purge", "a purge of 300,000", _backlog, _purge),
    Attack("delete", "a queue of 300,000 is deleted", _backlog, _delete),
    Attack(
        "qos",
        "13,000 basic.qos of a channel with 10,000 consumers",
        _with_consumers,
        _pushes(lambda: [_qos_of_channel(1 + number % 2) for number in range(13_000)]),
    ),
    Attack("consumers", "20,000 consumers join a queue and leave it", _queue, _leave),
    Attack(
        "exclusive-queues",
        "a connection with 20,000 exclusive queues is cut off",
        _with_own_queues(_EXCLUSIVE, consumes=False),
        _go,
    ),
    Attack(
        "auto-delete",
        "the only consumer of 20,000 auto-delete queues is cut off",
        _with_own_queues(_AUTO_DELETE, consumes=True),
        _go,
    ),
    Attack(
        "left-queues",
        "a channel closes with the only consumer of 20,000 queues",
        _with_own_queues(_EXCLUSIVE, consumes=True),
        _leave_channel,
    ),
    Attack(
        "shared-window",
        "20,000 publishes to 3,000 consumers that share a window of 10",
        _with_shared_window,
        _pushes(_publish_and_ack),
    ),
    Attack(
        "declares",
        "225,000 declares without waiting",
        _queue,
        _pushes(lambda: [wire.queue_declare(1, QUEUE)] * 225_000),
    ),
)
