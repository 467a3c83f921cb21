"""Commands on vhosts, policies, limits, parameters and files, decided by the store of a cluster."""

from tests.support.decided_commands import VHOSTS, played


def test_they_answer_as_on_a_node_by_itself() -> None:
    played(VHOSTS)
