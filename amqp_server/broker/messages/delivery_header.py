"""The header that a kind of queue adds to its deliveries: a delivery count, an offset.

The value is a long, as in RabbitMQ.
"""

from collections.abc import Iterable
from itertools import repeat

from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import split
from amqp_server.wire.tables import Field
from persistence.record import HAS_HEADERS, Record, Run
from queues.batch import Batch
from queues.kinds import DeliveryHeader


def with_delivery_header(header: DeliveryHeader, batch: Batch, *, is_got: bool = False) -> Run:
    """Return the messages of a batch with the header set.

    Args:
        header: the header that the queue's kind adds.
        batch: the messages.
        is_got: whether a basic.get took them; otherwise they go to a consumer.
    """
    value = header.value_of(batch)
    if not value and header.omits_zero and not is_got:
        return batch.records
    values: Iterable[int] = repeat(value) if isinstance(value, int) else value
    # One value for all messages is repeated without an end.
    return [
        _with_header(record, header.name, each)
        for record, each in zip(batch.records, values, strict=False)
    ]


def _with_header(record: Record, name: str, value: int) -> Record:
    properties = split(record.header)
    try:
        headers = properties.headers()
    except WireError:
        headers = {}
    headers[name] = Field("l", value)
    properties.set_headers(headers)
    return record._replace(header=properties.encode(), flags=record.flags | HAS_HEADERS)
