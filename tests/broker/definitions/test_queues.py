"""Queues: what of a file is taken."""

import pytest

from amqp_server.broker.definitions.item import Item
from amqp_server.broker.definitions.queues import QueueRow
from amqp_server.broker.definitions.row import Reading
from amqp_server.wire.tables import Table, longstr

READING = Reading(bytes)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("classic", {}),
        ("rabbit_classic_queue", {}),
        ("quorum", {"x-queue-type": longstr("quorum")}),
        ("rabbit_quorum_queue", {"x-queue-type": longstr("quorum")}),
    ],
)
def test_a_type_may_be_named_by_its_module(kind: str, arguments: Table) -> None:
    raw = {"name": "q", "vhost": "/", "type": kind}
    assert QueueRow().read(Item(raw, "d"), READING).arguments == arguments
