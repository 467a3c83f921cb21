"""What a turn left over and what is new: neither keeps the other waiting."""

from amqp_server.broker.turn import CarryOut, Turn
from queues.effects import Effect
from tests.support.counted_clock import budget_of
from tests.support.drained import DELIVERIES_MAX, CarriedOut, FakeQueue, effect


def test_a_new_queue_is_drained_at_once_however_many_are_left_over() -> None:
    turn = Turn(DELIVERIES_MAX, budget_of(3))
    journal: list[str] = []
    left = [FakeQueue("left", journal=journal) for _ in range(1_000)]
    for queue in left:
        turn.mark_dirty(queue)
    turn.budget.begin()
    turn.end(1)
    new, turns_count, is_more = FakeQueue("new", journal=journal), 0, True
    while is_more:
        journal.clear()
        turn.mark_dirty(new)
        turn.budget.begin()
        turn.budget.is_spent()
        is_more = turn.end(1, carries_on=bool(turns_count % 2))
        turns_count += 1
        assert journal[0] == "drain new"
        assert ("drain left" in journal) is (turns_count % 2 == 0), "in turns of their own"
        assert turns_count < 2_000
    assert turn.dirty_count == 0


def test_a_new_queue_is_drained_at_once_however_many_effects_are_left_over() -> None:
    turn = Turn(DELIVERIES_MAX, budget_of(3))
    journal: list[str] = []
    carry_out = CarriedOut(turn)
    for index in range(100):
        turn.emit(carry_out, effect(str(index)))
    turn.budget.begin()
    turn.end(1)
    queues = [FakeQueue(name, journal=journal) for name in "ab"]
    for queue in queues:
        turn.mark_dirty(queue)
    turn.budget.begin()
    is_more = turn.end(1)
    assert journal == ["drain a", "drain b"], "the time is shared"
    while is_more:
        turn.budget.begin()
        is_more = turn.end(1)
    assert carry_out.names == [str(index) for index in range(100)], "in order"


def test_what_one_job_makes_dirty_keeps_nobody_waiting_for_longer_than_a_turn() -> None:
    turn = Turn(DELIVERIES_MAX, budget_of(4))
    journal: list[str] = []

    class Marking:
        """A job that makes a hundred queues dirty with each step."""

        def __init__(self, steps_left: int) -> None:
            self._steps_left = steps_left

        def step(self, now_ms: int) -> bool:
            for _ in range(100):
                turn.mark_dirty(FakeQueue("many", journal=journal))
            self._steps_left -= 1
            return self._steps_left == 0

    turn.later(Marking(20))
    few = FakeQueue("few", journal=journal)
    is_more = True
    while is_more:
        journal.clear()
        turn.budget.begin()
        turn.mark_dirty(few)
        is_more = turn.end(1)
        assert journal[0] == "drain few"


def forgetting(turn: Turn, queue: FakeQueue) -> CarryOut:
    def carry_out(_effect: Effect, _now_ms: int) -> None:
        turn.forget(queue)

    return carry_out


def test_a_queue_that_an_effect_deletes_is_not_drained_though_it_was_left_over() -> None:
    turn = Turn(DELIVERIES_MAX, budget_of(2))
    journal: list[str] = []
    queues = [FakeQueue(str(index), journal=journal) for index in range(6)]
    for queue in queues:
        turn.mark_dirty(queue)
    turn.budget.begin()
    turn.end(1)
    turn.mark_dirty(queues[5])
    for queue in queues:
        turn.emit(forgetting(turn, queue), effect("gone"))
    turn.budget.begin()
    assert turn.end(1)
    turn.budget.begin()
    turn.end(1)
    assert journal[:2] == ["drain 0", "drain 1"]
    assert "drain 2" not in journal
    assert turn.dirty_count == 0


def test_what_is_left_over_can_be_drained_at_once() -> None:
    turn = Turn(DELIVERIES_MAX, budget_of(1))
    queues = [FakeQueue(str(index)) for index in range(3)]
    for queue in queues:
        turn.mark_dirty(queue)
    turn.budget.begin()
    turn.end(1)
    assert turn.dirty() == queues[1:]
    turn.mark_dirty(queues[2])
    assert turn.drain_now(queues[2], 1)
    assert not turn.drain_now(queues[2], 1)
    assert turn.dirty() == [queues[1]]
