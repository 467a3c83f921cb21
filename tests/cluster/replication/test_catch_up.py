"""A mirror that is behind comes to the end in bounded frames, and the leader never stops."""

import pytest

from cluster.replication.errors import BrokenInvariantError
from cluster.replication.frames import Append, Ends, Fence, Got, Refused, Snapshot, Tail
from cluster.replication.inputs import (
    Attach,
    Compact,
    FrameFromMirror,
    MirrorConnected,
    MirrorDisconnected,
    RecordsRead,
    Shrink,
    TransactionDone,
)
from cluster.replication.ready import Role
from cluster.replication.rules import Mode
from cluster.replication.state import ReplicaId
from tests.support.replicating import Replicating

C0 = ReplicaId("c", "0")


def mode_of(nodes: Replicating, mirror: str) -> Mode | None:
    lead = nodes.cores["a"].lead_of("q")
    assert lead is not None
    return lead.mirrors[mirror].mode if mirror in lead.mirrors else None


def without_c(behind: int = 10) -> Replicating:
    """Three nodes of which c has left the in-sync set, and what was appended since."""
    nodes = Replicating(catch_up_count_max=4)
    nodes.serve()
    nodes.step("a", MirrorDisconnected("c"))
    nodes.step("a", Shrink("q", C0))
    nodes.step("a", TransactionDone(nodes.transactions[-1].number, 2))
    for _ in range(behind):
        nodes.append("a")
    nodes.settle()
    nodes.connect("a", "c")
    return nodes


def test_frames_are_bounded_and_the_last_makes_the_queue_live() -> None:
    nodes = without_c()
    nodes.attach("a", "c")
    counts = []
    while nodes.frames:
        counts += [frame.count for _, _, frame in nodes.frames if isinstance(frame, Tail)]
        nodes.carry_one()
        nodes.fsync("c")
    assert counts == [4, 4, 2]
    assert mode_of(nodes, "c") is Mode.LIVE


def test_a_live_queue_gets_every_run_behind_its_tail() -> None:
    nodes = without_c(behind=0)
    nodes.attach("a", "c")
    nodes.carry()
    nodes.fsync("c")
    nodes.carry_one()
    nodes.append("a")
    to_c = [type(frame) for _, target, frame in nodes.frames if target == "c"]
    assert to_c == [Tail, Append]


def test_what_is_compacted_away_comes_as_a_snapshot() -> None:
    nodes = without_c()
    nodes.step("a", Compact("q"))
    nodes.attach("a", "c")
    nodes.carry()
    nodes.fsync("c")
    nodes.carry_one()
    [snapshot] = [frame for _, _, frame in nodes.frames]
    assert isinstance(snapshot, Snapshot)
    assert snapshot.position == 11
    nodes.settle()
    assert mode_of(nodes, "c") is Mode.LIVE
    assert nodes.cores["c"].node.replicas["q"].base == 11


def test_a_new_connection_knows_nothing() -> None:
    nodes = Replicating()
    nodes.serve()
    nodes.step("a", MirrorConnected("c"))
    assert mode_of(nodes, "c") is None


def test_answers_of_an_older_epoch_say_nothing() -> None:
    nodes = Replicating()
    nodes.serve()
    nodes.step("a", FrameFromMirror("c", Got("q", 0, 99)))
    nodes.step("a", FrameFromMirror("c", Ends("q", 0, C0, (), 0, 0)))
    assert mode_of(nodes, "c") is Mode.LIVE


def test_a_refusal_of_this_epoch_attaches_anew_and_of_a_higher_one_ends_it() -> None:
    nodes = Replicating()
    nodes.serve()
    nodes.step("a", FrameFromMirror("c", Refused("q", 1)))
    assert mode_of(nodes, "c") is None
    nodes.attach("a", "c")
    assert nodes.frames == [("a", "c", Fence("q", 1))]
    nodes.step("a", FrameFromMirror("c", Refused("q", 2)))
    assert nodes.roles["a", "q"] is Role.MIRROR


def test_what_a_mirror_had_before_it_refused_counts_for_nothing() -> None:
    nodes = without_c()
    core = nodes.cores["a"]
    core.step(Attach("c", "q"))
    core.step(FrameFromMirror("c", Refused("q", 1)))
    core.step(Attach("c", "q"))
    end = core.node.replicas["q"].end
    core.step(FrameFromMirror("c", Got("q", 1, end)))
    core.step(FrameFromMirror("c", Ends("q", 1, C0, (), 0, 0)))
    assert mode_of(nodes, "c") is Mode.CATCH_UP
    assert not core.may_grow("q", "c"), "its log is empty now"
    core.step(FrameFromMirror("c", Got("q", 1, end)))
    assert core.may_grow("q", "c")


def test_a_member_has_what_is_compacted_unless_a_write_may_have_taken_it_out() -> None:
    for is_leaving in (True, False):
        nodes = Replicating()
        nodes.serve()
        nodes.append("a")
        nodes.settle()
        nodes.step("a", Compact("q"))
        nodes.step("a", MirrorDisconnected("c"))
        if is_leaving:
            nodes.step("a", Shrink("q", C0))
        nodes.connect("a", "c")
        nodes.cores["a"].step(Attach("c", "q"))
        nothing = FrameFromMirror("c", Ends("q", 1, C0, (), 0, 0))
        if is_leaving:
            nodes.cores["a"].step(nothing)
            assert mode_of(nodes, "c") is Mode.CATCH_UP
        else:
            with pytest.raises(BrokenInvariantError, match="is a member and needs a snapshot"):
                nodes.cores["a"].step(nothing)


def test_a_deposed_leaders_log_is_cut_where_it_parts() -> None:
    nodes = Replicating()
    nodes.serve()
    nodes.append("a")
    nodes.frames.clear()
    nodes.fsync("a")
    nodes.elect("b", 2, "b", "c", revision=5)
    nodes.fsync("b")
    nodes.connect("b", "a", "c")
    nodes.attach("b", "a", "c")
    nodes.settle()
    tables = {name: core.node.replicas["q"].table for name, core in nodes.cores.items()}
    assert set(tables.values()) == {((1, 1), (2, 2))}
    assert {core.node.replicas["q"].end for core in nodes.cores.values()} == {2}


def test_a_read_of_an_older_connection_is_dropped() -> None:
    nodes = without_c()
    core = nodes.cores["a"]
    core.step(Attach("c", "q"))
    core.step(FrameFromMirror("c", Ends("q", 1, C0, ((1, 1),), 1, 0)))
    [old] = core.ready().reads
    nodes.frames.clear()
    nodes.step("a", MirrorConnected("c"))
    core.step(Attach("c", "q"))
    core.step(FrameFromMirror("c", Ends("q", 1, C0, ((1, 1),), 5, 0)))
    [new] = core.ready().reads
    core.step(RecordsRead(old, old.count, "records"))
    assert core.ready().to_mirrors == []
    core.step(RecordsRead(new, new.count, "records"))
    [(_, tail)] = core.ready().to_mirrors
    assert isinstance(tail, Tail)
    assert tail.after == 5
