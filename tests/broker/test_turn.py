"""What is left to do at a turn's end: in order, bounded, and nobody is forgotten or starved."""

import pytest

from amqp_server.broker.turn import Turn
from queues.effects import Effect
from tests.support.counted_clock import budget_of
from tests.support.drained import DELIVERIES_MAX, CarriedOut, FakeQueue, effect


@pytest.fixture
def turn() -> Turn:
    return Turn(DELIVERIES_MAX)


# ── effects ──


def test_effects_are_carried_out_in_order_and_those_that_they_cause_behind_them(
    turn: Turn,
) -> None:
    carry_out = CarriedOut(turn, {"a": ["a1", "a2"], "a1": ["a11"]})
    turn.emit(carry_out, effect("a"))
    turn.emit(carry_out, effect("b"))
    assert carry_out.names == [], "not before it is asked for"

    turn.settle(7)

    assert carry_out.names == ["a", "b", "a1", "a2", "a11"]
    assert set(carry_out.times_ms) == {7}
    turn.settle(8)
    assert len(carry_out.names) == 5


def test_an_endless_chain_of_effects_is_cut_and_goes_on_in_the_next_turn() -> None:
    turn = Turn(DELIVERIES_MAX, budget_of(10))
    carry_out = CarriedOut(turn, {"again": ["again"]})
    turn.emit(carry_out, effect("again"))
    turn.budget.begin()
    turn.settle(1)
    assert len(carry_out.names) == 10
    turn.budget.begin()
    turn.settle(1)
    assert len(carry_out.names) == 20


def test_effects_that_are_left_are_work_for_another_turn() -> None:
    turn = Turn(DELIVERIES_MAX, budget_of(10))
    carry_out = CarriedOut(turn)
    for index in range(25):
        turn.emit(carry_out, effect(str(index)))
    turns = 1
    turn.budget.begin()
    while turn.end(1):
        turn.budget.begin()
        turns += 1
    assert carry_out.names == [str(index) for index in range(25)]
    assert turns > 1


def test_a_turn_whose_time_is_spent_leaves_queues_to_the_next_in_order() -> None:
    turn = Turn(DELIVERIES_MAX, budget_of(2))
    journal: list[str] = []
    queues = [FakeQueue(str(index), journal=journal) for index in range(5)]
    queues[0].backlog = DELIVERIES_MAX + 1
    for queue in queues:
        turn.mark_dirty(queue)
    turn.budget.begin()
    assert turn.end(1) is True
    assert journal == ["drain 0", "drain 1"]
    turn.mark_dirty(queues[4])
    for _ in range(2):
        turn.budget.begin()
        turn.end(1)
    # What is new comes first, and the one that is not through behind those that had no turn yet.
    assert journal == ["drain 0", "drain 1", "drain 4", "drain 2", "drain 3", "drain 0"]


def test_deadlines_of_many_queues_are_spread_over_turns() -> None:
    turn = Turn(DELIVERIES_MAX, budget_of(3))
    journal: list[str] = []
    queues = [FakeQueue(str(index), journal=journal) for index in range(7)]
    for queue in queues:
        queue.deadline_ms = 10
        turn.mark_dirty(queue)
    while turn.end(1):
        pass
    journal.clear()
    ticks = 0
    while (due_ms := turn.next_deadline_ms()) is not None:
        assert due_ms <= 10, "what is left is due at once"
        turn.budget.begin()
        turn.on_deadline(10)
        ticks += 1
    assert journal == [f"expire {index} 10" for index in range(7)]
    assert ticks == 3


class Countdown:
    """A job of so many steps."""

    def __init__(self, name: str, steps_left: int, journal: list[str]) -> None:
        self._name = name
        self._steps_left = steps_left
        self._journal = journal

    def step(self, now_ms: int) -> bool:
        self._journal.append(self._name)
        self._steps_left -= 1
        return self._steps_left == 0


def test_jobs_take_turns_until_they_are_done() -> None:
    turn = Turn(DELIVERIES_MAX, budget_of(2))
    journal: list[str] = []
    turn.later(Countdown("a", 3, journal))
    turn.later(Countdown("b", 1, journal))
    turn.later(Countdown("c", 2, journal))
    turns = 0
    is_more = True
    while is_more:
        turn.budget.begin()
        is_more = turn.end(1)
        turns += 1
    assert journal == ["a", "b", "c", "a", "c", "a"]
    assert turns == 3


def test_a_job_gets_on_even_when_the_time_is_spent_before_its_turn() -> None:
    turn = Turn(DELIVERIES_MAX, budget_of(1))
    journal: list[str] = []
    queue = FakeQueue(journal=journal)
    turn.later(Countdown("job", 2, journal))
    for _ in range(2):
        turn.mark_dirty(queue)
        turn.budget.begin()
        turn.end(1)
    assert journal == ["drain q", "job", "drain q", "job"]


def test_a_job_waits_for_a_turn_in_which_nobody_waits_for_it(turn: Turn) -> None:
    journal: list[str] = []
    turn.later(Countdown("job", 1, journal))
    assert turn.end(1, carries_on=False) is True, "it is left"
    assert journal == []
    assert turn.end(1) is False
    assert journal == ["job"]


def test_effects_before_and_of_the_drain_are_carried_out_in_one_turn(turn: Turn) -> None:
    journal: list[str] = []
    queue = FakeQueue(journal=journal)

    def carry_out(carried: Effect, _now_ms: int) -> None:
        journal.append(carried.queue_name)

    queue.on_drain = lambda: turn.emit(carry_out, effect("after"))
    turn.mark_dirty(queue)
    turn.emit(carry_out, effect("before"))
    assert turn.end(1) is False
    assert journal == ["before", "drain q", "after"]


# ── draining ──


def test_a_dirty_queue_is_drained_once_a_turn_however_often_it_was_marked(turn: Turn) -> None:
    queue = FakeQueue()
    turn.mark_dirty(queue)
    turn.mark_dirty(queue)
    assert turn.end(1) is False
    assert queue.journal == ["drain q"]
    assert turn.end(1) is False
    assert queue.journal == ["drain q"], "it is clean now"


def test_a_flooded_queue_does_not_starve_another(turn: Turn) -> None:
    journal: list[str] = []
    flooded, small = FakeQueue("flooded", 35, journal), FakeQueue("small", 3, journal)
    turn.mark_dirty(flooded)
    turn.mark_dirty(small)

    turns = 1
    while turn.end(1):
        turns += 1

    assert turns == 4, "35 messages, ten a turn"
    assert journal[:2] == ["drain flooded", "drain small"], "small has its share in the first turn"
    assert (flooded.backlog, small.backlog) == (0, 0)


def test_a_queue_marked_by_the_drain_of_another_waits_for_the_next_turn(turn: Turn) -> None:
    first, second = FakeQueue("first"), FakeQueue("second")
    first.on_drain = lambda: turn.mark_dirty(second)
    turn.mark_dirty(first)
    assert turn.end(1) is True
    assert second.journal == []
    assert turn.end(1) is False
    assert second.journal == ["drain second"]


def test_a_queue_may_be_marked_by_an_effect_of_the_turn(turn: Turn) -> None:
    queue = FakeQueue()
    turn.emit(lambda _effect, _now_ms: turn.mark_dirty(queue), effect("e"))
    assert turn.end(1) is False, "effects come before the drain"
    assert queue.journal == ["drain q"]


def test_a_deleted_queue_is_not_drained(turn: Turn) -> None:
    queue = FakeQueue(backlog=1)
    turn.mark_dirty(queue)
    turn.forget(queue)
    turn.forget(queue)
    assert turn.end(1) is False
    assert queue.journal == []


def test_drain_now_leaves_nothing_that_a_consumer_could_have(turn: Turn) -> None:
    queue = FakeQueue(backlog=25)
    turn.mark_dirty(queue)
    assert turn.dirty() == [queue]
    assert turn.drain_now(queue, 1) is True
    assert turn.drain_now(queue, 1) is False, "it is clean"
    assert (queue.backlog, len(queue.journal)) == (0, 3)
    assert (turn.dirty_count, turn.end(1), len(queue.journal)) == (0, False, 3)


def test_a_queue_of_lone_readers_has_its_turn_as_ever(turn: Turn) -> None:
    queue = FakeQueue(backlog=25)
    queue.has_lone_readers = True
    turn.mark_dirty(queue)
    assert turn.drain_now(queue, 1) is False
    assert queue.journal == []
    assert turn.end(1) is True
    assert queue.journal == ["drain q"]


def test_drain_now_looks_at_the_deadline(turn: Turn) -> None:
    queue = FakeQueue(backlog=1)
    queue.deadline_ms = 7
    turn.mark_dirty(queue)
    turn.drain_now(queue, 1)
    assert turn.next_deadline_ms() == 7


def test_drain_now_of_a_clean_queue_is_nothing(turn: Turn) -> None:
    queue = FakeQueue(backlog=5)
    turn.drain_now(queue, 1)
    turn.end(1)
    assert queue.journal == []


def test_the_turn_knows_its_time(turn: Turn) -> None:
    turn.end(5)
    assert turn.now_ms == 5
    turn.on_deadline(6)
    assert turn.now_ms == 6
