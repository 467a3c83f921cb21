"""An answer that comes for nobody is given back; none in time is an error."""

from typing import Any

import pytest

from amqp_server.broker.admin import Admin, Answer, SettledBy, Wanted
from amqp_server.broker.asking import getting, purging_elsewhere
from amqp_server.broker.errors import NotFoundError, UnreadableError
from queues.asked_port import CountsAnswer, GetAnswer
from queues.batch import Batch
from queues.commits import SAFE_NOW
from queues.outcomes import PurgeOutcome
from tests.support.peer import Node
from tests.support.records import run_of
from tests.support.vhosts import VhostUnderTest

BATCH = Batch(range(1), run_of(b"a"))


class Asked:
    """An ``AskedQueue`` whose answers the test says."""

    answers_at_once = False

    def __init__(self) -> None:
        self.gets: list = []  # type: ignore[type-arg]
        self.purges: list = []  # type: ignore[type-arg]
        self.returned: list[Batch] = []

    def ask_get(self, then: object, now_ms: int) -> None:
        assert now_ms
        self.gets.append(then)

    def ask_purge(self, then: object, now_ms: int) -> None:
        assert now_ms
        self.purges.append(then)

    def ask_counts(self, then: object, now_ms: int) -> None:
        raise AssertionError(f"{then} at {now_ms}: not asked for {CountsAnswer}")

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
