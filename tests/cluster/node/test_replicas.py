"""Which replicas a node has: what the store says adds some, and only a note takes one away."""

import random

from cluster.mirrored.followed_streams import LivingLeader
from cluster.mirrored.log import MirroredLog
from cluster.mirrored.node import MirroredNode
from cluster.node.replicas import Replicas
from cluster.replication.core import ReplicationCore
from cluster.replication.identity import DiskIdentity
from cluster.replication.inputs import LeaseGranted, StateRead
from cluster.replication.ready import Ready, StateTransaction
from persistence.queue_recovery import RecoveredQueue
from tests.cluster.node.test_stored_replicas import Life
from tests.support.cluster_views import KEYS, OPTIONS, Told, stored
from tests.support.fault_fs import FaultFS


class Around:
    def route(self, ready: Ready) -> None:
        pass

    def submit(self, transaction: StateTransaction) -> None:
        pass

    def read_state(self, queue: str) -> None:
        pass

    def serve(self, queue: str, log: MirroredLog, found: RecoveredQueue) -> None:
        pass

    def stop(self, queue: str) -> None:
        pass


class Having:
    """Node a."""

    def __init__(self, files: FaultFS) -> None:
        self.life = Life(files, random.Random(1))
        self.told = Told()
        self.shell = MirroredNode(
            ReplicationCore("a", DiskIdentity("disk a", 1)), self.life.commit, Around()
        )
        self.read: list[str] = []
        self.dropped: list[str] = []
        self.replicas = Replicas(
            "a",
            view=self.told.view,
            shell=self.shell,
            disk=self.life.replicas,
            commit=self.life.commit,
            read=self.read.append,
            dropped=self.dropped.append,
        )

    def note(self, queue_id: str, leader: str = "b", incarnation: int = 6) -> None:
        self.told.queue(stored(queue_id, leader, incarnation, 1), queue_id)
        self.replicas.note_queue(queue_id, 5)


def test_a_queue_that_names_this_node_gets_a_replica_once() -> None:
    having = Having(FaultFS())
    having.note("q1")
    having.note("q1")
    assert list(having.shell.replicas()) == ["q1"]
    assert having.shell.core.node.options["q1"] == OPTIONS
    assert having.read == []


def test_who_is_elected_reads_the_state_and_so_does_a_leader_that_hears_of_a_newer_one() -> None:
    having = Having(FaultFS())
    having.note("q1", "a", 4)
    assert having.read == [], "that was another incarnation"
    having.note("q1", "a", 5)
    assert having.read == ["q1"]
    having.shell.step(LeaseGranted(5, 0, 1_000))
    known = having.told.view.queues["q1"]
    having.shell.step(StateRead("q1", known.stored.state, known.revision, known.stored.options))
    having.replicas.note_queue("q1", 5)
    assert having.read == ["q1"], "it is known"
    having.note("q1", "b", 6)
    assert having.read == ["q1", "q1"]


def test_it_says_which_members_live_on_the_disk_that_is_a_member() -> None:
    having = Having(FaultFS())
    having.note("q1", "b", 6)
    state = having.told.view.queues["q1"].stored.state
    for each in state.in_sync_set:
        having.told.live(each.node, 6, each.disk)
    known = having.shell.sparing.known("q1")
    assert known is not None
    assert known.living == known.state.in_sync_set == state.in_sync_set
    having.told.live("b", 7, "another disk")
    known = having.shell.sparing.known("q1")
    assert known is not None
    assert {each.node for each in known.living} == {"a", "c"}
    assert having.shell.sparing.known("never heard of") is None


def test_it_says_whether_another_node_leads_that_lives_as_it_was_elected() -> None:
    having = Having(FaultFS())
    leader_of = having.shell.followed.leader_of
    assert leader_of("q1") is None
    having.note("q1", "b", 6)
    assert leader_of("q1") is None, "b does not live"
    having.told.live("b", 5)
    assert leader_of("q1") is None, "that is an earlier start of it"
    having.told.live("b", 6)
    epoch = having.told.view.queues["q1"].stored.state.epoch
    assert leader_of("q1") == LivingLeader("b", epoch)
    having.told.live("a", 5)
    having.note("q1", "a", 5)
    assert leader_of("q1") is None, "it is this node"


def test_a_queue_of_others_gets_none() -> None:
    having = Having(FaultFS())
    state = stored("q1", "b", 6, 1)
    having.told.queue(
        type(state)("q1", state.state, type(OPTIONS)(("b", "c"), 1)),
    )
    having.replicas.note_queue("q1", 5)
    having.replicas.note_queue("never heard of", 5)
    assert not having.shell.replicas()


def test_a_note_has_the_replica_dropped_and_is_answered_once_that_is_on_the_disk() -> None:
    files = FaultFS()
    having = Having(files)
    having.note("q1")
    having.life.commit_all()
    having.told.queue(None, "q1")
    having.replicas.note_queue("q1", 5)
    having.replicas.note_gone("q1")
    assert "q1" in having.shell.replicas(), "there is no note"
    having.told.gone("q1", "a")
    having.replicas.note_gone("q1")
    assert "q1" not in having.shell.replicas()
    assert having.dropped == []
    having.life.commit_all()
    assert having.dropped == ["q1"]
    having.replicas.note_gone("q1")
    assert having.dropped == ["q1", "q1"], "nothing is here of it"
    assert not Life(files.killed(), random.Random(2)).replicas.replicas()


def test_a_late_state_makes_no_replica_of_a_queue_that_is_gone() -> None:
    having = Having(FaultFS())
    having.note("q1")
    having.told.gone("q1", "a")
    having.replicas.note_gone("q1")
    having.told.tell(KEYS.key("gone", "q1"), None)
    having.note("q1")
    assert not having.shell.replicas()


def test_a_queue_that_is_gone_gets_no_replica_again() -> None:
    having = Having(FaultFS())
    having.told.gone("q1", "a")
    having.note("q1")
    assert not having.shell.replicas()


def test_an_audit_finds_what_was_missed_in_pieces() -> None:
    having = Having(FaultFS())
    for number in range(5):
        having.told.queue(stored(f"q{number}", "b", 6, 1), f"q{number}")
    having.told.gone("gone", "a")
    pieces = having.replicas.audit(2)
    next(pieces)
    assert sorted(having.shell.replicas()) == ["q0", "q1"]
    list(pieces)
    assert len(having.shell.replicas()) == 5
    having.life.commit_all()
    assert having.dropped == ["gone"]


def test_stored_replicas_take_part_before_anything_is_known() -> None:
    files = FaultFS()
    having = Having(files)
    having.note("q1")
    having.life.commit_all()
    again = Having(files.killed())
    again.replicas.take_part_with_stored()
    assert list(again.shell.core.node.replicas) == ["q1"]
