"""The attacks: long work that one client can cause. Each is prepared, and then done at once."""

import struct
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Final

from benchmarks.bystander.amqp_stream_attacks import AMQP_STREAM_ATTACKS
from benchmarks.bystander.attack import QUEUE, AnyAttack, Attack, Strike, leave_channel, pushes
from benchmarks.bystander.client import Worst, await_count
from benchmarks.bystander.consumer_attacks import CONSUMER_ATTACKS
from benchmarks.bystander.stream_attacks import STREAM_ATTACKS
from load_generator import wire
from load_generator.session import Endpoint
from load_generator.wire import MethodId

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
_DEAD_LETTERS: Final[Mapping[str, wire.FieldValue]] = {
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": DEAD,
}


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


def _close_channel(endpoint: Endpoint, worst: Worst) -> None:
    leave_channel(endpoint, worst)
    await_count(endpoint, QUEUE, BACKLOG_COUNT)


def _cut_off(endpoint: Endpoint, worst: Worst) -> None:
    worst.socket.close()
    await_count(endpoint, QUEUE, BACKLOG_COUNT)


def _purge(_endpoint: Endpoint, worst: Worst) -> None:
    worst.push(wire.method(1, _PURGE, b"\x00\x00" + wire.shortstr(QUEUE) + b"\x00"))


def _delete(_endpoint: Endpoint, worst: Worst) -> None:
    worst.push(wire.queue_delete(1, QUEUE))


ATTACKS: Final[tuple[AnyAttack, ...]] = (
    Attack(
        "topic-patterns",
        "2,000 publishes that 19,683 topic patterns match",
        _topic_patterns,
        pushes(_topic_keys),
    ),
    Attack(
        "any-headers",
        "2,000 publishes that 20,000 header bindings match",
        _any_headers,
        pushes(_headers),
    ),
    Attack(
        "fanout-10k",
        "fanout of 1,000 messages to 10,000 queues",
        _fanout,
        pushes(lambda: [wire.publish(EXCHANGE, "", wire.properties(), b"x")] * 1_000),
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
        pushes(lambda: _unlike(60_000)),
    ),
    Attack(
        "letter-patterns",
        "500 dead letters that 19,683 topic patterns match",
        _letters_through_patterns,
        pushes(lambda: _unlike(500)),
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
    *CONSUMER_ATTACKS,
    *AMQP_STREAM_ATTACKS,
    *STREAM_ATTACKS,
)
