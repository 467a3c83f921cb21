"""What clients hold together: bounded, those who hold most let go, others hear nothing of it."""

import pytest

from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.errors import NodeLimitError
from amqp_server.broker.node_budget import Holding, NodeBudget
from amqp_server.broker.turn import Turn
from tests.support.counted_clock import CountedClock

LIMIT_BYTES = 1_600


class FakeClient:
    """Remembers which of its channels were closed; what they held is let go of."""

    def __init__(self, budget: NodeBudget, *channels: int) -> None:
        self.holdings = {number: Holding(budget, self, number) for number in channels}
        self.refused: list[int] = []

    def refuse(self, channel: int, error: Exception, now_ms: int) -> None:
        assert isinstance(error, NodeLimitError)
        assert now_ms == 7
        self.refused.append(channel)
        self.holdings[channel].let_go()


@pytest.fixture
def turn() -> Turn:
    return Turn(1)


@pytest.fixture
def budget(turn: Turn) -> NodeBudget:
    return NodeBudget(turn, "things", "broker.things_max", LIMIT_BYTES)


def test_what_is_held_and_let_go_of_is_counted(turn: Turn, budget: NodeBudget) -> None:
    client = FakeClient(budget, 1, 2)
    first, second = client.holdings.values()
    first.add(100)
    second.add(1_000)
    second.add(-400)
    assert (budget.used_bytes, first.held_bytes, second.held_bytes) == (700, 100, 600)
    first.let_go()
    first.let_go()
    second.add(-600)
    assert budget.used_bytes == 0
    assert not turn.end(7)


def test_nobody_lets_go_while_there_is_room(turn: Turn, budget: NodeBudget) -> None:
    client = FakeClient(budget, 1)
    client.holdings[1].add(1_500)
    assert not turn.end(7)
    assert client.refused == []


def test_who_holds_most_lets_go_and_nobody_else(turn: Turn, budget: NodeBudget) -> None:
    small, large = FakeClient(budget, 1), FakeClient(budget, 1, 2, 3)
    small.holdings[1].add(450)
    for number, held_bytes in ((1, 300), (2, 400), (3, 400)):
        large.holdings[number].add(held_bytes)
    assert not turn.end(7)
    assert (small.refused, large.refused) == ([], [2])
    assert budget.used_bytes == 1_150


def test_as_many_let_go_as_make_room(turn: Turn, budget: NodeBudget) -> None:
    clients = [FakeClient(budget, 1) for _ in range(100)]
    for client in clients:
        client.holdings[1].add(16)
    assert not turn.end(7)
    assert sum(len(client.refused) for client in clients) == 13
    assert budget.used_bytes == 1_392 <= LIMIT_BYTES - 2 * LIMIT_BYTES // 16


def test_where_there_is_no_room_who_asks_is_refused(turn: Turn, budget: NodeBudget) -> None:
    client, late = FakeClient(budget, 1), FakeClient(budget, 1)
    client.holdings[1].add(LIMIT_BYTES)
    with pytest.raises(NodeLimitError, match=r"things of all .* 1600 bytes \(broker.things_max\)"):
        late.holdings[1].add(1)
    assert (budget.used_bytes, late.holdings[1].held_bytes) == (LIMIT_BYTES, 0)
    turn.end(7)
    late.holdings[1].add(1)
    assert (client.refused, late.refused) == ([1], [])


def test_what_is_being_worked_off_is_in_use_and_nobody_lets_go_of_it(
    turn: Turn, budget: NodeBudget
) -> None:
    client, other = FakeClient(budget, 1), FakeClient(budget, 1)
    holding = client.holdings[1]
    holding.add(1_590)
    taken_bytes = holding.take()
    assert (taken_bytes, holding.held_bytes, budget.used_bytes) == (1_590, 0, 1_590)
    other.holdings[1].add(10)
    assert not turn.end(7)
    assert (client.refused, other.refused) == ([], [1])
    holding.give_back(taken_bytes)
    assert budget.used_bytes == 0


def test_letting_go_is_work_of_many_turns_where_many_must() -> None:
    """A thousand clients hold a little each: no turn closes all of their channels."""
    clock = CountedClock()
    turn = Turn(1, TurnBudget(clock, 5))
    budget = NodeBudget(turn, "things", "broker.things_max", 16_000)
    clients = [FakeClient(budget, 1) for _ in range(1_000)]
    for client in clients:
        client.holdings[1].add(16)
    turns = 1
    turn.budget.begin()
    while turn.end(7):
        turns += 1
        turn.budget.begin()
    refused_count = sum(len(client.refused) for client in clients)
    assert refused_count == 125
    assert turns > 10
    assert budget.used_bytes <= 14_000
    clients[-1].holdings[1].add(1_600)
    assert turn.end(7) in {True, False}
    assert clients[-1].refused == [1], "it begins anew"
