"""Messages on their way out of a queue, and back.

A *position* is a message's place in one queue: a number that grows by one with every message
enqueued and never changes, so that a requeued message finds its old place.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from persistence.record import Record, Run, body_bytes, detached

BATCH_BYTES_MAX: Final = 262_144
"""A batch ends with the message that takes its bodies to this size (bytes). Credit is counted in
messages, and a consumer gives it without knowing how large they are."""


class Batch:
    """Messages taken from a queue together, handed to one consumer (or one basic.get).

    Attributes:
        positions: place of each record in the queue, ascending; as long as ``records``.
        records: the messages, oldest first.
        expires_at_ms: when each message expires (instant; 0 is never); None when no message does.
        delivery_count: how often each message was requeued before; 0 is a first delivery.
        redelivered: the bit of basic.deliver; True when ``delivery_count`` > 0, and for messages
            that may have been delivered before a restart.

    Invariant: len(positions) == len(records) > 0.
    """

    __slots__ = (
        "_body_bytes",
        "delivery_count",
        "expires_at_ms",
        "positions",
        "records",
        "redelivered",
    )

    def __init__(
        self,
        positions: range,
        records: Run,
        expires_at_ms: list[int] | None = None,
        delivery_count: int = 0,
        *,
        redelivered: bool = False,
        known_body_bytes: int | None = None,
    ) -> None:
        self.positions = positions
        self.records = records
        self.expires_at_ms = expires_at_ms
        self.delivery_count = delivery_count
        self.redelivered = redelivered
        self._body_bytes = known_body_bytes

    def __len__(self) -> int:
        return len(self.records)

    @property
    def body_bytes(self) -> int:
        """Sum of the body sizes, in bytes; counted at the first question, then remembered."""
        if self._body_bytes is None:
            self._body_bytes = body_bytes(self.records)
        return self._body_bytes

    def requeued(self) -> "Batch":
        """Return the same messages, requeued once more."""
        return Batch(
            self.positions,
            self.records,
            self.expires_at_ms,
            self.delivery_count + 1,
            redelivered=True,
            known_body_bytes=self._body_bytes,
        )

    def detached(self) -> "Batch":
        """Return the same messages in memory of their own, which keeps no others alive."""
        return Batch(
            self.positions,
            detached(self.records),
            self.expires_at_ms,
            self.delivery_count,
            redelivered=self.redelivered,
            known_body_bytes=self._body_bytes,
        )

    def part(self, first: int, step: int = 1, stop: int | None = None) -> "Batch":
        """Return every ``step``-th message from index ``first`` up to, not including, ``stop``."""
        expires = self.expires_at_ms
        return Batch(
            self.positions[first:stop:step],
            self.records[first:stop:step],
            None if expires is None else expires[first:stop:step],
            self.delivery_count,
            redelivered=self.redelivered,
        )


class QueuedMessage(NamedTuple):
    """One message of a requeue, with its position and delivery count."""

    position: int
    record: Record
    expires_at_ms: int
    delivery_count: int


def messages_of(batch: Batch) -> list[QueuedMessage]:
    """Return the batch message by message, in the form of a requeue or reject."""
    expires = batch.expires_at_ms or [0] * len(batch)
    count = batch.delivery_count
    return [
        QueuedMessage(position, record, expires_at_ms, count)
        for position, record, expires_at_ms in zip(
            batch.positions, batch.records, expires, strict=True
        )
    ]


def batches_of(messages: Iterable[QueuedMessage]) -> list[Batch]:
    """Return requeued messages as the fewest batches.

    Args:
        messages: by position, ascending; a batch ends where steps are uneven or the past differs.
    """
    found: list[list[QueuedMessage]] = []
    step = 0
    for message in messages:
        alike = found[-1] if found else []
        if not alike or alike[0].delivery_count != message.delivery_count:
            found.append([message])
        elif len(alike) == 1:
            step = message.position - alike[0].position
            alike.append(message)
        elif message.position - alike[-1].position == step:
            alike.append(message)
        else:
            found.append([message])
    return list(map(_batch_of, found))


def _batch_of(alike: list[QueuedMessage]) -> Batch:
    first, last = alike[0], alike[-1]
    step = alike[1].position - first.position if len(alike) > 1 else 1
    expires = [message.expires_at_ms for message in alike]
    return Batch(
        range(first.position, last.position + 1, step),
        [message.record for message in alike],
        expires if any(expires) else None,
        first.delivery_count,
        redelivered=True,
    )
