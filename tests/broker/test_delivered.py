"""Deliveries that are not settled: who may have more than one at a time, and who is asked again."""

import logging

import pytest

from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.delivered import Delivered
from amqp_server.broker.turn import Turn
from tests.support.counted_clock import CountedClock

LIMIT_BYTES = 6_400


class FakeConsumer:
    """Counts how often it is to be asked again; waits again where it is told to."""

    def __init__(self, delivered: Delivered) -> None:
        self._delivered = delivered
        self.asked_count = 0
        self.waits_again = False

    def ask_again(self) -> None:
        self.asked_count += 1
        if self.waits_again:
            self._delivered.wait(self)


@pytest.fixture
def turn() -> Turn:
    return Turn(1)


@pytest.fixture
def delivered(turn: Turn) -> Delivered:
    return Delivered(turn, LIMIT_BYTES)


@pytest.mark.parametrize(
    ("used_bytes", "held_bytes", "may"),
    [
        (0, 0, True),
        (3_200, 3_200, True),
        (3_201, 3_201, False),
        (3_201, 100, False),
        (3_201, 99, True),
        (6_399, 99, True),
        (6_400, 99, False),
        (6_400, 0, False),
    ],
)
def test_who_may_have_more_than_one_at_a_time(
    delivered: Delivered, used_bytes: int, held_bytes: int, *, may: bool
) -> None:
    delivered.memory.used_bytes = used_bytes
    assert delivered.allows(held_bytes) is may


def test_without_a_limit_all_may(turn: Turn) -> None:
    unlimited = Delivered(turn)
    unlimited.memory.used_bytes = 1 << 50
    assert unlimited.allows(1 << 50)


def test_who_waits_is_asked_again_once_enough_was_settled(turn: Turn, delivered: Delivered) -> None:
    first, second = FakeConsumer(delivered), FakeConsumer(delivered)
    delivered.memory.used_bytes = 4_000
    delivered.wait(first)
    delivered.wait(first)
    delivered.memory.used_bytes = 5_000
    delivered.wait(second)
    delivered.memory.used_bytes = 4_601
    delivered.were_settled()
    assert not turn.end(1)
    assert (first.asked_count, second.asked_count) == (0, 0)
    delivered.memory.used_bytes = 4_600
    second.waits_again = True
    delivered.were_settled()
    assert not turn.end(1)
    assert (first.asked_count, second.asked_count) == (1, 1)
    assert list(delivered.waiting) == [second]
    delivered.were_settled()
    assert not turn.end(1)
    assert second.asked_count == 1, "nothing was settled since"


def test_many_are_asked_in_several_turns_and_who_is_over_is_not() -> None:
    turn = Turn(1, TurnBudget(CountedClock(), 5))
    delivered = Delivered(turn, LIMIT_BYTES)
    consumers = [FakeConsumer(delivered) for _ in range(100)]
    delivered.memory.used_bytes = 6_400
    for consumer in consumers:
        delivered.wait(consumer)
    delivered.forget(consumers[0])
    delivered.memory.used_bytes = 0
    delivered.were_settled()
    turn.budget.begin()
    turns = 1
    while turn.end(1):
        delivered.forget(consumers[99])
        delivered.were_settled()
        turns += 1
        turn.budget.begin()
    assert [consumer.asked_count for consumer in consumers] == [0] + [1] * 98 + [0]
    assert turns > 10
    assert not delivered.waiting


def test_the_log_says_once_that_deliveries_are_held_back(
    turn: Turn, delivered: Delivered, caplog: pytest.LogCaptureFixture
) -> None:
    consumer = FakeConsumer(delivered)
    for _ in range(2):
        delivered.memory.used_bytes = 6_400
        delivered.wait(consumer)
        delivered.wait(consumer)
        delivered.memory.used_bytes = 4_000
        delivered.were_settled()
        turn.end(1)
    (line,) = caplog.records
    assert line.levelno == logging.WARNING
    assert line.getMessage().endswith("unacked_bytes=6400 broker.unacked_bytes_max=6400")
    delivered.wait(consumer)
    delivered.memory.used_bytes = 0
    delivered.were_settled()
    turn.end(1)
    delivered.memory.used_bytes = 6_400
    delivered.wait(consumer)
    assert len(caplog.records) == 2
