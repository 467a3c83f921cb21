"""A move takes pieces; what has nowhere to go stays, and nothing is lost when it fails."""

from functools import partial
from typing import Any

import pytest
from pamqp import commands

from amqp_server.broker.jobs import move as module
from amqp_server.broker.jobs.move import JobState, Move, MoveJob
from amqp_server.broker.messages.message_filter import EVERY_MESSAGE, MessageFilter
from tests.support.commits import FakeDisk
from tests.support.peer import Client, Node
from tests.support.refusing_queue import RefusingQueue


class Desk:
    def __init__(self, node: Node | None = None) -> None:
        self.node = node or Node()
        self.client: Client = self.node.open()
        self.refusal = ""
        self.woken: list[None] = []

    def begin(self, dest: str | None = "other", total: int = 99, **given: Any) -> Move:  # noqa: ANN401
        vhost = self.node.vhost
        queue = vhost.queues.find("jobs")
        assert queue is not None
        move = Move(1, "/", "jobs", dest, "guest", 0, total, **given)
        turn = self.node.broker.turn
        wake = partial(self.woken.append, None)
        turn.later(MoveJob(move, queue, vhost.publisher, turn, lambda: self.refusal, wake))
        return move

    def move(self, dest: str | None = "other", total: int = 99, **given: Any) -> Move:  # noqa: ANN401
        move = self.begin(dest, total, **given)
        self.node.end_turns()
        return move

    def bodies(self, name: str) -> list[bytes]:
        queue = self.node.vhost.queues.find(name)
        assert queue is not None
        found, place = list[bytes](), None
        while True:
            looked = queue.engine.look(place)
            if looked.place is None:
                return found
            place = looked.place
            found += [bytes(one.record.body) for each in looked.slices for one in each.messages()]


def dying_to(queue: str) -> dict[str, object]:
    return {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue}


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.client.declare()
    desk.client.declare("other")
    return desk


@pytest.mark.parametrize("piece", [1, 2, 256])
def test_messages_move_in_order_and_as_they_were(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(module, "PIECE_MAX", piece)
    desk.client.publish(b"1", b"2", b"3", b"4", b"5")
    move = desk.move(total=4)
    assert (move.state, move.moved, move.skipped, move.error) == (JobState.DONE, 4, 0, "")
    assert desk.bodies("other") == [b"1", b"2", b"3", b"4"]
    assert desk.bodies("jobs") == [b"5"]
    jobs = desk.node.vhost.queues.find("jobs")
    assert jobs is not None
    assert jobs.engine.counts().unacked_count == 0


def test_large_messages_make_small_pieces(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE_BYTES_MAX", 15)
    desk.client.publish(*[bytes(10)] * 5)
    assert desk.move().moved == 5


def test_copies_leave_the_queue_as_it_was(desk: Desk) -> None:
    desk.client.publish(b"1", b"2", b"3")
    move = desk.move(copies=True, matching=MessageFilter(text=b"2"))
    assert (move.state, move.moved, move.skipped) == (JobState.DONE, 1, 2)
    assert desk.bodies("other") == [b"2"]
    assert desk.bodies("jobs") == [b"1", b"2", b"3"]
    assert desk.move(copies=True, matching=EVERY_MESSAGE, total=2).moved == 2


def test_dead_letters_go_back_and_others_stay(desk: Desk) -> None:
    client = desk.client
    for name in ("a", "b"):
        client.declare(name, arguments=dying_to("jobs"))
    client.publish(b"never died")
    for tag, name in enumerate(("a", "b", "a"), start=1):
        client.publish(name.encode(), routing_key=name)
        client.send(commands.Basic.Get, queue=name)
        client.receive()
        client.send(commands.Basic.Reject, delivery_tag=tag, requeue=False)
    client.send(commands.Queue.Delete, queue="b")
    client.receive()
    move = desk.move(None)
    assert (move.state, move.moved, move.skipped) == (JobState.DONE, 2, 2)
    assert (desk.bodies("a"), desk.bodies("jobs")) == ([b"a", b"a"], [b"never died", b"b"])


def test_a_full_queue_ends_it_and_nothing_is_lost(desk: Desk) -> None:
    desk.client.declare("small", arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    desk.client.publish(b"1", b"2", b"3", b"4")
    move = desk.move("small")
    assert (move.state, move.error) == (JobState.FAILED, "queue 'small' is full")
    assert sorted([*desk.bodies("small"), *desk.bodies("jobs")]) == [b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize("copies", [False, True])
@pytest.mark.parametrize("is_lost", [False, True])
def test_what_is_refused_before_the_commit_is_told_and_stays(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, *, copies: bool, is_lost: bool
) -> None:
    desk.client.publish(b"1", b"2", b"3")
    other = desk.node.vhost.queues.find("other")
    assert other is not None
    late = RefusingQueue()
    monkeypatch.setattr(other.engine, "publish", late.publish)
    move = desk.move(copies=copies)
    assert desk.bodies("jobs") == [b"1", b"2", b"3"]
    if is_lost:
        late.commits.fail()
    else:
        late.refuse(0, range(1, 3))
        late.commits.commit(late.last_lsn)
    desk.node.end_turns()
    assert move.state is JobState.FAILED
    assert (move.moved, move.skipped) == ((0, 3) if is_lost else (1, 2))
    left = [b"1", b"2", b"3"]
    assert desk.bodies("jobs") == (left if copies or is_lost else left[1:])


def test_a_queue_that_goes_ends_it(desk: Desk) -> None:
    desk.client.publish(b"1")
    move = desk.begin("gone")
    desk.node.end_turns()
    assert (move.state, move.error) == (JobState.FAILED, "there is no queue 'gone'")
    assert desk.bodies("jobs") == [b"1"]
    move = desk.begin()
    desk.client.send(commands.Queue.Delete, queue="jobs")
    desk.client.receive()
    desk.node.end_turns()
    assert move.is_over


def test_an_alarm_ends_it(desk: Desk) -> None:
    desk.client.publish(b"1")
    desk.refusal = "memory is low"
    move = desk.move()
    assert (move.state, move.error, desk.bodies("jobs")) == (
        JobState.FAILED,
        "memory is low",
        [b"1"],
    )


def test_what_has_nowhere_to_go_stays_however_much_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIECE_MAX", 1)
    desk.client.publish(b"1", b"2", b"3", b"4")
    move = desk.move(None)
    assert (move.state, move.moved, move.skipped) == (JobState.DONE, 0, 4)
    assert desk.bodies("jobs") == [b"1", b"2", b"3", b"4"]


def test_what_does_not_match_keeps_its_place(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEARCHED_PIECE_MAX", 2)
    desk.client.publish(b"1", b"x2", b"3", b"x4", b"5")
    move = desk.move(matching=MessageFilter(text=b"x"))
    assert (move.state, move.moved, move.skipped, move.unmatched) == (JobState.DONE, 2, 3, 3)
    assert (desk.bodies("other"), desk.bodies("jobs")) == ([b"x2", b"x4"], [b"1", b"3", b"5"])


@pytest.mark.parametrize(
    "matching", [MessageFilter(text=b"x"), MessageFilter(headers={"k": 1})], ids=["text", "headers"]
)
def test_few_messages_are_looked_into_between_two_looks_at_the_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, matching: MessageFilter
) -> None:
    monkeypatch.setattr(module, "SEARCHED_PIECE_MAX", 1)
    desk.client.publish(b"1", b"2", b"3", b"4")
    queue = desk.node.vhost.queues.get("jobs", None)
    move = Move(1, "/", "jobs", "other", "guest", 0, 99, matching=matching)
    turn = desk.node.broker.turn
    job = MoveJob(move, queue, desk.node.vhost.publisher, turn, lambda: "", lambda: None)
    assert len(list(job._steps)) >= 4


def test_a_filter_holds_nothing_and_marks_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIECE_MAX", "SEARCHED_PIECE_MAX"):
        monkeypatch.setattr(module, name, 1)
    desk.client.publish(*[b"%d" % number for number in range(100)])
    move = desk.begin(matching=MessageFilter(text=b"5"), total=100)
    desk.node.broker.end_turn(desk.node.now_ms)
    jobs = desk.node.vhost.queues.get("jobs", None).engine
    assert jobs.counts().unacked_count == 0
    desk.node.end_turns()
    assert (move.state, move.moved, move.unmatched) == (JobState.DONE, 19, 81)
    assert desk.bodies("other") == [b"%d" % number for number in range(100) if "5" in str(number)]
    counts = jobs.counts()
    assert (counts.ready_count, counts.got, counts.requeued, counts.purged) == (81, 0, 0, 19)
    got = jobs.get(desk.node.now_ms)
    assert got is not None
    assert (got[0].records[0].body, got[0].redelivered) == (b"0", False)


def test_what_consumers_take_meanwhile_is_not_moved_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIECE_MAX", 1)
    desk.client.publish(b"x1", b"x2", b"x3")
    queue = desk.node.vhost.queues.get("jobs", None)
    move = Move(1, "/", "jobs", "other", "guest", 0, 3, matching=MessageFilter(text=b"x"))
    turn = desk.node.broker.turn
    job = MoveJob(move, queue, desk.node.vhost.publisher, turn, lambda: "", lambda: None)
    next(job._steps)
    assert (desk.bodies("other"), desk.bodies("jobs")) == ([b"x1"], [b"x2", b"x3"])
    assert queue.engine.get(desk.node.now_ms) is not None, "somebody takes the next one"
    list(job._steps)
    assert (desk.bodies("other"), move.moved) == ([b"x1", b"x3"], 2)


def test_what_has_expired_is_not_moved(desk: Desk) -> None:
    desk.client.publish(b"keeps", b"ends", expiration="5")
    desk.node.now_ms += 10
    move = desk.move()
    assert (move.state, move.moved, desk.bodies("other")) == (JobState.DONE, 0, [])


@pytest.mark.parametrize("ends", [False, True])
def test_a_job_stands_still_until_it_is_resumed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    monkeypatch.setattr(module, "PIECE_MAX", 1)
    desk.client.publish(b"1", b"2", b"3")
    move = desk.begin()
    move.pause()
    desk.node.end_turns()
    assert (move.state, move.moved, move.is_over) == (JobState.PAUSED, 0, False)
    if ends:
        move.state = JobState.CANCELLED
    move.resume()
    move.resume()
    desk.node.end_turns()
    assert move.state is (JobState.CANCELLED if ends else JobState.DONE)
    move.pause()
    assert move.is_over, "what is over is not paused"
    assert desk.bodies("other") == ([] if ends else [b"1", b"2", b"3"])


def test_a_full_queue_ends_a_move_by_a_filter_and_nothing_is_lost(desk: Desk) -> None:
    desk.client.declare("small", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    desk.client.publish(b"1", b"x2", b"x3", b"4")
    move = desk.move("small", matching=MessageFilter(text=b"x"))
    assert move.error == "queue 'small' is full"
    assert (desk.bodies("small"), desk.bodies("jobs")) == ([b"x2"], [b"1", b"x3", b"4"])


def test_a_paused_queue_can_be_moved_from(desk: Desk) -> None:
    queues = desk.node.vhost.queues
    queues.pause(queues.get("jobs", None), is_on=True)
    desk.client.publish(b"1", b"2")
    assert desk.move(matching=MessageFilter(text=b"2")).moved == 1
    assert (desk.bodies("other"), desk.bodies("jobs")) == ([b"2"], [b"1"])


def test_it_waits_for_the_disk_and_may_be_ended_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE_MAX", 1)
    disk = FakeDisk()
    desk = Desk(Node(disk=disk))
    for name in ("jobs", "other"):
        desk.client.send(commands.Queue.Declare, queue=name, durable=True)
        disk.commit_all()
        desk.client.expect(commands.Queue.DeclareOk)
    desk.client.publish(b"1", b"2", b"3", delivery_mode=2)
    disk.commit_all()
    move = desk.move()
    assert (move.moved, move.state, desk.woken) == (1, JobState.RUNNING, [])
    disk.commit_all()
    assert desk.woken == [None], "nothing else makes a turn then"
    desk.node.end_turns()
    assert move.moved == 2
    move.state = JobState.CANCELLED
    disk.commit_all()
    desk.node.end_turns()
    assert (desk.bodies("other"), desk.bodies("jobs")) == ([b"1", b"2"], [b"3"])
