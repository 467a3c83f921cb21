"""A mirror obeys the highest epoch that it promised, and answers from its disk."""

import pytest

from cluster.replication.errors import BrokenInvariantError
from cluster.replication.frames import Ack, Append, CommitNote, Ends, Fence, Got, Refused, Tail
from cluster.replication.inputs import FrameFromLeader, FrameFromMirror, Fsynced, LeaderConnected
from cluster.replication.ready import AppendWrite, PromiseWrite, Ready
from tests.support.replicating import Replicating, members

[B] = members("b")


def fenced(epoch: int = 1) -> Replicating:
    """A mirror that has answered a fence."""
    nodes = Replicating()
    nodes.step("b", LeaderConnected("a"))
    nodes.step("b", FrameFromLeader("a", Fence("q", epoch)))
    nodes.fsync("b")
    nodes.frames.clear()
    return nodes


def hear(nodes: Replicating, frame: Fence | Tail | Append) -> Ready:
    return nodes.step("b", FrameFromLeader("a", frame))


def run(after: int, lsn: int, epoch: int = 1, after_epoch: int = 1, commit: int = 0) -> Append:
    return Append("q", epoch, after, after_epoch, 3, "records", lsn, commit)


def test_a_fence_is_answered_once_the_promise_is_on_disk() -> None:
    nodes = Replicating()
    nodes.step("b", LeaderConnected("a"))
    ready = hear(nodes, Fence("q", 4))
    assert ready.writes == [PromiseWrite(1, "q", 4)]
    assert (ready.to_leaders, ready.fsync_wanted) == ([], True)
    nodes.fsync("b")
    assert nodes.frames == [("b", "a", Ends("q", 4, B, (), 0, 0))]


def test_a_tail_is_one_write_and_is_answered_by_its_end() -> None:
    nodes = fenced()
    ready = hear(nodes, Tail("q", 1, 0, 0, ((1, 1),), 5, "records", 0))
    assert ready.writes == [AppendWrite(2, "q", 0, ((1, 1),), 5, "records")]
    nodes.fsync("b")
    assert nodes.frames == [("b", "a", Got("q", 1, 5))]


def test_runs_are_answered_by_one_lsn() -> None:
    nodes = fenced()
    hear(nodes, Tail("q", 1, 0, 0, ((1, 1),), 1, "records", 0))
    nodes.fsync("b")
    nodes.frames.clear()
    hear(nodes, run(1, 10))
    hear(nodes, run(4, 13))
    nodes.step("b", Fsynced(3))
    assert nodes.frames == [("b", "a", Ack(10))]
    nodes.fsync("b")
    assert nodes.frames[1:] == [("b", "a", Ack(13))]


def test_what_an_lsn_covers_and_was_not_obeyed_is_refused_before() -> None:
    nodes = fenced()
    hear(nodes, Tail("q", 1, 0, 0, ((1, 1),), 1, "records", 0))
    nodes.step("b", LeaderConnected("c"))
    nodes.step("b", FrameFromLeader("c", Fence("q", 2)))
    hear(nodes, run(1, 10))
    nodes.fsync("b")
    to_a = [frame for _, target, frame in nodes.frames if target == "a"]
    assert to_a == [Refused("q", 2), Refused("q", 2), Got("q", 1, 1), Ack(10)]


@pytest.mark.parametrize(
    "frame",
    [
        run(7, 10),
        run(0, 10, after_epoch=0),
        Tail("q", 1, 2, 2, (), 0, "records", 0),
        Tail("q", 1, 9, 1, (), 0, "records", 0),
    ],
)
def test_a_frame_that_does_not_fit_the_log_is_refused(frame: Tail | Append) -> None:
    nodes = fenced()
    hear(nodes, Tail("q", 1, 0, 0, ((1, 1),), 3, "records", 0))
    assert hear(nodes, frame).writes == []
    assert nodes.frames[-1] == ("b", "a", Refused("q", 1))


def test_a_queue_that_is_not_attached_is_skipped() -> None:
    nodes = Replicating()
    nodes.step("b", LeaderConnected("a"))
    assert hear(nodes, run(0, 10)).writes == []


def test_a_mirror_knows_what_is_committed_up_to_its_end() -> None:
    nodes = fenced()
    hear(nodes, Tail("q", 1, 0, 0, ((1, 1),), 3, "records", 99))
    assert nodes.cores["b"].readable("q") == 3
    hear(nodes, Fence("q", 2))
    assert nodes.cores["b"].readable("q") == 0


def test_a_cut_below_what_is_committed_is_seen() -> None:
    nodes = fenced()
    hear(nodes, Tail("q", 1, 0, 0, ((1, 1),), 3, "records", 3))
    with pytest.raises(BrokenInvariantError, match="I4 q: cut behind 1"):
        hear(nodes, Tail("q", 1, 1, 1, ((1, 2),), 1, "records", 3))


def test_a_queue_without_a_replica_here_is_refused_and_its_lsn_is_answered() -> None:
    nodes = fenced()
    stranger = Append("stranger", 3, 5, 3, 1, "records", 8, 0)
    assert hear(nodes, stranger).fsync_wanted
    nodes.fsync("b")
    assert nodes.frames == [("b", "a", Refused("stranger", 3)), ("b", "a", Ack(8))]


def test_an_answer_in_the_name_of_another_node_says_nothing() -> None:
    nodes = Replicating()
    nodes.elect("a")
    nodes.fsync("a")
    nodes.connect("a", "b")
    nodes.attach("a", "b")
    [other] = members("c")
    nodes.step("a", FrameFromMirror("b", Ends("q", 1, other, (), 0, 0)))
    lead = nodes.cores["a"].lead_of("q")
    assert lead is not None
    assert lead.mirrors["b"].replica is None


def test_a_note_says_what_is_committed_of_what_is_here_and_is_not_answered() -> None:
    nodes = fenced()
    hear(nodes, Tail("q", 1, 0, 0, ((1, 1),), 5, "records", 0))
    replica = nodes.cores["b"].node.replicas["q"]
    for note, known in (
        (CommitNote("q", 2, 5), 0),
        (CommitNote("q", 1, 3), 3),
        (CommitNote("q", 1, 2), 3),
        (CommitNote("q", 1, 9), 5),
        (CommitNote("other", 1, 9), 5),
    ):
        ready = nodes.step("b", FrameFromLeader("a", note))
        assert (ready.to_leaders, ready.writes) == ([], [])
        assert replica.known_commit == known


def test_a_note_of_a_leader_that_is_not_obeyed_is_not_believed() -> None:
    nodes = fenced()
    hear(nodes, Tail("q", 1, 0, 0, ((1, 1),), 5, "records", 0))
    nodes.step("b", LeaderConnected("c"))
    nodes.step("b", FrameFromLeader("c", CommitNote("q", 1, 5)))
    nodes.step("b", FrameFromLeader("c", Fence("q", 2)))
    nodes.step("b", FrameFromLeader("a", CommitNote("q", 1, 5)))
    assert nodes.cores["b"].node.replicas["q"].known_commit == 0
