"""Changes of the in-sync set: what the store was asked for may be so."""

from cluster.replication.frames import Refused
from cluster.replication.inputs import (
    Attach,
    FrameFromMirror,
    GiveUp,
    Grow,
    MirrorDisconnected,
    Move,
    Shrink,
    StateRead,
    Touch,
    TransactionDone,
    TransactionRefused,
    TransactionUnknown,
)
from cluster.replication.leadership import Leadership
from cluster.replication.ready import Change, Role
from cluster.replication.state import QueueOptions, QueueState, ReplicaId
from tests.support.replicating import INCARNATION, Replicating, members

B0, C0 = ReplicaId("b", "0"), ReplicaId("c", "0")
REVISION = 1


def serving() -> Replicating:
    nodes = Replicating()
    nodes.serve()
    return nodes


def lead_of(nodes: Replicating, name: str = "a") -> Leadership:
    lead = nodes.cores[name].lead_of("q")
    assert lead is not None
    return lead


def shrunk() -> Replicating:
    nodes = serving()
    nodes.step("a", Shrink("q", C0))
    nodes.step("a", TransactionDone(nodes.transactions[-1].number, 2))
    return nodes


def test_who_is_taken_out_is_waited_for_until_the_store_has_answered() -> None:
    nodes = serving()
    nodes.step("a", MirrorDisconnected("c"))
    nodes.step("a", Shrink("q", C0))
    index = nodes.append("a")
    nodes.settle()
    assert nodes.committed["q"].index < index
    nodes.step("a", TransactionDone(nodes.transactions[-1].number, 2))
    assert nodes.committed["q"].index == index


def test_a_damaged_leader_does_not_become_the_whole_set() -> None:
    nodes = Replicating("ab", {"q": QueueOptions(("a", "b"), 1)})
    nodes.serve()
    core = nodes.cores["a"]
    assert core.may_shrink("q", B0)
    core.set_damaged("q", is_damaged=True)
    assert not core.may_shrink("q", B0)
    nodes.step("a", MirrorDisconnected("b"))
    nodes.step("a", Shrink("q", B0))
    assert not nodes.transactions
    core.set_damaged("q", is_damaged=False)
    assert core.may_shrink("q", B0)


def test_a_damaged_leader_takes_out_who_is_not_the_last_other_one() -> None:
    nodes = Replicating("abc", {"q": QueueOptions(("a", "b", "c"), 1)})
    nodes.serve()
    core = nodes.cores["a"]
    core.set_damaged("q", is_damaged=True)
    assert core.may_shrink("q", C0)
    nodes.step("a", Shrink("q", C0))
    nodes.step("a", TransactionDone(nodes.transactions[-1].number, 2))
    assert not core.may_shrink("q", B0)


def test_a_mirror_is_let_go_only_where_no_set_has_it_and_it_is_not_attached() -> None:
    nodes = serving()
    assert not nodes.cores["a"].may_let_go("q", "c"), "a member"
    nodes.step("a", MirrorDisconnected("c"))
    nodes.step("a", Shrink("q", C0))
    nodes.connect("a", "c")
    assert not nodes.cores["a"].may_let_go("q", "c"), "the write may be refused"
    nodes.step("a", TransactionDone(nodes.transactions[-1].number, 2))
    assert nodes.cores["a"].may_let_go("q", "c")
    assert not nodes.cores["a"].may_let_go("q", "b"), "a member"
    assert not nodes.cores["a"].may_let_go("unknown", "c")
    nodes.step("a", Attach("c", "q"))
    assert not nodes.cores["a"].may_let_go("q", "c"), "it may answer"
    nodes.settle()
    nodes.step("a", Grow("q", "c"))
    nodes.step("a", FrameFromMirror("c", Refused("q", lead_of(nodes).epoch)))
    assert not nodes.cores["a"].may_let_go("q", "c"), "it may have been taken in"


def test_the_set_never_shrinks_below_min_isr() -> None:
    nodes = shrunk()
    assert not nodes.cores["a"].may_shrink("q", B0)
    nodes.step("a", Shrink("q", B0))
    assert len(nodes.transactions) == 1


def test_who_joins_is_waited_for_from_the_submission_on() -> None:
    nodes = shrunk()
    nodes.step("a", Grow("q", "c"))
    assert nodes.transactions[-1].change is Change.GROW
    index = nodes.append("a")
    nodes.carry()
    nodes.fsync("a", "b")
    nodes.carry()
    assert nodes.committed["q"].index < index


def test_a_time_out_decides_nothing_and_neither_does_the_old_revision() -> None:
    nodes = shrunk()
    nodes.step("a", Grow("q", "c"))
    nodes.step("a", TransactionUnknown(nodes.transactions[-1].number))
    assert lead_of(nodes).waited_for() == members("a", "b", "c")
    nodes.step("a", StateRead("q", lead_of(nodes).state, 2))
    assert lead_of(nodes).waited_for() == members("a", "b", "c")
    assert not nodes.cores["a"].may_shrink("q", B0)


def test_a_touch_settles_what_was_open() -> None:
    nodes = shrunk()
    nodes.step("a", Grow("q", "c"))
    nodes.step("a", TransactionUnknown(nodes.transactions[-1].number))
    nodes.step("a", Touch("q"))
    assert nodes.transactions[-1].new == lead_of(nodes).state
    nodes.step("a", TransactionDone(nodes.transactions[-1].number, 3))
    assert lead_of(nodes).waited_for() == members("a", "b")
    assert lead_of(nodes).open_writes == []


def test_a_refused_change_is_over_and_the_state_is_read() -> None:
    nodes = shrunk()
    nodes.step("a", Grow("q", "c"))
    nodes.step("a", TransactionRefused(nodes.transactions[-1].number))
    assert lead_of(nodes).open_writes == []
    assert nodes.state_reads == ["q"]


def test_who_has_not_all_that_is_committed_does_not_join() -> None:
    nodes = shrunk()
    nodes.append("a")
    nodes.carry()
    nodes.fsync("a", "b")
    nodes.carry()
    assert not nodes.cores["a"].may_grow("q", "c")
    nodes.settle()
    assert nodes.cores["a"].may_grow("q", "c")


def test_a_new_disk_takes_the_place_of_the_old_one() -> None:
    nodes = serving()
    progress = lead_of(nodes).mirrors["c"]
    progress.replica = ReplicaId("c", "1")
    nodes.step("a", Grow("q", "c"))
    assert nodes.transactions[-1].new.in_sync_set == members("a", "b") | {ReplicaId("c", "1")}


def test_a_move_stops_admission_until_its_outcome_is_known() -> None:
    nodes = serving()
    nodes.step("a", Move("q", "b", 9))
    core = nodes.cores["a"]
    assert not core.may_append("q")
    assert not core.may_deliver("q")
    nodes.step("a", TransactionUnknown(nodes.transactions[-1].number))
    assert not core.may_append("q")
    nodes.step("a", StateRead("q", QueueState("b", 9, 2, members("a", "b", "c")), 2))
    assert nodes.roles["a", "q"] is Role.MIRROR


def test_a_refused_move_admits_again() -> None:
    nodes = serving()
    nodes.step("a", Move("q", "b", 9))
    nodes.step("a", TransactionRefused(nodes.transactions[-1].number))
    assert nodes.cores["a"].may_append("q")


def test_a_queue_moves_only_to_who_has_all_of_it() -> None:
    nodes = serving()
    nodes.append("a")
    assert not nodes.cores["a"].may_move("q", "b")
    nodes.settle()
    assert nodes.cores["a"].may_move("q", "b")
    assert not nodes.cores["a"].may_move("q", "x")


def test_a_guarded_queue_commits_only_under_the_lease_of_its_leadership() -> None:
    nodes = Replicating(queues={"q": QueueOptions(("a", "b", "c"), 2, lease_guard=True)})
    nodes.serve()
    nodes.cores["a"].tick(60_000)
    index = nodes.append("a")
    nodes.settle()
    assert nodes.committed["q"].index < index
    assert not nodes.cores["a"].may_deliver("q")
    assert lead_of(nodes).state.incarnation == INCARNATION


def test_who_gives_a_queue_up_admits_and_delivers_nothing_until_the_store_has_answered() -> None:
    nodes = serving()
    index = nodes.append("a")
    nodes.step("a", GiveUp("q", B0, 21))
    core, transaction = nodes.cores["a"], nodes.transactions[-1]
    assert (transaction.change, transaction.live) == (Change.MOVE, (("b", 21),))
    assert (transaction.new.epoch, transaction.new.in_sync_set) == (2, members("b", "c"))
    assert (core.may_append("q"), core.may_deliver("q")) == (False, False)
    nodes.settle()
    assert nodes.committed["q"].index == index, "all of the old set have it"
    nodes.step("a", TransactionRefused(transaction.number))
    assert core.may_append("q")


def test_where_the_set_would_be_too_small_who_gives_up_stays_in_it() -> None:
    nodes = shrunk()
    nodes.step("a", GiveUp("q", B0, 21))
    assert nodes.transactions[-1].new.in_sync_set == members("a", "b")


def test_a_queue_is_given_up_to_no_other_than_could_be_elected() -> None:
    nodes = shrunk()
    core = nodes.cores["a"]
    for target in (C0, ReplicaId("b", "1"), ReplicaId("a", "0")):
        assert not core.may_give_up("q", target)
        nodes.step("a", GiveUp("q", target, 21))
    assert len(nodes.transactions) == 1
    nodes.step("a", Touch("q"))
    nodes.step("a", GiveUp("q", B0, 21))
    nodes.step("b", GiveUp("q", C0, 21))
    assert nodes.transactions[-1].change is Change.MOVE
    assert not core.may_give_up("q", B0), "one write at a time"
    assert not nodes.cores["b"].may_give_up("q", C0), "it does not lead"
