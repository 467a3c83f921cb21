"""Decisions of the protocol that a table can say."""

import pytest

from cluster.replication.ready import Change
from cluster.replication.rules import Mode, OpenWrite, Rules
from cluster.replication.state import LiveNode, QueueState, ReplicaId
from tests.support.replicating import members

RULES = Rules()


@pytest.mark.parametrize(
    ("leader", "incarnation", "epoch", "elected"),
    [("a", 7, 3, True), ("a", 6, 3, False), ("b", 7, 3, False), ("a", 7, 2, False)],
)
def test_leader_incarnation_and_a_new_epoch_make_a_leader(
    leader: str, incarnation: int, epoch: int, elected: bool
) -> None:
    state = QueueState(leader, incarnation, epoch, members("a"))
    assert RULES.is_elected(state, "a", 7, 2) is elected


def test_only_a_live_queue_counts_by_the_links_lsn() -> None:
    assert RULES.counts_from(Mode.LIVE, 5) == 5
    assert RULES.counts_from(Mode.CATCH_UP, 5) is None
    assert RULES.counts_from(Mode.FENCE, 5) is None


def test_a_write_stays_open_until_the_revision_has_moved() -> None:
    write = OpenWrite(4, members("a"))
    assert RULES.open_after_time_out([write]) == [write]
    assert RULES.open_after_read([write], 4) == [write]
    assert RULES.open_after_read([write], 5) == []


def test_every_change_but_an_election_is_waited_for() -> None:
    assert {change for change in Change if not RULES.opens_doubt(change)} == {Change.ELECT}


def test_a_new_disk_of_a_member_is_no_candidate() -> None:
    live = {"a": LiveNode(1, ReplicaId("a", "1")), "b": LiveNode(2, ReplicaId("b", "0"))}
    assert RULES.candidates("abc", members("a", "b"), live) == ["b"]
