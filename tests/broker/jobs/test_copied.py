"""What was copied to a queue of another log is settled once the copy is safe."""

from typing import cast

import pytest
from pamqp import commands

from amqp_server.broker.broker import Broker
from amqp_server.broker.commands.picking import Fate, Picked, Target, take_one
from amqp_server.broker.jobs.copied import LedAnewError, engine_here, settle_those_there
from amqp_server.broker.jobs.move import JobState, Move, MoveJob
from amqp_server.broker.messages.fingerprint import fingerprint
from amqp_server.broker.queue import Queue
from queues.asked_port import AskedQueue
from queues.commits import CommitPoint, is_safe
from queues.looking import LookedMessage, LookPlace
from queues.ports import QueueEngine
from tests.support.commits import FakeDisk
from tests.support.peer import Node


class MirroredDisk(FakeDisk):
    """One order of LSNs, and logs that are cut one by one."""

    is_one_log = False


class Rig:
    """Two durable queues whose logs are mirrored."""

    def __init__(self) -> None:
        self.disk = MirroredDisk()
        self.node = Node(disk=self.disk)
        client = self.client = self.node.open()
        for name in ("jobs", "other"):
            client.send(commands.Queue.Declare, queue=name, durable=True)
            self.disk.commit_all()
            client.expect(commands.Queue.DeclareOk)
        client.publish(b"1", b"2", b"3", delivery_mode=2)
        self.disk.commit_all()

    @property
    def broker(self) -> Broker:
        return self.node.broker

    def queue(self, name: str = "jobs") -> Queue:
        found = self.node.vhost.queues.find(name)
        assert found is not None
        return found

    def shown(self, name: str = "jobs") -> list[LookedMessage]:
        found = self.queue(name).engine.look(None)
        return [one for each in found.slices for one in each.messages()]

    def bodies(self, name: str = "jobs") -> list[bytes]:
        return [bytes(one.record.body) for one in self.shown(name)]

    def move(self) -> Move:
        move = Move(1, "/", "jobs", "other", "guest", 0, 99)
        turn = self.broker.turn
        job = MoveJob(move, self.queue(), self.node.vhost.publisher, turn, lambda: "", lambda: None)
        turn.later(job)
        self.node.end_turns()
        return move

    def take_second(self) -> tuple[Fate, CommitPoint]:
        queue, second = self.queue(), self.shown()[1]
        assert queue.emptied is not None
        picked = Picked(LookPlace(0, second.position), fingerprint(second.record))
        publisher, now_ms = self.node.vhost.publisher, self.broker.turn.now_ms
        return take_one(queue, queue.emptied, picked, Target("other"), publisher, now_ms)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_job_settles_a_piece_when_its_copies_are_safe(rig: Rig) -> None:
    move = rig.move()
    assert rig.bodies() == rig.bodies("other") == [b"1", b"2", b"3"]
    assert move.state is JobState.RUNNING
    rig.disk.commit_all()
    rig.node.end_turns()
    assert (rig.bodies(), rig.bodies("other")) == ([], [b"1", b"2", b"3"])
    assert (move.state, move.moved) == (JobState.DONE, 3)


def test_a_job_fails_where_its_copies_are_lost_and_nothing_is_settled(rig: Rig) -> None:
    move = rig.move()
    rig.disk.fail()
    rig.node.end_turns()
    assert rig.bodies() == [b"1", b"2", b"3"]
    assert (move.state, move.moved, move.skipped) == (JobState.FAILED, 0, 3)
    assert "lost its leader" in move.error


def test_a_job_that_is_cancelled_settles_what_it_has_copied(rig: Rig) -> None:
    move = rig.move()
    move.state = JobState.CANCELLED
    rig.disk.commit_all()
    rig.node.end_turns()
    assert (rig.bodies(), move.state, move.error) == ([], JobState.CANCELLED, "")


def test_a_message_that_a_client_took_meanwhile_is_not_settled_under_its_hands(rig: Rig) -> None:
    rig.move()
    got = rig.queue().engine.get(rig.broker.turn.now_ms)
    assert got is not None
    rig.disk.commit_all()
    rig.node.end_turns()
    counts = rig.queue().engine.counts()
    assert (counts.ready_count, counts.unacked_count) == (0, 1)


def test_a_single_message_is_settled_when_its_copy_is_safe(rig: Rig) -> None:
    fate, safe_at = rig.take_second()
    assert fate is Fate.MOVED
    assert (rig.bodies(), rig.bodies("other")) == ([b"1", b"2", b"3"], [b"2"])
    told: list[bool] = []
    safe_at.group.wait(safe_at.lsn, lambda: told.append(is_safe(safe_at)))
    rig.disk.commit_all()
    assert rig.bodies() == [b"1", b"3"]
    assert told == [], "its settlement is not safe yet"
    rig.disk.commit_all()
    assert told == [True]


def test_a_single_message_stays_where_its_copy_is_lost(rig: Rig) -> None:
    _, safe_at = rig.take_second()
    rig.disk.fail()
    told: list[bool] = []
    safe_at.group.wait(safe_at.lsn, lambda: told.append(is_safe(safe_at)))
    assert (rig.bodies(), told) == ([b"1", b"2", b"3"], [False])


def test_those_that_are_there_are_settled_and_others_stay(rig: Rig) -> None:
    queue, positions = rig.queue(), [one.position for one in rig.shown()]
    assert rig.queue().engine.get(rig.broker.turn.now_ms) is not None
    assert (
        settle_those_there(queue, engine_here(queue), 0, [*positions[:1], *positions[2:], 99]) > 0
    )
    assert rig.bodies() == [b"2"]
    assert settle_those_there(queue, engine_here(queue), 0, [99]) == 0


class Led:
    """A queue that this node leads, until a test says otherwise; an ``AskedQueue``."""

    def __init__(self, queue: Queue) -> None:
        self.here: QueueEngine | None = queue.engine

    @property
    def answers_at_once(self) -> bool:
        return self.here is not None


@pytest.mark.parametrize("is_elsewhere", [True, False])
def test_what_was_looked_at_is_not_settled_under_another_leader(
    rig: Rig, *, is_elsewhere: bool
) -> None:
    queue = rig.queue()
    led = Led(queue)
    queue.asked = cast("AskedQueue", led)
    move = rig.move()
    led.here = None if is_elsewhere else cast("QueueEngine", object())
    rig.disk.commit_all()
    rig.node.end_turns()
    assert rig.bodies() == [b"1", b"2", b"3"]
    assert (move.state, move.moved) == (JobState.FAILED, 3)
    assert move.error.endswith("has another leader now: 3 messages are in both queues")
    with pytest.raises(LedAnewError):
        settle_those_there(queue, queue.engine, 0, [1])
    again = rig.move()
    assert again.state is JobState.RUNNING, "a job that begins now has the new leader"


def test_a_job_between_two_pieces_ends_with_the_leader(rig: Rig) -> None:
    queue = rig.queue()
    led = Led(queue)
    queue.asked = cast("AskedQueue", led)
    move = Move(1, "/", "jobs", "other", "guest", 0, 99)
    publisher, turn = rig.node.vhost.publisher, rig.broker.turn
    job = MoveJob(move, queue, publisher, turn, lambda: "", lambda: None)
    led.here = None
    turn.later(job)
    rig.node.end_turns()
    assert rig.bodies("other") == []
    assert move.error.endswith("another leader now: what was moved last may be in both queues")
