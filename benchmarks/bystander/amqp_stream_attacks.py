"""Attacks over AMQP on streams. Each is prepared, and then done at once."""

import time
from collections.abc import Iterable
from typing import Final

from benchmarks.bystander.attack import Attack, pushes
from benchmarks.bystander.client import Worst
from load_generator import wire
from load_generator.session import Endpoint

_STREAM: Final = "bystander.amqp.stream"
_IS_STREAM: Final = {"x-queue-type": "stream"}
_COUNT: Final = 10_000


def _declare(name: str) -> bytes:
    return wire.queue_declare(1, name, _IS_STREAM, durable=True)


def _filled(endpoint: Endpoint) -> Worst:
    worst = Worst(endpoint)
    worst.push(wire.qos(1, 10) + _declare(_STREAM))
    for _ in range(10):
        worst.push(wire.publish("", _STREAM, wire.properties(), b"x") * _COUNT)
    return worst


def _with_consumers(endpoint: Endpoint) -> Worst:
    worst = _filled(endpoint)
    worst.push(b"".join(_consumes()))
    return worst


def _consumes() -> Iterable[bytes]:
    for number in range(_COUNT):
        yield wire.consume(1, _STREAM, f"c{number}", {"x-stream-offset": "first"}, no_ack=False)


def _come_and_go(endpoint: Endpoint, worst: Worst) -> None:
    worst.push(b"".join(_consumes()))
    worst.socket.close()
    with Worst(endpoint) as other:
        other.push(b"")


def _delete(endpoint: Endpoint, _worst: Worst) -> None:
    with Worst(endpoint) as other:
        other.push(wire.queue_delete(1, _STREAM))
        time.sleep(1)


def _many_streams(endpoint: Endpoint) -> Worst:
    worst = Worst(endpoint)
    for number in range(_COUNT):
        name = f"{_STREAM}.{number}"
        worst.write(_declare(name) + wire.publish("", name, wire.properties(), b"x"))
        if not number % 100:
            worst.push(b"")
    worst.push(wire.qos(1, 10))
    return worst


def _consume_each() -> Iterable[bytes]:
    """A time that is found by interval, and the last hundred, in turn."""
    for number in range(_COUNT):
        offset: wire.FieldValue = -100 if number % 2 else "1h"
        name = f"{_STREAM}.{number}"
        yield wire.consume(1, name, name, {"x-stream-offset": offset}, no_ack=False)


AMQP_STREAM_ATTACKS: Final = (
    Attack(
        "stream-consumers", "10,000 consumers join a stream and leave it", _filled, _come_and_go
    ),
    Attack(
        "stream-delete",
        "a stream with 10,000 consumers is deleted",
        _with_consumers,
        _delete,
    ),
    Attack(
        "stream-beginnings",
        "consumers of 10,000 streams begin at a time or 100 before the end",
        _many_streams,
        pushes(_consume_each),
    ),
)
