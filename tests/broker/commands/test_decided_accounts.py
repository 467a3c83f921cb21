"""Commands on users and their rights, decided by the store of a cluster."""

from amqp_server.broker.definitions.definition import VhostDefinition
from tests.support.decided_commands import ACCOUNTS, played


def test_they_answer_as_on_a_node_by_itself() -> None:
    played([("put_vhost", {"definition": VhostDefinition("v")}), *ACCOUNTS])
