"""One order of writes and LSNs for all queues of a node."""

from cluster.replication.identity import DiskIdentity, Identity
from cluster.replication.lease import Lease
from cluster.replication.node_state import NodeState
from cluster.replication.ready import AppendWrite, CompactWrite, InstallWrite, PromiseWrite
from cluster.replication.replica import Replica
from cluster.replication.rules import Rules
from cluster.replication.state import QueueOptions, StoredReplica


def node() -> NodeState:
    return NodeState("a", Identity(DiskIdentity("0", 0)), Lease(), Rules())


def replica(queue: str = "q") -> Replica:
    return Replica(queue, QueueOptions(("a",)), StoredReplica(), 0)


def test_writes_have_one_order() -> None:
    state, log = node(), replica()
    state.write_promise(log, 3)
    state.write_records(log, 0, ((3, 1),), 4, "records")
    state.write_snapshot(log, 9, ((3, 1),), "live")
    state.write_compaction(log, 9)
    assert state.ready.writes == [
        PromiseWrite(1, "q", 3),
        AppendWrite(2, "q", 0, ((3, 1),), 4, "records"),
        InstallWrite(3, "q", 9, ((3, 1),), "live"),
        CompactWrite(4, "q", 9),
    ]


def test_the_own_disk_is_one_lsn_for_all_queues() -> None:
    state = node()
    for queue in ("q", "r"):
        state.write_records(replica(queue), 0, ((1, 1),), 3, "records")
        state.next_lsn(3)
    state.write_promise(replica("s"), 1)
    assert state.own_safe_lsn == 0
    state.fsynced = 1
    state.note_safe_writes()
    assert state.own_safe_lsn == 3
    state.fsynced = 3
    state.note_safe_writes()
    assert state.own_safe_lsn == 6


def test_a_lease_of_another_incarnation_does_not_count() -> None:
    state = node()
    state.lease.grant(5, asked_at_ms=0, ttl_ms=10_000)
    assert state.is_leased(5)
    assert not state.is_leased(4)
    state.now_ms = 9_000
    assert not state.is_leased(5)


def test_transactions_have_numbers_of_their_own() -> None:
    state = node()
    assert [state.next_transaction() for _ in range(3)] == [1, 2, 3]
