"""The header that tells a quorum queue's consumers how often a message came back.

Source: RabbitMQ, quorum queues, poison message handling: ``x-delivery-count``, a long; a delivery
has it from 1 on, what a basic.get takes always.
"""

from typing import Final

from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import split
from amqp_server.wire.tables import Field
from persistence.record import HAS_HEADERS, Record, Run

DELIVERY_COUNT_HEADER: Final = "x-delivery-count"


def with_delivery_count(run: Run, delivery_count: int) -> list[Record]:
    """Return the messages with the header set."""
    return [_with_header(record, delivery_count) for record in run]


def _with_header(record: Record, delivery_count: int) -> Record:
    properties = split(record.header)
    try:
        headers = properties.headers()
    except WireError:
        headers = {}
    headers[DELIVERY_COUNT_HEADER] = Field("l", delivery_count)
    properties.set_headers(headers)
    return record._replace(header=properties.encode(), flags=record.flags | HAS_HEADERS)
