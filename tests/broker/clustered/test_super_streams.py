"""A super stream is made as a whole or not at all, whatever the store answers and when."""

from typing import Any

import pytest

from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.awaited import Awaited
from amqp_server.broker.clustered.declaring import Declaring
from amqp_server.broker.clustered.stored import StoredDefinitions
from amqp_server.broker.clustered.super_streams import AT_ONCE, SuperStreams, asked_together
from amqp_server.broker.definitions.definition import BindingDefinition, VhostDefinition
from amqp_server.broker.errors import NameTakenError
from amqp_server.broker.steps import WaitingSteps
from amqp_server.wire.tables import longstr
from cluster.definitions.inquiry import Inquiry
from cluster.metadata.contents import Contents
from cluster.metadata.errors import OutcomeUnknownError, StoreAwayError
from cluster.metadata.keys import KeySpace
from tests.support.inquiries import put, run
from tests.support.undecided import NobodyAsks

KEYS = KeySpace("c")
STORED = StoredDefinitions(KEYS)
STREAM = QueueProperties(True, False, False, {"x-queue-type": longstr("stream")})
DIRECT = ExchangeProperties("direct", True, False, False, {})
MANY = 30
BINDINGS = [
    BindingDefinition("o", "/", f"o-{number}", "queue", str(number), {}) for number in range(MANY)
]


class Desk(NobodyAsks):
    """Answers when the test says, in the order of the questions.

    Attributes:
        errors: what happens to a question, by its number; the others are answered.
        is_late: a question of ``errors`` is carried out all the same.
        most: questions that were under way at a time.
    """

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.errors: dict[int, Exception] = {}
        self.is_late = False
        self.most = self.count = 0
        self.under_way: list[tuple[Awaited[Any], Inquiry[Any], int]] = []
        self.pauses_count = 0

    def ask(self, inquiry: Inquiry[Any]) -> Awaited[Any]:
        awaited = Awaited[Any]()
        self.under_way.append((awaited, inquiry, self.count))
        self.count += 1
        self.most = max(self.most, len(self.under_way))
        return awaited

    def pause(self) -> Awaited[None]:
        self.pauses_count += 1
        self.errors.clear()
        awaited = Awaited[None]()
        awaited.set(None)
        return awaited

    def answer(self) -> None:
        awaited, inquiry, number = self.under_way.pop(0)
        error = self.errors.get(number)
        try:
            answer = run(self.contents, inquiry) if error is None or self.is_late else None
        except Exception as refusal:  # noqa: BLE001 - as the desk does it
            awaited.fail(error or refusal)
            return
        if error is None:
            awaited.set(answer)
        else:
            awaited.fail(error)


class Rig:
    """A store with a vhost, and who makes super streams in it."""

    def __init__(self) -> None:
        self.contents = Contents()
        vhost = VhostDefinition("/")
        put(self.contents, STORED.key_of(vhost), STORED.value_of(vhost))
        self.desk = Desk(self.contents)
        numbers = iter(range(1_000))
        declaring = Declaring(STORED, lambda _key: None, lambda: f"id{next(numbers)}")
        self.makes = SuperStreams(declaring, self.desk)
        self.later: list[WaitingSteps[None]] = []
        self.declaring = declaring

    def create(self) -> int:
        revision: int = self.carry_on(
            self.makes.creating(DIRECT, BINDINGS, STREAM, self.later.append)
        )
        return revision

    def carry_on(self, steps: WaitingSteps[Any]) -> Any:  # noqa: ANN401 - what the steps return
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value
            self.desk.answer()

    def names(self) -> list[str]:
        """Return what is there besides the vhost."""
        places = [KEYS.place_of(each.key) for each in self.contents.items()]
        return [each.names[1] for each in places if each is not None and each.kind in {"q", "x"}]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_all_of_it_is_made_some_at_a_time(rig: Rig) -> None:
    revision = rig.create()
    assert revision == rig.contents.revision
    assert len(rig.names()) == MANY + 1
    assert rig.desk.most == AT_ONCE


@pytest.mark.parametrize("taken", ["o-0", "o-17", f"o-{MANY - 1}"])
def test_a_name_that_is_taken_leaves_what_was_there(rig: Rig, taken: str) -> None:
    run(rig.contents, rig.declaring.queue("/", taken, STREAM))
    with pytest.raises(NameTakenError):
        rig.create()
    assert rig.names() == [taken]
    assert not rig.later


def test_an_exchange_of_the_name_leaves_what_was_there(rig: Rig) -> None:
    run(rig.contents, rig.declaring.exchange("/", "o", DIRECT))
    with pytest.raises(NameTakenError):
        rig.create()
    assert rig.names() == ["o"]


@pytest.mark.parametrize("number", [1, 5, MANY, MANY + 1, 2 * MANY])
@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("error", [StoreAwayError("away"), OutcomeUnknownError("lost")])
def test_a_store_that_does_not_answer_has_nothing_once_it_does(
    rig: Rig, number: int, is_late: bool, error: Exception
) -> None:
    rig.desk.errors[number], rig.desk.is_late = error, is_late
    with pytest.raises(type(error)):
        rig.create()
    (undoing,) = rig.later
    # The store stays away for a while yet.
    rig.desk.is_late = False
    rig.desk.errors[rig.desk.count] = StoreAwayError("away")
    rig.carry_on(undoing)
    assert rig.desk.pauses_count == 1
    assert rig.names() == []


def test_behind_an_error_nothing_more_is_asked(rig: Rig) -> None:
    rig.desk.errors[3] = StoreAwayError("away")
    asked = 0

    def inquiries() -> Any:  # noqa: ANN401 - inquiries
        nonlocal asked
        for each in BINDINGS:
            asked += 1
            yield rig.declaring.queue("/", each.destination, STREAM)

    answers = rig.carry_on(asked_together(rig.desk, inquiries()))
    assert isinstance(answers[3], StoreAwayError)
    assert len(answers) == 3 + AT_ONCE
    assert asked == len(answers) + 1
