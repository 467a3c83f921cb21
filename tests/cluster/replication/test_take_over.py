"""Who leads, and from when on."""

import pytest

from cluster.replication.errors import BrokenInvariantError
from cluster.replication.frames import Fence, Refused
from cluster.replication.inputs import FrameFromLeader, LeaderConnected, StateRead
from cluster.replication.ready import AppendWrite, EpochStart, PromiseWrite, Role
from cluster.replication.state import QueueState
from tests.support.replicating import INCARNATION, Replicating, members


def test_taking_over_writes_the_promise_and_then_the_start_of_the_epoch() -> None:
    nodes = Replicating()
    state = QueueState("a", INCARNATION, 5, members("a", "b"))
    ready = nodes.step("a", StateRead("q", state, 1))
    assert ready.writes == [
        PromiseWrite(1, "q", 5),
        AppendWrite(2, "q", 0, ((5, 1),), 1, EpochStart.RECORD),
    ]
    assert ready.roles == {"q": Role.LEADER_ELECT}


def test_no_fence_leaves_before_the_promise_is_on_disk() -> None:
    nodes = Replicating()
    nodes.elect("a")
    nodes.connect("a", "b")
    nodes.attach("a", "b")
    assert nodes.frames == []
    nodes.fsync("a")
    nodes.attach("a", "b")
    assert nodes.frames == [("a", "b", Fence("q", 1))]


def test_a_leader_serves_once_the_start_of_its_epoch_is_committed() -> None:
    nodes = Replicating()
    nodes.elect("a")
    nodes.settle()
    assert not nodes.cores["a"].may_append("q")
    nodes.serve()
    assert nodes.cores["a"].may_append("q")
    assert nodes.roles["a", "q"] is Role.LEADER


@pytest.mark.parametrize(("incarnation", "epoch"), [(INCARNATION - 1, 1), (INCARNATION, 0)])
def test_another_incarnation_or_an_old_epoch_leads_nothing(incarnation: int, epoch: int) -> None:
    nodes = Replicating()
    state = QueueState("a", incarnation, epoch, members("a"))
    assert nodes.step("a", StateRead("q", state, 1)).writes == []


def test_a_leader_steps_down_for_a_higher_epoch_that_it_reads() -> None:
    nodes = Replicating()
    nodes.serve()
    nodes.step("a", StateRead("q", QueueState("b", 9, 2, members("b", "c")), 5))
    assert nodes.roles["a", "q"] is Role.MIRROR
    assert not nodes.cores["a"].may_append("q")


def test_an_older_state_is_dropped() -> None:
    nodes = Replicating()
    nodes.elect("a", revision=5)
    nodes.step("a", StateRead("q", QueueState("a", INCARNATION, 1, members("a")), 4))
    lead = nodes.cores["a"].lead_of("q")
    assert lead is not None
    assert lead.state.in_sync_set == members("a", "b", "c")


def test_two_leaders_of_one_epoch_are_seen() -> None:
    nodes = Replicating()
    nodes.serve()
    with pytest.raises(BrokenInvariantError, match="I2 q"):
        nodes.step("a", StateRead("q", QueueState("b", 9, 1, members("b")), 5))


def test_older_leaders_are_refused_before_the_new_one_is_answered() -> None:
    nodes = Replicating()
    nodes.serve()
    nodes.step("c", LeaderConnected("b"))
    nodes.step("c", FrameFromLeader("b", Fence("q", 2)))
    assert nodes.frames == [("c", "a", Refused("q", 2))]
    nodes.carry()
    assert nodes.roles["a", "q"] is Role.MIRROR
