"""The replication core takes a queue as it is placed: who is a member is waited for."""

from cluster.metadata.records import StoredQueueState
from cluster.placement.asking import Asked
from cluster.placement.placing import placed
from cluster.replication.inputs import Grow, Shrink, StateRead, TransactionDone
from cluster.replication.ready import Role
from cluster.replication.state import ReplicaId
from tests.support.placements import node
from tests.support.replicating import INCARNATION, Replicating


def new_queue(live: str, away: str = "") -> StoredQueueState:
    nodes = [node(name, disk="0", incarnation=INCARNATION) for name in live]
    nodes += [node(name, disk="0", incarnation=0) for name in away]
    return placed("q", Asked(3), nodes, live[0])


def begun(new: StoredQueueState, *mirrors: str) -> Replicating:
    """Return nodes, of which the leader and these mirrors live, and the queue was declared."""
    nodes = Replicating("".join(sorted(new.options.replicas)), {"q": new.options})
    nodes.step(new.state.leader, StateRead("q", new.state, 1))
    nodes.fsync(new.state.leader)
    nodes.connect(new.state.leader, *mirrors)
    nodes.attach(new.state.leader, *mirrors)
    return nodes


def committed(nodes: Replicating) -> int:
    return nodes.committed["q"].index if "q" in nodes.committed else 0


def test_a_new_queue_serves_once_all_who_live_have_its_first_record() -> None:
    nodes = begun(new_queue("abc"), "b", "c")
    nodes.carry()
    assert committed(nodes) == 0
    nodes.settle()
    assert nodes.roles["a", "q"] is Role.LEADER
    assert nodes.append("a") == 2
    nodes.settle()
    assert committed(nodes) == 2


def test_a_new_queue_serves_while_a_replica_is_away_and_takes_it_in_later() -> None:
    new = new_queue("ab", away="c")
    nodes = begun(new, "b")
    nodes.settle()
    nodes.append("a")
    nodes.settle()
    assert committed(nodes) == 2
    nodes.connect("a", "c")
    nodes.attach("a", "c")
    nodes.settle()
    nodes.step("a", Grow("q", "c"))
    assert nodes.transactions[-1].new.in_sync_set == {ReplicaId(name, "0") for name in "abc"}


def test_a_leader_alone_confirms_nothing_until_min_isr_is_reached() -> None:
    new = new_queue("a", away="bc")
    (absent,) = new.state.in_sync_set - {ReplicaId("a", "0")}
    nodes = begun(new)
    nodes.settle()
    assert committed(nodes) == 0
    assert not nodes.cores["a"].may_append("q")
    # The other one comes first: it is taken in, and then who is away can go.
    other = next(name for name in "bc" if name != absent.node)
    nodes.connect("a", other)
    nodes.attach("a", other)
    nodes.settle()
    nodes.step("a", Grow("q", other))
    nodes.step("a", TransactionDone(nodes.transactions[-1].number, 2))
    nodes.settle()
    assert committed(nodes) == 0
    nodes.step("a", Shrink("q", absent))
    nodes.step("a", TransactionDone(nodes.transactions[-1].number, 3))
    nodes.settle()
    assert committed(nodes) == 1
    assert nodes.cores["a"].may_append("q")
