"""Members of other nodes where a stream is led: they come, are silent, are too many."""

import pytest

from amqp_server.broker.groups import guests as guests_module
from amqp_server.broker.groups.forms import (
    ANSWERED,
    JOIN,
    LEAVE,
    Change,
    Joining,
    Question,
    What,
    Word,
)
from amqp_server.broker.groups.guests import SILENCE_MS, STEP_COUNT, Guests, Led, VisitOverError
from amqp_server.broker.groups.single_active import (
    GROUP_MEMBERS_MAX,
    PLAIN,
    GroupKey,
    Groups,
    Stream,
)
from amqp_server.broker.steps import finish

KEY = GroupKey("/", "s", "app", 7, "q1")
VISIT = (5, 1)


class Rig:
    """A node that leads ``s`` in epoch 7, and what it says."""

    def __init__(self) -> None:
        self.epoch: int | None = 7
        self.groups = Groups()
        self.stored_id = "q1"
        self.guests = Guests(self.groups, self._find_led)
        self.now_ms = 0

    def _find_led(self, stream: Stream) -> Led | None:
        if self.epoch is None or stream.stored_id not in {"", self.stored_id}:
            return None
        return Led(self.stored_id, self.epoch)

    def ask(
        self,
        *changes: Change,
        first: int = 1,
        heard: int = 0,
        node: str = "b",
        visit: tuple[int, int] = VISIT,
    ) -> tuple[Word, ...]:
        question = Question(visit, heard, first, changes)
        finish(self.guests.take(node, question, self.now_ms))
        return self.guests.told(node, visit).words


def join(number: int, key: GroupKey = KEY, *, is_active: bool = False, since_ms: int = 0) -> Change:
    return Change(JOIN, number, Joining(number, key, PLAIN, since_ms, is_active))


def active(number: int) -> Word:
    return Word(number, 7, What.ACTIVE)


def inactive(number: int) -> Word:
    return Word(number, 7, What.INACTIVE)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_members_join_and_the_next_is_told_when_one_leaves(rig: Rig) -> None:
    assert rig.ask(join(1), join(2)) == (active(1), inactive(2))
    assert rig.ask(Change(LEAVE, 1), first=3, heard=2) == (active(2),)
    assert rig.ask(Change(LEAVE, 9), Change(ANSWERED, 9), first=4, heard=3) == ()


def test_what_comes_twice_is_carried_out_once(rig: Rig) -> None:
    rig.ask(join(1), join(2))
    rig.ask(Change(LEAVE, 1), first=3)
    assert rig.ask(join(1), join(2), Change(LEAVE, 1)) == (active(1), inactive(2), active(2))


def test_one_that_reads_already_goes_on_and_the_older_one_is_before_it(rig: Rig) -> None:
    assert rig.ask(join(1, since_ms=5, is_active=True)) == (active(1),)
    assert rig.ask(join(1, since_ms=3, is_active=True), node="c") == (inactive(1),)
    rig.ask(Change(LEAVE, 1), first=2)
    assert rig.ask(node="c", heard=1) == (active(1),)


def test_an_epoch_that_is_not_led_is_not_here(rig: Rig) -> None:
    not_here = Word(1, 6, What.NOT_HERE)
    assert rig.ask(join(1, KEY._replace(epoch=6))) == (not_here,)
    rig.ask(join(2), first=2, heard=1)
    rig.epoch = 8
    finish(rig.guests.looking(0))
    assert rig.ask(heard=2) == (Word(2, 7, What.NOT_HERE),)
    rig.epoch = None
    assert rig.ask(join(3, KEY._replace(epoch=8)), first=3, heard=3)[0].what is What.NOT_HERE


def test_a_stream_that_had_the_name_before_is_not_here(rig: Rig) -> None:
    """Both are in the same epoch."""
    not_here = Word(1, 7, What.NOT_HERE)
    assert rig.ask(join(1, KEY._replace(stored_id="q0"))) == (not_here,)
    assert rig.ask(join(2), first=2, heard=1) == (active(2),)
    rig.stored_id = "q2"
    finish(rig.guests.looking(0))
    assert rig.ask(heard=2) == (Word(2, 7, What.NOT_HERE),)


def test_a_node_of_an_older_release_is_in_the_group_of_the_stream_that_is_here(rig: Rig) -> None:
    """It says no id, and its members stay with the stream that they have joined."""
    assert rig.ask(join(1)) == (active(1),)
    old = KEY._replace(stored_id="")
    assert rig.ask(join(1, old), node="c") == (inactive(1),)
    rig.stored_id = "q2"
    finish(rig.guests.looking(0))
    words = rig.ask(node="c", heard=1)
    assert words[-1] == Word(1, 7, What.NOT_HERE)
    heard = 1 + len(words)
    assert rig.ask(join(1, old), node="c", first=2, heard=heard) == (active(1),)


def test_the_members_of_a_silent_node_leave(rig: Rig) -> None:
    rig.ask(join(1))
    rig.ask(join(1), node="c")
    rig.now_ms = SILENCE_MS
    rig.ask(node="c", heard=1)
    finish(rig.guests.looking(rig.now_ms))
    assert rig.ask(node="c", heard=1) == (active(1),)
    with pytest.raises(VisitOverError):
        rig.ask(heard=1)
    assert rig.ask(join(1), visit=(5, 2)) == (inactive(1),)
    rig.now_ms *= 2
    finish(rig.guests.looking(rig.now_ms))
    assert rig.guests.are_none


def test_a_later_visit_ends_an_earlier_one(rig: Rig) -> None:
    rig.ask(join(1), join(2))
    assert rig.ask(join(1), visit=(6, 0)) == (active(1),)
    for earlier in (VISIT, (5, 9)):
        with pytest.raises(VisitOverError):
            rig.ask(visit=earlier)
        assert rig.guests.has_words("b", earlier)
        with pytest.raises(VisitOverError):
            rig.guests.told("b", earlier)
    assert not rig.groups.is_active(KEY, None)  # type: ignore[arg-type]


def test_a_change_that_is_missing_ends_the_visit(rig: Rig) -> None:
    rig.ask(join(1))
    with pytest.raises(VisitOverError):
        rig.ask(join(3), first=3)
    assert rig.guests.are_none


def test_a_node_that_was_heard_before_this_process_began_has_its_members_join_again(
    rig: Rig,
) -> None:
    """Else what it was told would hold for ever: each answer says that it does."""
    with pytest.raises(VisitOverError):
        rig.ask(first=2, heard=1)
    assert rig.guests.are_none
    assert rig.ask(join(1), visit=(5, 2)) == (active(1),)


def test_members_of_one_node_are_bounded_and_taken_in_pieces(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guests_module, "GUESTS_MAX", 15_000)
    many = tuple(join(each, KEY._replace(name=f"g{each % 3}")) for each in range(20_000))
    steps = rig.guests.take("b", Question(VISIT, 0, 1, many), 0)
    assert sum(1 for _ in steps) == 20_000 // STEP_COUNT
    told = rig.guests._visits["b"]
    assert len(told.guests) == 15_000
    assert [each.what for each in told.words.next(20_000)].count(What.FULL) == 5_000


def test_a_group_is_bounded_for_members_here_and_elsewhere(rig: Rig) -> None:
    many = tuple(join(each) for each in range(GROUP_MEMBERS_MAX + 5))
    rig.ask(*many)
    assert not rig.groups.has_room(KEY)
    words = rig.guests._visits["b"].words.next(20_000)
    assert [each.what for each in words[-6:]] == [What.INACTIVE] + [What.FULL] * 5
    rig.ask(Change(LEAVE, 4), first=len(many) + 1)
    assert rig.groups.has_room(KEY)


def test_words_that_nobody_hears_are_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests_module, "WORDS_MAX", 10)
    rig.ask(*(join(each) for each in range(10)))
    with pytest.raises(VisitOverError):
        rig.ask(join(10), first=11)
    assert rig.guests.are_none


def test_who_waits_for_words_hears_that_there_are_some(rig: Rig) -> None:
    called: list[str] = []
    rig.guests.on_words = called.append
    rig.ask(join(1))
    assert called == ["b"]
    assert rig.guests.has_words("b", VISIT)
    rig.ask(heard=1)
    assert not rig.guests.has_words("b", VISIT)
