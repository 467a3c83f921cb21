"""What the scanner says of received bytes: events, each about as many frames as go together.

Consecutive publishes on one channel with a byte-equal method payload (same exchange, routing key
and flags) are one ``PublishRun``. Where they soon change to another payload, and on to others, all
are one ``PublishBurst``. Consecutive single acks with tags that count up are one ``AckRange``; any
other frame is a ``FrameEvent``.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple, TypeAlias

from amqp_server.wire.constants import FRAME_BODY, FRAME_HEADER
from amqp_server.wire.errors import WireError
from persistence.record import Run, detached


class PublishRun(NamedTuple):
    """Consecutive publishes alike in channel, exchange, routing key and flags.

    Attributes:
        method: payload of their basic.publish, ids included.
        records: the messages in order; at least one.
        flags: the union of the records' flags: what a slow path must look for.
    """

    channel: int
    method: bytes
    records: Run
    flags: int


class PublishBurst(NamedTuple):
    """Consecutive publishes on one channel that change between a few method payloads.

    Attributes:
        methods: the distinct payloads, in the order in which they came: at least two.
        order: for each message the index of its payload, an octet.
        records: the messages in order.
        flags: the union of the records' flags.
    """

    channel: int
    methods: tuple[bytes, ...]
    order: bytes
    records: Run
    flags: int

    def in_order(self) -> Iterator[PublishRun]:
        """Yield the same publishes as runs, one after another, each in memory of its own."""
        start = 0
        for number, stretch in groupby(self.order):
            stop = start + len(list(stretch))
            records = detached(self.records[start:stop])
            yield PublishRun(self.channel, self.methods[number], records, self.flags)
            start = stop


class AckRange(NamedTuple):
    """basic.ack of the tags first..last, one by one, or of everything up to last (multiple)."""

    channel: int
    first_tag: int
    last_tag: int
    multiple: bool


class FrameEvent(NamedTuple):
    """Any other complete frame; kind is FRAME_METHOD, FRAME_HEADER or FRAME_BODY."""

    channel: int
    kind: int
    payload: bytes


Event: TypeAlias = PublishRun | PublishBurst | AckRange | FrameEvent


def is_content(event: Event) -> bool:
    """Whether an event brings messages, or pieces of them."""
    if isinstance(event, FrameEvent):
        return event.kind in {FRAME_HEADER, FRAME_BODY}
    return isinstance(event, PublishRun | PublishBurst)


class Scan(NamedTuple):
    """What one call found.

    Attributes:
        events: in arrival order.
        consumed_bytes: how much of the buffer they took; the rest must come again.
        error: what is wrong with the next frame, once the events before it were carried out.
    """

    events: list[Event]
    consumed_bytes: int
    error: WireError | None
