"""What a node says of its members to those that lead, and how long what they answer holds."""

import pytest

from amqp_server.broker.groups import visits as visits_module
from amqp_server.broker.groups.forms import JOIN, Joining, Told, What, Word
from amqp_server.broker.groups.guests import LEASE_MS
from amqp_server.broker.groups.single_active import PLAIN, GroupKey
from amqp_server.broker.groups.visits import CHANGES_AT_ONCE, Visits
from amqp_server.broker.steps import finish

KEY = GroupKey("/", "s", "app", 1)


class Seat:
    """A seat that remembers what it hears."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.heard: list[Word] = []
        self.lost: list[int] = []

    def joining(self, now_ms: int) -> Joining:
        return Joining(self.number, KEY, PLAIN, now_ms, is_active=False)

    def hear(self, word: Word, now_ms: int) -> None:
        assert now_ms
        self.heard.append(word)

    def lose(self, until_ms: int, now_ms: int) -> None:
        assert now_ms
        self.lost.append(until_ms)


class Rig:
    """A node whose members 1 and 2 are at ``a``."""

    def __init__(self) -> None:
        self.visits = Visits(lambda: 5)
        self.asked: list[str] = []
        self.visits.on_change = self.asked.append
        self.seats = [Seat(1), Seat(2)]
        for seat in self.seats:
            self.visits.join("a", seat.number, seat, 10)

    def ask(self, *, tells: bool = True) -> tuple[tuple[int, int], int, list[tuple[str, int]]]:
        question = self.visits.question("a", tells=tells)
        assert question is not None
        changes = [(each.kind, each.member) for each in question.changes]
        return question.visit, question.first, changes

    def tell(self, *words: Word, heard: int = 2, first: int = 1, at_ms: int = 100) -> None:
        visit = self.ask()[0]
        finish(self.visits.told("a", visit, at_ms, Told(heard, first, words), at_ms + 10))


ONE, TWO = Word(1, 1, What.ACTIVE), Word(2, 1, What.INACTIVE)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_members_are_told_and_hear(rig: Rig) -> None:
    assert rig.ask() == ((5, 1), 1, [("join", 1), ("join", 2)])
    assert rig.ask(tells=False) == ((5, 1), 1, [])
    assert rig.visits.question("b", tells=True) is None
    rig.tell(ONE, TWO)
    rig.tell(ONE, TWO)
    assert (rig.seats[0].heard, rig.seats[1].heard) == ([ONE], [TWO])
    assert not rig.visits.has_changes("a")
    assert rig.visits.holds_until_ms("a") == 100 + LEASE_MS
    rig.visits.answered("a", 2)
    assert rig.ask() == ((5, 1), 3, [("answered", 2)])


def test_a_visit_ends_once_the_last_has_left_and_that_was_heard(rig: Rig) -> None:
    rig.tell()
    for number in (1, 2, 2):
        rig.visits.leave("a", number)
    assert rig.ask()[2] == [("leave", 1), ("leave", 2)]
    rig.tell(heard=4)
    assert not rig.visits.is_at("a")
    rig.visits.answered("a", 1)
    assert not rig.visits.has_changes("a")


def test_a_node_that_has_never_answered_is_left_at_once(rig: Rig) -> None:
    for number in (1, 2):
        rig.visits.leave("a", number)
    assert not rig.visits.is_at("a")


def test_all_join_again_where_nothing_holds_any_more(rig: Rig) -> None:
    rig.tell(ONE)
    finish(rig.visits.looking(99 + LEASE_MS))
    assert rig.ask()[0] == (5, 1)
    finish(rig.visits.looking(100 + LEASE_MS))
    assert rig.ask() == ((5, 2), 1, [("join", 1), ("join", 2)])
    assert rig.seats[0].lost == [100 + LEASE_MS]
    # What the visit before was answered counts no more, and there is no answer to this one yet.
    finish(rig.visits.told("a", (5, 1), 9_000, Told(2, 2, (TWO,)), 9_001))
    assert rig.seats[1].heard == []
    assert rig.visits.holds_until_ms("a") is None
    finish(rig.visits.looking(90_000))
    assert rig.ask()[0] == (5, 2)


def test_an_answer_that_is_late_is_not_obeyed(rig: Rig) -> None:
    visit = rig.ask()[0]
    finish(rig.visits.told("a", visit, 100, Told(2, 1, (ONE,)), 100 + LEASE_MS))
    assert rig.seats[0].heard == []
    assert rig.ask()[0] == (5, 2)


def test_a_refusal_begins_the_visit_anew_once(rig: Rig) -> None:
    finish(rig.visits.begin_anew("a", (5, 1), 50))
    finish(rig.visits.begin_anew("a", (5, 1), 50))
    assert rig.ask() == ((5, 2), 1, [("join", 1), ("join", 2)])
    rig.tell()
    for number in (1, 2):
        rig.visits.leave("a", number)
    finish(rig.visits.begin_anew("a", (5, 2), 50))
    assert not rig.visits.is_at("a")


def test_who_reads_stops_where_the_visit_is_over_before_its_time(rig: Rig) -> None:
    rig.tell(ONE)
    finish(rig.visits.begin_anew("a", (5, 1), 150))
    assert rig.seats[0].lost == [150], "the node has let its members go, and others read"


def test_a_word_that_is_missing_begins_the_visit_anew(rig: Rig) -> None:
    rig.tell(TWO, first=2)
    assert rig.seats[1].heard == []
    assert rig.ask()[0] == (5, 2)


def test_changes_are_told_in_pieces_and_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(CHANGES_AT_ONCE):
        rig.visits.answered("a", 1)
    assert len(rig.ask()[2]) == CHANGES_AT_ONCE
    monkeypatch.setattr(visits_module, "CHANGES_MAX", CHANGES_AT_ONCE)
    finish(rig.visits.looking(1))
    assert rig.ask() == ((5, 2), 1, [(JOIN, 1), (JOIN, 2)])
    assert rig.asked[-1] == "a"
