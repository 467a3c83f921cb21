"""Attacks by consumers and declares: many of them, and all of them gone at once."""

import struct
from collections.abc import Iterable
from typing import Final

from benchmarks.bystander.attack import QUEUE, Attack, Prepare, leave_channel, pushes
from benchmarks.bystander.client import Worst
from load_generator import wire
from load_generator.session import Endpoint

_EXCLUSIVE: Final = b"\x04"
_AUTO_DELETE: Final = b"\x08"


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


CONSUMER_ATTACKS: Final = (
    Attack(
        "qos",
        "13,000 basic.qos of a channel with 10,000 consumers",
        _with_consumers,
        pushes(lambda: [_qos_of_channel(1 + number % 2) for number in range(13_000)]),
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
        leave_channel,
    ),
    Attack(
        "shared-window",
        "20,000 publishes to 3,000 consumers that share a window of 10",
        _with_shared_window,
        pushes(_publish_and_ack),
    ),
    Attack(
        "declares",
        "225,000 declares without waiting",
        _queue,
        pushes(lambda: [wire.queue_declare(1, QUEUE)] * 225_000),
    ),
)
