"""The budget of a turn: spent by the clock it was given, and whole again in the next turn."""

from amqp_server.broker.budget import TurnBudget
from tests.support.counted_clock import budget_of


def test_a_turn_has_its_time_and_no_more() -> None:
    now_ns = 1_000
    budget = TurnBudget(lambda: now_ns, 50)
    budget.begin()
    now_ns = 1_049
    assert not budget.is_spent()
    now_ns = 1_050
    assert budget.is_spent()
    budget.begin()
    assert not budget.is_spent()


def test_before_the_first_turn_there_is_no_end() -> None:
    budget = TurnBudget(lambda: 10**18, 1)
    assert not budget.is_spent()


def test_a_clock_that_stands_still_spends_nothing() -> None:
    budget = TurnBudget()
    budget.begin()
    assert not budget.is_spent()


def test_questions_can_be_the_time() -> None:
    budget = budget_of(3)
    budget.begin()
    assert [budget.is_spent() for _ in range(4)] == [False, False, True, True]
