"""Steps that ask the store and wait for the tables; what a client is told where nobody answers."""

from typing import Any, cast

import pytest

from amqp_server.broker.access.rights import User
from amqp_server.broker.arguments.declare import QueueProperties
from amqp_server.broker.awaited import Awaited
from amqp_server.broker.clustered.decisions import Decisions
from amqp_server.broker.clustered.declaring import Declaring
from amqp_server.broker.clustered.stored import StoredDefinitions
from amqp_server.broker.definitions.definition import Definition, VhostDefinition
from amqp_server.broker.errors import NotFoundError, UndecidedError
from amqp_server.broker.steps import StepsJob, WaitingSteps
from amqp_server.broker.turn import Turn
from cluster.definitions.inquiry import Inquiry
from cluster.metadata.contents import Contents
from cluster.metadata.errors import OutcomeUnknownError, StoreAwayError
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Change
from tests.support.inquiries import put, run
from tests.support.undecided import NobodyAsks

KEYS = KeySpace("c")
STORED = StoredDefinitions(KEYS)
PROPERTIES = QueueProperties(True, False, False, {})
QUEUE = KEYS.queue_definition("/", "q")


class Desk(NobodyAsks):
    """Answers from the contents of a store at once; the tables have it when the test says."""

    def __init__(self) -> None:
        self.contents = Contents()
        self.away: Exception | None = None
        self.waiting: list[tuple[int, Awaited[None]]] = []
        self.pauses: list[Awaited[None]] = []
        self.read: list[bytes] = []

    def ask(self, inquiry: Inquiry[Any]) -> Awaited[Any]:
        awaited = Awaited[Any]()
        if self.away is not None:
            awaited.fail(self.away)
            return awaited
        try:
            awaited.set(run(self.contents, inquiry))
        except Exception as error:  # noqa: BLE001 - as the desk does it
            awaited.fail(error)
        return awaited

    def told(self, revision: int) -> Awaited[None]:
        awaited = Awaited[None]()
        self.waiting.append((revision, awaited))
        return awaited

    def read_through(self, key: bytes) -> Awaited[None]:
        self.read.append(key)
        awaited = Awaited[None]()
        if self.away is None:
            awaited.set(None)
        else:
            awaited.fail(self.away)
        return awaited

    def pause(self) -> Awaited[None]:
        self.pauses.append(Awaited())
        return self.pauses[-1]


class Rig:
    """Decisions, and steps that are under way."""

    def __init__(self) -> None:
        self.desk = Desk()
        vhost = VhostDefinition("/")
        put(self.desk.contents, STORED.key_of(vhost), STORED.value_of(vhost))
        declaring = Declaring(STORED, lambda _key: None, lambda: "id")
        self.decisions = Decisions(declaring, self.desk, KEYS)
        self.came: list[object] = []
        self.turn = Turn(1)

    def begin(self, steps: WaitingSteps[Any]) -> None:
        def noting() -> WaitingSteps[None]:
            try:
                self.came.append((yield from steps))
            except Exception as error:  # noqa: BLE001 - what a client is told
                self.came.append(error)

        self.turn.later(StepsJob(noting(), self.turn))
        self.turn.end(1)

    def tell(self) -> None:
        for _, awaited in self.desk.waiting:
            awaited.set(None)
        self.desk.waiting.clear()
        self.turn.end(1)


def test_they_end_when_the_tables_have_it() -> None:
    rig = Rig()
    rig.begin(rig.decisions.declaring_queue("/", "q", PROPERTIES))
    assert (rig.came, [each[0] for each in rig.desk.waiting]) == ([], [rig.desk.contents.revision])
    rig.tell()
    assert rig.came == ["id"]


def test_a_refusal_of_the_store_is_raised() -> None:
    rig = Rig()
    rig.begin(rig.decisions.declaring_queue("none", "q", PROPERTIES))
    (error,) = rig.came
    assert isinstance(error, NotFoundError)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (StoreAwayError("no answer"), "the metadata store does not answer: no answer"),
        (
            OutcomeUnknownError("x"),
            "the metadata store does not answer; whether it made the change is not known",
        ),
    ],
)
def test_a_store_that_does_not_answer_is_said(error: Exception, text: str) -> None:
    rig = Rig()
    rig.desk.away = error
    rig.begin(rig.decisions.declaring_queue("/", "q", PROPERTIES))
    rig.begin(rig.decisions.saving(VhostDefinition("/", "d")))
    rig.begin(rig.decisions.looking_up("/", queues=("q",)))
    assert [(type(each), str(each)) for each in rig.came] == [(UndecidedError, text)] * 3


def test_tables_that_never_have_it_are_said_too() -> None:
    rig = Rig()
    rig.begin(rig.decisions.declaring_queue("/", "q", PROPERTIES))
    rig.desk.waiting[0][1].fail(StoreAwayError("not seen here"))
    rig.turn.end(1)
    assert isinstance(rig.came[0], UndecidedError)


def test_a_definition_is_changed_by_what_there_is() -> None:
    rig = Rig()

    def limited(before: Definition | None) -> Definition:
        assert isinstance(before, User)
        return User("u", before.password_hash, limits={**before.limits, "max-channels": 3})

    rig.begin(rig.decisions.saving(User("u", "h", limits={"max-connections": 1})))
    rig.tell()
    rig.begin(rig.decisions.changing(User("u", ""), limited))
    rig.tell()
    rig.begin(rig.decisions.forgetting(User("u", "")))
    rig.tell()
    none, first, second = rig.came
    assert none is None
    assert cast("User", first).limits == {"max-connections": 1}
    assert cast("User", second).limits == {"max-connections": 1, "max-channels": 3}
    rig.begin(rig.decisions.forgetting(User("u", "")))
    assert rig.came[-1] is None, "nothing is waited for"


def test_what_is_looked_up_is_read_through() -> None:
    rig = Rig()
    rig.begin(rig.decisions.looking_up("/", queues=("q", ""), exchanges=("x",)))
    assert rig.desk.read == [QUEUE, KEYS.key("x", "/", "x")]


def test_an_unused_queue_is_deleted_once_the_store_answers() -> None:
    rig = Rig()
    rig.begin(rig.decisions.declaring_queue("/", "q", PROPERTIES))
    rig.tell()
    rig.desk.away = StoreAwayError("no answer")
    rig.begin(rig.decisions.ending_unused("/", "q", "id", lambda: True))
    assert len(rig.desk.pauses) == 1
    rig.desk.away = None
    rig.desk.pauses[0].set(None)
    rig.turn.end(1)
    rig.tell()
    assert rig.desk.contents.now(QUEUE) is None


def test_a_queue_that_is_used_again_or_is_another_one_stays() -> None:
    rig = Rig()
    rig.begin(rig.decisions.declaring_queue("/", "q", PROPERTIES))
    rig.tell()
    rig.begin(rig.decisions.ending_unused("/", "q", "id", lambda: False))
    rig.begin(rig.decisions.ending_unused("/", "q", "another", lambda: True))
    assert rig.desk.contents.now(QUEUE) is not None
    rig.desk.contents.apply((Change(QUEUE, None),))
    rig.begin(rig.decisions.deleting_queue("/", "q", "id"))
    assert rig.came == ["id", None, None, False]


def test_the_first_definitions_are_made_once() -> None:
    rig = Rig()
    first = [VhostDefinition("/", "kept"), User("guest", "h")]
    for _ in range(2):
        rig.begin(rig.decisions.making_first(first))
        while rig.desk.waiting:
            rig.tell()
        rig.begin(rig.decisions.forgetting(User("guest", "")))
        rig.tell()
    assert rig.came[0] is None
    assert cast("User", rig.came[1]).name == "guest"
    assert rig.came[2:] == [None, None], "what was deleted is not made again"
    item = rig.desk.contents.now(KEYS.key("vhost", "/"))
    assert item is not None
    assert b"kept" not in item.value, "what is there stays"


def test_what_ends_by_itself_is_deleted_once_the_store_answers() -> None:
    rig = Rig()
    rig.begin(rig.decisions.saving(User("u", "h")))
    rig.tell()
    rig.desk.away = StoreAwayError("no answer")
    rig.begin(rig.decisions.ending(User("u", "")))
    rig.desk.away = None
    rig.desk.pauses[0].set(None)
    rig.turn.end(1)
    rig.tell()
    assert rig.desk.contents.now(KEYS.key("user", "u")) is None
