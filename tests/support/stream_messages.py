"""Messages for the tests of streams: what is written, and how it is read back."""

import json
from pathlib import Path
from typing import Any

from conformance import fields
from persistence.record import Record
from queues.stream.from_amqp10 import Wanted, read_messages

EVERYTHING = Wanted(from_offset=0, count_max=1 << 30, bytes_max=1 << 40)
ANSWERS_FILE = Path("tests/queues/stream/known_answers.json")


def known_answers(way: str) -> list[dict[str, Any]]:
    """Return what RabbitMQ 3.10 answered; ``conformance.stream_answers`` asks it again."""
    answers: list[dict[str, Any]] = json.loads(ANSWERS_FILE.read_text())[way]
    return answers


def framed(message: bytes) -> bytes:
    """Return a message as an entry of a chunk."""
    return len(message).to_bytes(4) + message


def sub_batch(messages: list[bytes], *, compression: int = 0, count: int | None = None) -> bytes:
    """Return messages as a sub-batch; one of another compression has them as they stand too."""
    octets = b"".join(map(framed, messages))
    return (
        bytes((0x80 | compression << 4,))
        + (len(messages) if count is None else count).to_bytes(2)
        + len(octets).to_bytes(4) * 2
        + octets
    )


def read_one(message: bytes, offset: int = 0) -> Record:
    """Return the record that a reader gets of a message."""
    (record,) = read_messages(framed(message), 0, offset, b"the.queue", EVERYTHING).run
    return Record(*record)


def properties_of(record: Record) -> dict[str, Any]:
    """Return the properties of a record, headers with their types."""
    return fields.read_properties(record.header[12:])


def record_of(properties: bytes, body: bytes, route: bytes = b"\x02ex\x03key") -> Record:
    """Return what an AMQP client published."""
    header = b"\x00\x3c\x00\x00" + len(body).to_bytes(8) + properties
    return Record(route, header, body, int.from_bytes(properties[:2]) & 0xFFFC)
