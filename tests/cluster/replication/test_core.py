"""A core as its shell sees it."""

import pytest

from cluster.replication.core import NotServingError, ReplicationCore
from cluster.replication.frames import Append
from cluster.replication.identity import DiskIdentity
from cluster.replication.inputs import LeaseGranted, MirrorDisconnected, StateRead
from cluster.replication.ready import AppendWrite, Ready
from cluster.replication.state import QueueOptions, QueueState, StoredReplica
from tests.support.replicating import INCARNATION, Replicating, members


def serving() -> Replicating:
    nodes = Replicating()
    nodes.serve()
    return nodes


def test_what_is_ready_is_taken_once() -> None:
    nodes = serving()
    nodes.cores["a"].append("q", 1, "records")
    assert nodes.cores["a"].ready() != Ready()
    assert nodes.cores["a"].ready() == Ready()


def test_a_run_is_one_write_and_one_frame_for_each_mirror() -> None:
    nodes = serving()
    core = nodes.cores["a"]
    index, lsn = core.append("q", 1_000, "records")
    assert (index, lsn) == (1_001, 1_000)
    ready = core.ready()
    number = core.node.written
    assert ready.writes == [AppendWrite(number, "q", 1, ((1, 2),), 1_000, "records")]
    frame = Append("q", 1, 1, 1, 1_000, "records", lsn, 1)
    assert ready.to_mirrors == [("b", frame), ("c", frame)]


def test_who_does_not_lead_admits_nothing() -> None:
    nodes = serving()
    with pytest.raises(NotServingError):
        nodes.cores["b"].append("q", 1, "records")
    with pytest.raises(NotServingError):
        nodes.cores["b"].append_settlement("q", 1, "records")


def test_only_what_is_committed_is_delivered() -> None:
    nodes = serving()
    index = nodes.append("a")
    assert nodes.cores["a"].deliverable("q") == index - 1
    nodes.settle()
    assert nodes.cores["a"].deliverable("q") == index
    assert nodes.cores["b"].deliverable("q") == 0
    nodes.append("a")
    nodes.settle()
    assert nodes.cores["b"].readable("q") == index


def test_one_mirror_that_answers_has_the_record_although_it_is_not_committed() -> None:
    nodes = serving()
    core = nodes.cores["a"]
    index = nodes.append("a")
    nodes.carry()
    assert not core.is_elsewhere("q", index)
    nodes.fsync("a")
    nodes.carry()
    assert not core.is_elsewhere("q", index), "the own disk is not elsewhere"
    nodes.fsync("b")
    nodes.carry()
    assert core.is_elsewhere("q", index)
    assert core.deliverable("q") < index
    assert not nodes.cores["b"].is_elsewhere("q", index), "it does not lead"


def test_without_a_lease_it_is_delivered_while_all_members_are_connected() -> None:
    nodes = serving()
    core = nodes.cores["a"]
    core.tick(60_000)
    assert core.may_deliver("q")
    nodes.step("a", MirrorDisconnected("c"))
    assert not core.may_deliver("q")


def test_a_restart_goes_on_in_no_old_epoch() -> None:
    core = ReplicationCore("a", DiskIdentity("0", 1))
    core.add_replica("q", QueueOptions(("a", "b")), StoredReplica(3, 0, 5, ((3, 1),)))
    core.step(LeaseGranted(INCARNATION, 0, 10_000))
    core.step(StateRead("q", QueueState("a", INCARNATION, 3, members("a", "b")), 9))
    assert core.ready().writes == []
    assert core.lead_of("q") is None


def test_a_controller_knows_queues_without_a_replica() -> None:
    core = ReplicationCore("z", DiskIdentity("0", 1))
    core.know_queue("q", QueueOptions(("a", "b")))
    assert core.node.options["q"].replicas == ("a", "b")
    assert core.node.replicas == {}
