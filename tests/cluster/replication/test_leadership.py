"""What a leader may take for the in-sync set."""

from cluster.replication.leadership import Leadership, MirrorProgress
from cluster.replication.replica import Replica
from cluster.replication.rules import Mode, OpenWrite
from cluster.replication.state import QueueOptions, QueueState, StoredReplica
from tests.support.replicating import members


def leadership(min_isr: int = 2) -> Leadership:
    replica = Replica("q", QueueOptions(("a", "b", "c"), min_isr), StoredReplica(1, 0, 4), 1)
    return Leadership(replica, QueueState("a", 7, 1, members("a", "b")), 10, 1)


def test_who_is_waited_for_is_the_union_of_what_may_be() -> None:
    lead = leadership()
    lead.open_writes = [OpenWrite(10, members("a", "b", "c"))]
    assert lead.waited_for() == members("a", "b", "c")
    assert lead.has_enough()


def test_the_smallest_set_must_reach_min_isr() -> None:
    lead = leadership()
    lead.open_writes = [OpenWrite(10, members("a"))]
    assert lead.waited_for() == members("a", "b")
    assert not lead.has_enough()


def test_a_write_that_expected_an_older_revision_is_over() -> None:
    lead = leadership()
    lead.open_writes = [OpenWrite(9, members("a"))]
    assert lead.possible_sets() == [members("a", "b")]


def test_a_mirror_is_settled_once_it_got_the_end_of_its_catch_up() -> None:
    progress = MirrorProgress(Mode.LIVE, got=3, attach_index=4)
    assert not progress.is_settled()
    progress.got = 4
    assert progress.is_settled()
    progress.mode = Mode.CATCH_UP
    assert not progress.is_settled()
