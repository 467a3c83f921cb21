"""The events of the scanner; each has frames that belong together.

Consecutive publishes on one channel with a byte-equal method payload (same exchange, routing key
and flags) are one ``PublishRun``. Publishes that change between several payloads after short runs
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
        flags: the union of the records' flags, which tells the slow paths what to look for.
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
    """The result of one call of the scanner.

    Attributes:
        events: in arrival order.
        consumed_bytes: how much of the buffer the events took; the caller must pass the rest again.
        error: the error of the next frame, to be raised after the events before it are carried out.
    """

    events: list[Event]
    consumed_bytes: int
    error: WireError | None
