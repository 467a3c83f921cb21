"""The mirrored queues of a node: who leads decides where the way of a front half goes."""

import weakref
from collections.abc import Callable, Sequence
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import pytest

from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.events import Event, EventKind
from amqp_server.broker.queue import QueueIdentity
from amqp_server.broker.turn import Turn
from amqp_server.clustering.queues import MirroredQueues
from amqp_server.clustering.unmirrored_log import UnmirroredLog
from cluster.definitions.waiting_queues import waiting_queue_name
from cluster.fronts.frames import Ask, Got, Open, Question, ToFront, ToLeader
from cluster.fronts.front_queue import FrontQueue
from cluster.fronts.limits import FrontNode
from cluster.fronts.stream_front import StreamFront
from cluster.mirrored.log import MirroredLog
from cluster.replication.core import NotServingError
from cluster.replication.publishers import Front, Submission, Verdict
from persistence.queue_recovery import RecoveredQueue
from queues.asked_port import GetAnswer
from queues.delayed.waiting_engine import WAITING
from queues.kinds import CLASSIC, STREAM, QueueKind
from queues.memory import WITHOUT_LIMIT
from queues.options import QueueOptions
from queues.ports import EngineParts, QueueEngine
from tests.support.committed_log import FakeCommittedLog
from tests.support.queue_log import FakeLog
from tests.support.records import run_of

NOW_MS = 1_000


class Log(FakeCommittedLog):
    """The log of a leadership in epoch 3."""

    on_admitted: Callable[[], None]

    def __init__(self) -> None:
        super().__init__()
        numbers = UnmirroredLog()
        self.judge, self.begin, self.end = numbers.judge, numbers.begin, numbers.end
        self.led = SimpleNamespace(lead=SimpleNamespace(epoch=3))


def not_serving(submission: Submission) -> Verdict:
    raise NotServingError("q1")


class Kept(SimpleNamespace):
    """What is found, as something of which it can be told whether anybody has it."""


class Pipe:
    def __init__(self) -> None:
        self.said: list[ToLeader] = []

    def put(self, frame: ToLeader) -> None:
        self.said.append(frame)

    def fail(self, reason: str) -> None:
        raise AssertionError(reason)

    def is_shut(self, queue: str) -> bool:
        return queue != "q1"


class AnsweringPipe:
    """The way back to a front half of another node."""

    def __init__(self) -> None:
        self.said: list[ToFront] = []

    def put(self, frame: ToFront) -> None:
        self.said.append(frame)

    def fail(self, reason: str) -> None:
        raise AssertionError(reason)

    def is_shut(self, queue: str) -> bool:
        return queue != "q1"


class Rig:
    """Node ``a``; the leader is ``b`` in epoch 2, unless a test says another."""

    def __init__(self) -> None:
        self.turn = Turn(100)
        self.queues = MirroredQueues("a", self.turn, WITHOUT_LIMIT, lambda: None)
        self.queues.front_node = FrontNode(Front("a", 7))
        self.queues.leaders = self.queues.reach = self
        self.leader: tuple[str, int] | None = ("b", 2)
        self.owner: str | None = None
        self.pipes: dict[str, Pipe] = {}
        self.asked: list[str] = []

    def leader_of(self, queue_id: str) -> tuple[str, int] | None:
        return self.leader

    def owner_of(self, vhost: str, name: str) -> str | None:
        return self.owner

    def pipe_to(self, node: str) -> Pipe | None:
        self.asked.append(node)
        return self.pipes.get(node)

    def end_turns(self) -> int:
        """Run turns until nothing is left, and return how many."""
        turns_count = 0
        while self.turn.waiting_count:
            self.turn.budget.begin()
            self.turn.end(NOW_MS)
            turns_count += 1
        return turns_count

    def make(
        self,
        stored_id: str = "q1",
        kind: QueueKind = CLASSIC,
        options: QueueOptions = QueueOptions(),  # noqa: B008 -- frozen
        name: str = "jobs",
    ) -> QueueEngine:
        parts: EngineParts[Any] = EngineParts(
            "jobs", options, FakeLog(), lambda _: None, lambda: None, NOW_MS
        )
        return self.queues.make_engine(QueueIdentity("v", name, 0, kind, options, stored_id), parts)

    def serve(self) -> Log:
        log = Log()
        found = cast("RecoveredQueue", log.found())
        self.queues.serve("q1", cast("MirroredLog", log), found)
        return log

    def open_pipe(self) -> Pipe:
        self.pipes["b"] = pipe = Pipe()
        self.queues.pipe_opened("b", pipe)
        return pipe


def bodies(log: FakeLog) -> Sequence[bytes]:
    return [each.body for each in log.kept.values()]


def test_a_queue_of_the_cluster_has_a_front_half_and_another_one_has_none() -> None:
    rig = Rig()
    assert not isinstance(rig.make(""), FrontQueue)
    front = rig.make()
    assert isinstance(front, FrontQueue)
    assert rig.queues.front_of("q1") is front


def test_nobody_uses_it_and_no_way_is_opened() -> None:
    rig = Rig()
    rig.make()
    rig.queues.leaders_changed(("q1", "unknown"))
    assert rig.asked == []


def test_the_first_publish_opens_a_way_as_soon_as_there_is_a_link() -> None:
    rig = Rig()
    rig.make().publish(run_of(b"m"), NOW_MS)
    assert rig.asked == ["b"]
    assert rig.open_pipe().said == [Open("q1", 2, 1)]


def test_another_link_takes_the_place_of_one_that_ended() -> None:
    rig = Rig()
    rig.make().publish(run_of(b"m"), NOW_MS)
    first = rig.open_pipe()
    del rig.pipes["b"]
    rig.queues.pipe_ended(first)
    assert rig.open_pipe().said == [Open("q1", 2, 2)]


MANY = 1_000


@pytest.mark.parametrize("event", ["link", "no link", "leader"])
def test_what_many_queues_do_about_one_event_is_cut_into_turns(event: str) -> None:
    """Ten thousand of them would keep the other clients of the node waiting for a second."""
    rig = Rig()
    for number in range(MANY):
        rig.make(f"q{number}").publish(run_of(b"m"), NOW_MS)
    clock = count()
    rig.turn.budget = TurnBudget(lambda: next(clock), 100)
    rig.turn.budget.begin()
    first = rig.pipes["b"] = Pipe()
    rig.queues.pipe_opened("b", first)
    if event == "link":
        assert len(first.said) < MANY, "the others follow in the next turns"
    rig.end_turns()
    assert len(first.said) == MANY
    second = rig.pipes["b" if event == "no link" else "c"] = Pipe()
    if event == "no link":
        rig.queues.pipe_ended(first)
    elif event == "leader":
        rig.leader = ("c", 3)
        rig.queues.leaders_changed(tuple(f"q{number}" for number in range(MANY)))
    if event != "link":
        assert len(second.said) < MANY
        assert rig.end_turns() > 5
        assert len(second.said) == MANY


def test_a_queue_that_goes_or_has_another_way_by_then_is_left_alone() -> None:
    rig = Rig()
    for number in range(MANY):
        rig.make(f"q{number}").publish(run_of(b"m"), NOW_MS)
    first = rig.open_pipe()
    rig.end_turns()
    del rig.pipes["b"]
    rig.queues.pipe_ended(first)
    last, gone = f"q{MANY - 1}", rig.queues.front_of(f"q{MANY - 2}")
    assert gone is not None
    gone.delete()
    rig.leader, rig.pipes["c"] = ("c", 3), Pipe()
    rig.queues.leaders_changed((last,))
    assert rig.pipes["c"].said == [Open(last, 3, 2)]
    rig.end_turns()
    opened = [frame for frame in rig.pipes["c"].said if isinstance(frame, Open)]
    assert [frame.queue for frame in opened].count(last) == 1
    assert f"q{MANY - 2}" not in {frame.queue for frame in opened}


@pytest.mark.parametrize("is_served_first", [False, True])
def test_what_this_node_leads_is_taken_by_its_own_engine(*, is_served_first: bool) -> None:
    rig = Rig()
    rig.leader = ("a", 3)
    if is_served_first:
        log, front = rig.serve(), rig.make()
    else:
        front, log = rig.make(), rig.serve()
    front.publish(run_of(b"m"), NOW_MS)
    assert bodies(log) == [b"m"]
    half = rig.queues.led.get("q1")
    assert half is not None
    assert half.epoch == 3
    assert rig.asked == []


def test_the_end_of_a_leadership_points_to_the_next_leader() -> None:
    rig = Rig()
    rig.make()
    rig.serve()
    rig.pipes["b"] = pipe = Pipe()
    rig.leader = ("b", 4)
    rig.queues.stop("q1")
    assert rig.queues.led.get("q1") is None
    assert pipe.said == [Open("q1", 4, 1)]


def test_who_watches_a_queue_hears_that_its_engine_is_none_any_more() -> None:
    rig = Rig()
    rig.make()
    told: list[tuple[str, str]] = []
    rig.queues.on_led_no_more = lambda vhost, name: told.append((vhost, name))
    rig.queues.stop("q1")
    rig.serve()
    assert told == [], "it has led nothing"
    rig.queues.stop("q1")
    assert told == [("v", "jobs")]
    rig.serve()
    rig.serve()
    assert told == [("v", "jobs")] * 2, "another engine has taken its place"


def test_what_was_published_during_a_move_goes_on_when_that_came_to_nothing() -> None:
    rig = Rig()
    rig.leader = ("a", 3)
    front, log = rig.make(), rig.serve()
    judge = log.judge
    log.judge = not_serving
    front.publish(run_of(b"m"), NOW_MS)
    rig.queues.leaders_changed(("q1",))
    front.drain(NOW_MS, 9)
    log.judge = judge
    assert bodies(log) == []
    log.on_admitted()
    front.drain(NOW_MS, 9)
    assert bodies(log) == [b"m"]


def test_a_get_waits_during_a_move_wherever_its_client_is() -> None:
    rig, pipe = Rig(), AnsweringPipe()
    rig.leader = ("a", 3)
    front, log = cast("FrontQueue", rig.make()), rig.serve()
    front.publish(run_of(b"m", b"n"), NOW_MS)
    log.commit()
    half = rig.queues.led.get("q1")
    assert half is not None
    other = half.open(Front("c", 1), pipe, 1)
    log.let_deliver(is_on=False)
    answers: list[GetAnswer | None] = []
    assert not front.gives_at_once
    front.ask_get(answers.append, NOW_MS)
    other.receive(Ask("q1", 1, Question.GET), NOW_MS)
    front.drain(NOW_MS, 9)
    assert answers == []
    assert not [each for each in pipe.said if isinstance(each, Got)]
    log.let_deliver(is_on=True)
    front.drain(NOW_MS, 9)
    rig.end_turns()
    (answer,), (got,) = answers, [each for each in pipe.said if isinstance(each, Got)]
    assert answer is not None
    bodies_got = [None if each is None else each.records[0].body for each in (answer[0], got.batch)]
    assert bodies_got == [b"m", b"n"]


def test_a_deleted_queue_is_forgotten() -> None:
    rig = Rig()
    front = rig.make()
    rig.serve()
    front.publish(run_of(b"m"), NOW_MS)
    assert "q1" in rig.queues.front_node.last_numbers
    front.delete()
    assert rig.queues.front_of("q1") is None
    assert rig.queues.led.get("q1") is None
    assert "q1" not in rig.queues.front_node.last_numbers


def test_a_transient_queue_of_this_node_is_served_to_others() -> None:
    rig = Rig()
    rig.owner = "a"
    assert not isinstance(rig.make(), FrontQueue)
    half = rig.queues.led.get("q1")
    assert half is not None
    assert half.epoch == 1


def test_a_transient_queue_that_is_gone_is_served_no_more() -> None:
    rig = Rig()
    rig.owner = "a"
    rig.make()
    rig.queues.queue_deleted(Event(EventKind.QUEUE_DELETED, "v", "another"))
    assert rig.queues.led.get("q1") is not None
    rig.queues.queue_deleted(Event(EventKind.QUEUE_DELETED, "v", "jobs"))
    assert rig.queues.led.get("q1") is None
    rig.make("q2")
    assert rig.queues.led.get("q2") is not None, "the next one of its name"


def test_what_waits_is_served_as_long_as_its_transient_exchange_is_there() -> None:
    vhost = EventKind.VHOST_DELETED, ("w", "w"), ("v", "v")
    for kind, other, own in ((EventKind.EXCHANGE_DELETED, ("v", "another"), ("v", "x")), vhost):
        rig = Rig()
        rig.owner = "a"
        rig.make(name=waiting_queue_name("x", "q1"), kind=WAITING)
        for event, is_there in ((other, True), (own, False)):
            rig.queues.exchange_deleted(Event(kind, *event))
            assert (rig.queues.led.get("q1") is not None) == is_there


def test_the_end_of_a_queue_that_nobody_uses_opens_no_way() -> None:
    rig = Rig()
    rig.make().delete()
    assert rig.asked == []


def test_what_a_leadership_began_with_is_not_kept_beside_the_queue() -> None:
    rig = Rig()
    rig.leader = ("a", 3)
    rig.make()
    log = Log()
    found = cast("RecoveredQueue", Kept(**log.found()._asdict()))
    kept = weakref.ref(found)
    rig.queues.serve("q1", cast("MirroredLog", log), found)
    del found
    assert kept() is None


def test_an_engine_that_is_about_to_lead_opens_no_way_to_an_earlier_leader() -> None:
    rig = Rig()
    rig.make()
    rig.serve()
    assert rig.asked == [], "the view is behind: it still has b"


@pytest.mark.parametrize(("owner", "asked"), [("b", ["b"]), ("", [])])
def test_a_transient_queue_is_led_by_its_node_while_that_lives(
    owner: str, asked: list[str]
) -> None:
    rig = Rig()
    rig.owner = owner
    rig.make().publish(run_of(b"m"), NOW_MS)
    assert rig.asked == asked


def test_a_stream_has_a_front_half_of_its_own() -> None:
    assert isinstance(Rig().make(kind=STREAM), StreamFront)
