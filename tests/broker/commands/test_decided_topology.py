"""Commands on queues, exchanges and bindings, decided by the store of a cluster."""

from tests.support.decided_commands import TOPOLOGY, played


def test_they_answer_as_on_a_node_by_itself() -> None:
    played(TOPOLOGY)
