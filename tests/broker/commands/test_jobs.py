"""Commands on jobs; the routes' tests have the rest."""

import pytest

from amqp_server.broker.commands.jobs import JobCommands
from amqp_server.broker.errors import ResourceLockedError
from amqp_server.broker.messages.message_filter import EVERY_MESSAGE
from amqp_server.broker.steps import finish
from tests.support.peer import Node


def test_a_queue_of_a_connection_is_its_own() -> None:
    node = Node()
    client = node.open()
    client.declare()
    client.declare("mine", exclusive=True)
    for source, dest in (("jobs", "mine"), ("mine", "jobs")):
        with pytest.raises(ResourceLockedError):
            finish(
                JobCommands(node.broker).move(
                    node.now_ms,
                    "/",
                    source,
                    username="guest",
                    dest=dest,
                    count=None,
                    matching=EVERY_MESSAGE,
                    rate=None,
                    copies=False,
                    wake=lambda: None,
                )
            )
    assert list(node.broker.jobs) == []
