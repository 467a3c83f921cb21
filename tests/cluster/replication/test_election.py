"""Election from the in-sync set only."""

from cluster.replication import election
from cluster.replication.inputs import Elect, StoreSeen
from cluster.replication.state import LiveNode, QueueState, ReplicaId
from tests.support.replicating import INCARNATION, Replicating, members

LIVE = {
    "b": LiveNode(12, ReplicaId("b", "0")),
    "c": LiveNode(13, ReplicaId("c", "0")),
}
STATE = QueueState("a", 5, 3, members("a", "b", "c"))


def test_a_leader_without_its_key_is_gone() -> None:
    assert election.is_due(STATE, LIVE)
    assert election.is_due(STATE, {**LIVE, "a": LiveNode(6, ReplicaId("a", "0"))})
    assert not election.is_due(STATE, {**LIVE, "a": LiveNode(5, ReplicaId("a", "0"))})


def test_an_election_compares_all_that_it_rests_on() -> None:
    nodes = Replicating()
    nodes.step("c", Elect("q", STATE, 40, LIVE))
    [transaction] = nodes.transactions
    assert transaction.new == QueueState("b", 12, 4, members("b", "c"))
    assert transaction.expected_revision == 40
    assert transaction.live == (("b", 12),)
    assert transaction.controller == INCARNATION
    assert (transaction.disk, transaction.stamp) == ("0", 1)


def test_the_dead_leave_the_set_but_never_below_min_isr() -> None:
    assert election.without_dead(members("a", "b", "c"), LIVE, 2) == members("b", "c")
    only_b = {"b": LIVE["b"]}
    assert election.without_dead(members("a", "b", "c"), only_b, 2) == members("b", "c")
    assert election.without_dead(members("a", "b"), only_b, 2) == members("a", "b")


def test_nobody_outside_of_the_set_is_elected() -> None:
    nodes = Replicating()
    state = QueueState("a", 5, 3, members("a"))
    nodes.step("c", Elect("q", state, 40, LIVE))
    assert nodes.transactions == []


def test_a_frozen_node_elects_nobody() -> None:
    nodes = Replicating()
    nodes.step("c", StoreSeen(10, "another disk", 1))
    nodes.step("c", Elect("q", STATE, 40, LIVE))
    assert nodes.transactions == []
