"""Mandatory messages that reached no queue, on their way back to their publisher."""

from collections.abc import Iterable

from amqp_server.connections.outbox import Outbox
from amqp_server.wire.constants import NO_ROUTE
from amqp_server.wire.content import render_return
from persistence.record import Run


def write_returns(
    outbox: Outbox,
    channel_number: int,
    records: Run,
    unroutable: Iterable[int],
    payload_max_bytes: int,
) -> None:
    """Send the messages of a run with these indexes back.

    Their confirms come later (RabbitMQ, confirms).
    """
    for index in unroutable:
        octets = render_return(
            channel_number, NO_ROUTE, "NO_ROUTE", records[index], payload_max_bytes
        )
        outbox.write(octets)
