"""How a queue is replicated changes with the write of its in-sync set; and a queue may end."""

from dataclasses import replace

from cluster.replication.frames import Fence
from cluster.replication.inputs import (
    ChangeOptions,
    Elect,
    Forget,
    MirrorDisconnected,
    StateRead,
    TransactionDone,
    TransactionRefused,
    TransactionUnknown,
)
from cluster.replication.leadership import Leadership
from cluster.replication.ready import Change, Role
from cluster.replication.state import LiveNode, QueueOptions, QueueState, ReplicaId
from tests.support.replicating import INCARNATION, Replicating, members

PAIR = QueueOptions(("a", "b"), 2)
THREE = QueueOptions(("a", "b", "c"), 2)


def serving() -> tuple[Replicating, Leadership]:
    nodes = Replicating()
    nodes.serve()
    lead = nodes.cores["a"].lead_of("q")
    assert lead is not None
    return nodes, lead


def test_a_replica_leaves_with_its_membership_and_is_waited_for_until_then() -> None:
    nodes, lead = serving()
    nodes.step("a", ChangeOptions("q", PAIR))
    (transaction,) = nodes.transactions
    assert (transaction.change, transaction.options) == (Change.OPTIONS, PAIR)
    assert transaction.new.in_sync_set == members("a", "b")
    assert lead.waited_for() == members("a", "b", "c")
    nodes.step("a", TransactionDone(transaction.number, 2))
    assert lead.waited_for() == members("a", "b")
    assert set(lead.mirrors) == {"b"}
    assert not nodes.cores["a"].may_attach("c", "q")
    index = nodes.append("a")
    nodes.frames = [each for each in nodes.frames if "c" not in each[:2]]
    nodes.settle()
    assert nodes.committed["q"].index == index


def test_a_replica_is_added_and_grows_in_as_any_other() -> None:
    nodes, lead = serving()
    nodes.step("a", ChangeOptions("q", PAIR))
    nodes.step("a", TransactionDone(nodes.transactions[-1].number, 2))
    nodes.step("a", ChangeOptions("q", QueueOptions(("a", "b", "c"), 2)))
    assert lead.state.in_sync_set == members("a", "b")
    nodes.step("a", TransactionDone(nodes.transactions[-1].number, 3))
    nodes.attach("a", "c")
    nodes.settle()
    assert nodes.cores["a"].may_grow("q", "c")


def test_the_leader_stays_and_so_does_min_isr_and_one_write_is_open_at_a_time() -> None:
    nodes, _ = serving()
    core = nodes.cores["a"]
    assert not core.may_change("q", QueueOptions(("b", "c"), 2))
    assert not core.may_change("q", QueueOptions(("a",), 2))
    assert core.may_change("q", QueueOptions(("a",), 1))
    assert core.may_change("q", QueueOptions(("a", "b", "c", "d", "e"), 4)), "nothing is taken out"
    nodes.step("a", ChangeOptions("q", PAIR))
    assert not core.may_change("q", PAIR)
    assert not nodes.cores["b"].may_change("q", PAIR)
    nodes.step("b", ChangeOptions("q", PAIR))
    assert len(nodes.transactions) == 1


def test_an_unknown_change_is_settled_by_a_read_of_what_is_there() -> None:
    nodes, lead = serving()
    nodes.step("a", ChangeOptions("q", PAIR))
    nodes.step("a", TransactionUnknown(nodes.transactions[-1].number))
    assert lead.waited_for() == members("a", "b", "c")
    applied = replace(lead.state, in_sync_set=members("a", "b"))
    nodes.step("a", StateRead("q", applied, 2, PAIR))
    assert lead.replica.options == PAIR
    assert lead.waited_for() == members("a", "b")


def test_a_refused_change_leaves_everything() -> None:
    nodes, lead = serving()
    nodes.step("a", ChangeOptions("q", PAIR))
    nodes.step("a", TransactionRefused(nodes.transactions[-1].number))
    assert lead.waited_for() == members("a", "b", "c")
    assert lead.replica.options.replicas == ("a", "b", "c")


def test_an_older_read_brings_no_options_back() -> None:
    nodes, lead = serving()
    nodes.step("a", ChangeOptions("q", PAIR))
    nodes.step("a", TransactionDone(nodes.transactions[-1].number, 2))
    nodes.step("a", StateRead("q", lead.state, 1, QueueOptions(("a", "b", "c"), 2)))
    assert lead.replica.options == PAIR


def test_an_election_counts_with_the_options_of_the_state_that_it_changes() -> None:
    nodes, lead = serving()
    live = {"b": LiveNode(9, ReplicaId("b", "0"))}
    nodes.step("b", Elect("q", lead.state, 1, live, None, QueueOptions(("b",), 1)))
    (transaction,) = nodes.transactions
    assert transaction.new.leader == "b"
    assert transaction.new.in_sync_set == members("b"), "the dead leave down to its min_isr"


def test_a_queue_that_is_gone_is_led_and_mirrored_no_more() -> None:
    nodes, _ = serving()
    nodes.append("a")
    nodes.step("a", Forget("q"))
    assert nodes.roles["a", "q"] is Role.MIRROR
    assert nodes.cores["a"].lead_of("q") is None
    nodes.step("b", Forget("q"))
    nodes.settle()
    assert "q" not in nodes.cores["b"].node.replicas
    nodes.step("a", StateRead("q", QueueState("a", INCARNATION, 9, members("a")), 9))
    assert nodes.cores["a"].lead_of("q") is None


def test_a_replica_that_comes_back_is_fenced_twice_and_brought_up_once() -> None:
    nodes, _ = serving()
    nodes.step("a", MirrorDisconnected("c"))
    nodes.step("a", ChangeOptions("q", PAIR))
    nodes.step("a", TransactionDone(nodes.transactions[-1].number, 2))
    index = nodes.append("a")
    nodes.settle()
    nodes.connect("a", "c")
    for revision, options in ((3, THREE), (5, THREE)):
        nodes.step("a", ChangeOptions("q", options))
        nodes.step("a", TransactionDone(nodes.transactions[-1].number, revision))
        nodes.attach("a", "c")
        if revision == 3:
            nodes.step("a", ChangeOptions("q", PAIR))
            nodes.step("a", TransactionDone(nodes.transactions[-1].number, 4))
    assert [type(frame) for _, _, frame in nodes.frames] == [Fence, Fence]
    nodes.settle()
    assert nodes.cores["c"].node.replicas["q"].known_commit == index
    assert nodes.cores["a"].may_grow("q", "c")
