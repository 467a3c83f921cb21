"""AMQP 1.0 messages of a stream, as an AMQP 0-9-1 consumer gets them.

``queues.stream.to_amqp10`` draws what stands where; here it is read, whoever wrote it:

- the header section's ``durable``, ``priority`` and ``ttl`` are delivery-mode, priority and
  expiration, each of them if it is there;
- annotations are headers, then come the application properties, then kept fields;
- a message-id or correlation-id that is no short string is told as text, or is a header;
- several data sections are one body; sequences and a value are the body as they stand, and the
  message has the type ``amqp-1.0``.

What is no AMQP 1.0 message is the body as it stands: many a stream client writes plain octets, and
what one client wrote never stops another one that reads.

This is the interpreted twin, and the specification of ``queues.stream._from_amqp10``.

Source: RabbitMQ since 3.13 (``mc_amqpl``; where its revisions differ, the one that loses least),
and what 3.10 answered (``tests/queues/stream/known_answers.json``), which ends the connection where
a message cannot be told.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from persistence.kernels import COMPILED
from persistence.record import NO_TTL, PERSISTENT, Record, Run
from queues.stream.amqp10 import (
    OFFSET_HEADER,
    MalformedMessageError,
)
from queues.stream.told import Told, tell

SUB_BATCH: Final = 0x80
_COMPRESSION: Final = 0x70
_SUB_BATCH_HEAD: Final = struct.Struct(">BHII")
_HEAD: Final = struct.Struct(">HHQ")
_BASIC_CLASS: Final = 60
_OFFSET: Final = struct.Struct(">cq")


class ReadMessages(NamedTuple):
    """Part of a chunk as AMQP 0-9-1 messages.

    Attributes:
        run: the messages, each with the header ``x-stream-offset``.
        offsets: of each message, ascending.
        position: where in the data section to go on.
        next_offset: of the entry there.
    """

    run: Run
    offsets: Sequence[int]
    position: int
    next_offset: int


class Wanted(NamedTuple):
    """What a reader wants of a chunk.

    Attributes:
        from_offset: messages before it are left out.
        count_max: no entry is begun behind so many messages. A sub-batch is one entry, so that
            there may be more.
        bytes_max: no entry is begun behind so many octets of messages.
        filter_values: only messages with one of them as ``x-stream-filter-value``; an empty one
            stands for messages without. None for all messages.
    """

    from_offset: int
    count_max: int
    bytes_max: int
    filter_values: frozenset[bytes] | None = None


def from_amqp10(message: bytes) -> tuple[bytes | None, bytes | None, bytes, bytes]:
    """Return one message: exchange, routing key, property flags with the list, and body.

    Exchange and routing key are None if the message has none, as one of a stream client.

    Raises:
        MalformedMessageError: octets are no AMQP 1.0 message that can be told.
    """
    told = tell(message)
    return told.exchange, told.routing_key, told.properties(b""), told.body


def read_messages(
    data: bytes, position: int, offset: int, queue_name: bytes, wanted: Wanted
) -> ReadMessages:
    """Read the messages of a chunk's data section from an entry on.

    Compressed sub-batches are left out: only a stream client can read them.

    Args:
        data: the data section, without the header of the chunk.
        position: where in it an entry begins, 0 at first.
        offset: of that entry.
        queue_name: routing key of messages that have none; at most 255 octets.
        wanted: what of it, and how much at once.

    Raises:
        MalformedMessageError: they are no data section of a chunk.
    """
    records: list[Record] = []
    offsets: list[int] = []
    size_bytes = 0
    while (
        position < len(data) and len(records) < wanted.count_max and size_bytes < wanted.bytes_max
    ):
        start, stop, count, is_told = _part(data, position)
        messages = _messages_of(data, start, stop, count) if is_told else iter(())
        for index, message in enumerate(messages):
            if offset + index < wanted.from_offset:
                continue
            record = _record(message, offset + index, queue_name, wanted.filter_values)
            if record is not None:
                records.append(record)
                offsets.append(offset + index)
                size_bytes += len(record.header) + len(record.body)
        position = stop
        offset += count
    return ReadMessages(records, offsets, position, offset)


def _part(data: bytes, position: int) -> tuple[int, int, int, bool]:
    """Return of an entry: start and stop of its messages, their count, and whether to tell them."""
    if data[position] < SUB_BATCH:
        stop = position + 4 + int.from_bytes(data[position : position + 4])
        if stop > len(data) or position + 4 > len(data):
            raise MalformedMessageError("an entry is longer than its chunk")
        return position, stop, 1, True
    start = position + _SUB_BATCH_HEAD.size
    if start > len(data):
        raise MalformedMessageError("a sub-batch is longer than its chunk")
    kind, count, _, size = _SUB_BATCH_HEAD.unpack_from(data, position)
    if start + size > len(data):
        raise MalformedMessageError("a sub-batch is longer than its chunk")
    return start, start + size, count, not kind & _COMPRESSION


def _messages_of(data: bytes, position: int, end: int, count: int) -> Iterator[bytes]:
    """Yield at most so many messages; a client that lied about its sub-batch has fewer."""
    for _ in range(count):
        start = position + 4
        if start > end or data[position] >= SUB_BATCH:
            return
        position = start + int.from_bytes(data[position:start])
        if position > end:
            return
        yield bytes(data[start:position])


def _record(
    message: bytes, offset: int, queue_name: bytes, filter_values: frozenset[bytes] | None
) -> Record | None:
    try:
        told = tell(message)
    except MalformedMessageError:
        told = Told(message)
    if filter_values is not None and told.filter_value not in filter_values:
        return None
    exchange = told.exchange or b""
    routing_key = queue_name if told.routing_key is None else told.routing_key
    route = bytes((len(exchange),)) + exchange + bytes((len(routing_key),)) + routing_key
    field = bytes((len(OFFSET_HEADER),)) + OFFSET_HEADER + _OFFSET.pack(b"l", offset)
    properties = told.properties(field)
    flags = int.from_bytes(properties[:2])
    if told.is_persistent:
        flags |= PERSISTENT
    return Record(
        route,
        _HEAD.pack(_BASIC_CLASS, 0, len(told.body)) + properties,
        told.body,
        flags,
        told.priority,
        NO_TTL,
    )


if COMPILED:
    from queues.stream import _from_amqp10  # type: ignore[attr-defined]

    from_amqp10 = _from_amqp10.from_amqp10
    read_messages = _from_amqp10.read_messages
