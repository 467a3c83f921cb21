"""What a node knows of its own log."""

from cluster.replication.replica import Replica
from cluster.replication.state import QueueOptions, StoredReplica


def replica(stored: StoredReplica) -> Replica:
    return Replica("q", QueueOptions(("a",)), stored, stored.promised)


def test_a_replica_begins_with_what_the_disk_has() -> None:
    stored = StoredReplica(3, 10, 20, ((1, 1), (3, 15)))
    assert replica(stored).stored() == stored
    assert replica(stored).epoch_at(14) == 1


def test_a_cut_and_an_append_are_one() -> None:
    log = replica(StoredReplica(2, 0, 9, ((1, 1), (2, 8))))
    log.append(5, ((3, 6),), 2)
    assert (log.end, log.table) == (7, ((1, 1), (3, 6)))


def test_a_cut_alone_enters_no_epoch() -> None:
    log = replica(StoredReplica(2, 0, 9, ((1, 1), (2, 8))))
    log.append(7, (), 0)
    assert (log.end, log.table) == (7, ((1, 1),))


def test_a_snapshot_replaces_all_but_the_promise() -> None:
    log = replica(StoredReplica(2, 0, 9, ((1, 1),)))
    log.install(40, ((1, 1), (2, 30)))
    assert log.stored() == StoredReplica(2, 40, 40, ((1, 1), (2, 30)))
    assert log.known_commit == 40
