"""The holders of settled deliveries, in the order in which RabbitMQ tells their queues.

A consumer holds its own deliveries. All gets of a queue are one holder. The order is by
name of the queue, then by consumer tag.

Source: RabbitMQ, rabbit_channel.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeAlias

from amqp_server.broker.steps import Steps
from amqp_server.protocol.consumer import Consumer, GetOwner
from amqp_server.protocol.dealt import Dealt
from amqp_server.protocol.unacked import Part
from queues.batch import Batch

PIECE_MAX: Final = 500
"""Batches of a long settlement that are told between two looks at the time."""

Owner: TypeAlias = Consumer | GetOwner | Dealt[Consumer]
Holder: TypeAlias = Consumer | GetOwner


def by_holder(parts: Iterable[Part[Owner]]) -> Iterable[tuple[Holder, list[Batch]]]:
    """Return the messages of each holder, in the order in which RabbitMQ tells their queues."""
    batches_of: dict[Holder, list[Batch]] = {}
    _group(parts, batches_of)
    return ranked(batches_of)


def grouping(parts: Iterator[Part[Owner]]) -> Steps[dict[Holder, list[Batch]]]:
    """Return the messages of each holder, piece by piece."""
    batches_of: dict[Holder, list[Batch]] = {}
    while some := list(islice(parts, PIECE_MAX)):
        _group(some, batches_of)
        yield
    return batches_of


def _group(parts: Iterable[Part[Owner]], batches_of: dict[Holder, list[Batch]]) -> None:
    """Add to the messages of each holder; all gets of a queue are one holder."""
    for owner, batch in parts:
        if isinstance(owner, Dealt):
            for holder, share in owner.parts(batch):
                batches_of.setdefault(holder, []).append(share)
        else:
            batches_of.setdefault(owner, []).append(batch)


def ranked(batches_of: dict[Holder, list[Batch]]) -> Iterable[tuple[Holder, list[Batch]]]:
    """Put holders in the order in which RabbitMQ tells their queues."""
    if len(batches_of) == 1:
        return batches_of.items()
    return sorted(batches_of.items(), key=_rank)


def _rank(item: tuple[Holder, list[Batch]]) -> tuple[str, bool, str]:
    """Return the sort key of a holder: messages of gets come before those of consumers."""
    holder, _ = item
    tag = holder.consumer_tag if isinstance(holder, Consumer) else ""
    return holder.queue.name, isinstance(holder, Consumer), tag


def joined(batches: list[Batch]) -> Iterator[tuple[range, int]]:
    """Return positions and bytes of batches; batches that follow each other are joined."""
    positions, body_bytes = batches[0].positions, batches[0].body_bytes
    for batch in batches[1:]:
        found = batch.positions
        step = found.step
        if step == positions.step and found.start == positions[-1] + step:
            positions = range(positions.start, found.stop, step)
            body_bytes += batch.body_bytes
            continue
        yield positions, body_bytes
        positions, body_bytes = found, batch.body_bytes
    yield positions, body_bytes
