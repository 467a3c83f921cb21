"""An answer that comes for nobody is given back; none in time is an error."""

from typing import Any, cast

import pytest
from pamqp import commands

from amqp_server.broker.admin import Admin, Answer, SettledBy, Wanted
from amqp_server.broker.asking import consuming_elsewhere, getting, purging_elsewhere
from amqp_server.broker.commands.messages import Got
from amqp_server.broker.errors import NotFoundError, UnreadableError
from amqp_server.broker.queue import Queue
from queues.asked_port import ConsumeAnswer, CountsAnswer, GetAnswer
from queues.batch import Batch
from queues.commits import SAFE_NOW
from queues.errors import ExclusiveUseError
from queues.outcomes import PurgeOutcome
from tests.support.consumer import FakeConsumer
from tests.support.peer import Node
from tests.support.records import run_of
from tests.support.vhosts import VhostUnderTest

BATCH = Batch(range(1), run_of(b"a"))


class Asked:
    """An ``AskedQueue`` whose answers the test says."""

    answers_at_once = gives_at_once = False
    here = None

    def __init__(self) -> None:
        self.gets: list = []  # type: ignore[type-arg]
        self.purges: list = []  # type: ignore[type-arg]
        self.consumes: list = []  # type: ignore[type-arg]
        self.returned: list[Batch] = []

    def engine_to_read(self) -> None:
        raise AssertionError("it is no stream")

    def ask_get(self, then: object, now_ms: int) -> None:
        assert now_ms
        self.gets.append(then)

    def ask_purge(self, then: object, now_ms: int) -> None:
        assert now_ms
        self.purges.append(then)

    def ask_counts(self, then: object, now_ms: int) -> None:
        raise AssertionError(f"{then} at {now_ms}: not asked for {CountsAnswer}")

    def ask_consume(self, handle: object, then: object, now_ms: int) -> None:
        assert handle
        assert now_ms
        self.consumes.append(then)

    def give_back_unseen(self, batch: Batch) -> None:
        self.returned.append(batch)


def test_steps_wait_for_the_answer() -> None:
    asked = Asked()
    steps = getting(VhostUnderTest().queue(), asked, 1)
    assert next(steps) is not None
    asked.gets[0](GetAnswer(BATCH, 3))
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == GetAnswer(BATCH, 3)
    assert asked.returned == []


@pytest.mark.parametrize("comes_before", [False, True])
def test_a_message_for_a_client_that_left_goes_back(comes_before: bool) -> None:
    asked = Asked()
    steps = getting(VhostUnderTest().queue(), asked, 1)
    next(steps)
    if comes_before:
        asked.gets[0](GetAnswer(BATCH, 0))
    steps.close()
    if not comes_before:
        asked.gets[0](GetAnswer(BATCH, 0))
    assert asked.returned == [BATCH]


def test_no_answer_is_an_error() -> None:
    asked, queue = Asked(), VhostUnderTest().queue()
    for steps, line in (
        (getting(queue, asked, 1), asked.gets),
        (purging_elsewhere(queue, asked, 1), asked.purges),
    ):
        next(steps)
        line[0](None)
        with pytest.raises(NotFoundError, match="due to timeout"):
            next(steps)


def test_a_purge_says_how_many_went() -> None:
    asked = Asked()
    steps = purging_elsewhere(VhostUnderTest().queue(), asked, 1)
    next(steps)
    asked.purges[0](7)
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == 7


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (ConsumeAnswer.THERE, None),
        (ConsumeAnswer.BARRED, ExclusiveUseError),
        (ConsumeAnswer.NO_ANSWER, NotFoundError),
        (None, None),
    ],
)
def test_a_consumer_that_may_not_be_there_is_removed(
    answer: ConsumeAnswer | None, error: type[Exception] | None
) -> None:
    asked, consumer = Asked(), FakeConsumer()
    queue = VhostUnderTest().queue()
    queue.engine.consume(consumer, 1)
    steps = consuming_elsewhere(queue, asked, consumer, 1)
    next(steps)
    if answer is None:
        steps.close()
    else:
        asked.consumes[0](answer)
        with pytest.raises(error or StopIteration):
            next(steps)
    assert queue.engine.consumer_count == (answer is ConsumeAnswer.THERE)


def test_a_queue_that_goes_meanwhile_is_not_found() -> None:
    asked, queue = Asked(), VhostUnderTest().queue()
    steps = consuming_elsewhere(queue, asked, FakeConsumer(), 1)
    next(steps)
    queue.is_deleted = True
    asked.consumes[0](ConsumeAnswer.NO_ANSWER)
    with pytest.raises(NotFoundError, match="no queue"):
        next(steps)


class LedElsewhere:
    """A node with the queue ``jobs`` that another node leads, and commands about it."""

    def __init__(self) -> None:
        self.node = Node()
        self.node.open().declare()
        self.asked = Asked()
        queue = self.node.vhost.queues.find("jobs")
        assert queue is not None
        queue.asked = self.asked
        self.answers: list[Answer] = []

    def begin(self, name: str, **given: Any) -> None:  # noqa: ANN401 -- of commands
        given = {"vhost": "/", "name": "jobs", "username": None, **given}
        Admin(self.node.broker).begin(name, given, self.answers.append)
        self.node.end_turns()


TAKING: dict[str, Any] = {"count": 1, "settled_by": SettledBy.NO_ACK, "truncate_bytes": None}
MOVING: dict[str, Any] = {
    "dest": None,
    "count": None,
    "matching": None,
    "rate": None,
    "copies": False,
    "wake": None,
}


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("get", TAKING),
        ("peek", {"start": None, "number": 0, "wanted": Wanted(1)}),
        ("take_out", {"picked": [], "target": None}),
        ("move", MOVING),
    ],
)
def test_a_command_that_reads_messages_is_refused(name: str, given: dict[str, Any]) -> None:
    place = LedElsewhere()
    place.begin(name, **given)
    (answer,) = place.answers
    assert isinstance(answer.error, UnreadableError)
    assert "another node leads it" in str(answer.error)


def test_the_command_to_purge_asks_the_leader() -> None:
    place = LedElsewhere()
    place.begin("purge_queue")
    assert place.answers == []
    place.asked.purges[0](7)
    place.node.end_turns()
    (answer,) = place.answers
    assert answer.value == PurgeOutcome(7, SAFE_NOW)


class MayDeliverNothing(LedElsewhere):
    """The queue is led here, with two messages, and may deliver none of them now."""

    def __init__(self) -> None:
        super().__init__()
        self.asked.answers_at_once = True
        self.client = self.node.open()
        for body in (b"a", b"b"):
            self.client.publish(body)
        self.client.receive()

    def give(self) -> None:
        """The queue may deliver again: the oldest get is answered by the engine."""
        self.asked.gives_at_once = True
        got = self.queue.engine.get(self.node.now_ms)
        self.asked.gets.pop(0)(GetAnswer(None, 0) if got is None else GetAnswer(*got))
        self.node.end_turns()

    @property
    def queue(self) -> Queue:
        queue = self.node.vhost.queues.find("jobs")
        assert queue is not None
        return queue


def test_basic_get_waits_and_answers_keep_their_order() -> None:
    place = MayDeliverNothing()
    client = place.client
    for _ in range(20_000):
        client.send(commands.Basic.Get, queue="jobs", no_ack=True)
    client.send(commands.Basic.Qos, prefetch_count=1)
    place.node.end_turns()
    assert (client.methods(), len(place.asked.gets)) == ([], 1), "one at a time"
    place.give()
    names = [each.name for each in client.methods()]
    assert names[:3] == ["Basic.GetOk", "Basic.GetOk", "Basic.GetEmpty"]
    assert (len(names), names[-1]) == (20_001, "Basic.QosOk")
    assert place.queue.engine.counts().unacked_count == 0


def test_basic_get_ends_with_404_where_nothing_may_be_delivered_for_too_long() -> None:
    place = MayDeliverNothing()
    place.client.send(commands.Basic.Get, queue="jobs")
    place.node.end_turns()
    place.asked.gets[0](None)
    place.node.end_turns()
    close = place.client.closed()
    assert (close.channel, close.code) == (1, 404)
    assert "due to timeout" in close.text


def test_a_purge_waits_too() -> None:
    place = MayDeliverNothing()
    place.client.send(commands.Queue.Purge, queue="jobs")
    place.begin("purge_queue")
    assert (place.client.methods(), place.answers, len(place.asked.purges)) == ([], [], 2)
    for then in place.asked.purges:
        then(2)
    place.node.end_turns()
    assert place.client.expect(commands.Queue.PurgeOk).message_count == 2
    assert place.answers[0].value == PurgeOutcome(2, SAFE_NOW)


@pytest.mark.parametrize(
    ("settled_by", "left_count"), [(SettledBy.NO_ACK, 0), (SettledBy.REQUEUE, 2)]
)
def test_the_command_to_get_waits_for_the_first_message(
    settled_by: SettledBy, left_count: int
) -> None:
    place = MayDeliverNothing()
    place.begin("get", **{**TAKING, "count": -1, "settled_by": settled_by})
    assert place.answers == []
    place.give()
    (answer,) = place.answers
    assert [each.payload for each in cast("tuple[Got, ...]", answer.value)] == [b"a", b"b"]
    counts = place.queue.engine.counts()
    assert (counts.ready_count, counts.unacked_count) == (left_count, 0)


def test_the_command_to_get_says_that_a_queue_is_empty_or_that_it_is_not_known() -> None:
    place = MayDeliverNothing()
    for answer in (GetAnswer(None, 0), None):
        place.asked.gives_at_once = False
        place.begin("get", **TAKING)
        place.queue.engine.purge()
        place.asked.gets.pop()(answer)
        place.node.end_turns()
    empty, unknown = place.answers
    assert empty.value == ()
    assert isinstance(unknown.error, NotFoundError)


class Consuming(LedElsewhere):
    """A client that consumes from that queue; the engine has the consumer, the test the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = self.node.vhost.queues.find("jobs")
        assert self.queue is not None
        self.asked.ask_consume = self._ask  # type: ignore[method-assign]
        self.handles: list[Any] = []
        self.client = self.node.open()
        self.client.publish(b"there")
        self.client.send(commands.Basic.Consume, queue="jobs", consumer_tag="c")
        self.node.end_turns()

    def _ask(self, handle: Any, then: Any, now_ms: int) -> None:  # noqa: ANN401 -- of engines
        assert self.queue is not None
        self.queue.engine.consume(handle, now_ms)
        self.handles.append(handle)
        self.asked.consumes.append(then)

    def methods(self) -> list[str]:
        self.node.end_turns()
        return [type(each).__name__ for each in self.client.methods()]


def test_consume_ok_comes_with_the_answer_and_no_delivery_before_it() -> None:
    consuming = Consuming()
    assert consuming.methods() == []
    consuming.asked.consumes[0](ConsumeAnswer.THERE)
    assert consuming.methods() == ["ConsumeOk", "Deliver"]


def test_a_consumer_that_is_barred_is_refused_and_never_there() -> None:
    consuming = Consuming()
    consuming.asked.consumes[0](ConsumeAnswer.BARRED)
    consuming.node.end_turns()
    close = consuming.client.closed()
    assert (close.channel, close.code) == (1, 403)
    assert close.text == "ACCESS_REFUSED - queue 'jobs' in vhost '/' in exclusive use"
    assert consuming.queue is not None
    assert consuming.queue.engine.consumer_count == 0


def test_a_client_that_leaves_meanwhile_leaves_no_consumer() -> None:
    consuming = Consuming()
    consuming.client.connection.lose(consuming.node.now_ms)
    consuming.node.end_turns()
    assert consuming.queue is not None
    assert consuming.queue.engine.consumer_count == 0
    consuming.asked.consumes[0](ConsumeAnswer.THERE)
    consuming.node.end_turns()
    assert consuming.queue.engine.consumer_count == 0


def test_a_queue_that_goes_just_after_the_answer_has_no_consumer() -> None:
    consuming = Consuming()
    other = consuming.node.open()
    consuming.asked.consumes[0](ConsumeAnswer.THERE)
    other.send(commands.Queue.Delete, queue="jobs")
    consuming.node.end_turns()
    close = consuming.client.closed()
    assert (close.channel, close.code) == (1, 404)
    assert close.text == "NOT_FOUND - no queue 'jobs' in vhost '/'"


def test_a_consumer_that_is_cancelled_just_after_the_answer_is_told() -> None:
    consuming = Consuming()
    assert consuming.queue is not None
    (handle,) = consuming.handles
    consuming.asked.consumes[0](ConsumeAnswer.THERE)
    consuming.queue.engine.cancel(handle, 1)
    handle.cancelled()
    consuming.node.end_turns()
    close = consuming.client.closed()
    assert (close.channel, close.code) == (1, 404)
    assert consuming.queue.consumers == {}
