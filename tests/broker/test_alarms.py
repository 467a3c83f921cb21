"""Alarms: on while anything runs low; listeners hear of changes only."""

from functools import partial
from itertools import pairwise

import pytest

from amqp_server.broker.alarms import Alarms, Resource
from amqp_server.broker.steps import STEPS_AT_ONCE_MAX, finish_or_later
from amqp_server.broker.turn import Turn
from tests.support.counted_clock import budget_of

MEMORY, DISK = Resource.MEMORY, Resource.DISK


@pytest.fixture
def alarms() -> Alarms:
    return Alarms()


def test_at_first_nothing_runs_low(alarms: Alarms) -> None:
    assert not alarms.is_on
    assert alarms.generation == 0


@pytest.mark.parametrize(
    ("low", "reason"),
    [
        ([MEMORY], "low on memory"),
        ([DISK], "low on disk"),
        ([MEMORY, DISK], "low on memory & disk"),
        ([DISK, MEMORY], "low on memory & disk"),
    ],
)
def test_the_reason_is_what_connection_blocked_says(
    alarms: Alarms, low: list[Resource], reason: str
) -> None:
    for resource in low:
        alarms.set(resource, is_low=True, now_ms=1)
    assert alarms.reason == reason


def test_it_is_over_when_nothing_runs_low_any_more(alarms: Alarms) -> None:
    for resource in Resource:
        alarms.set(resource, is_low=True, now_ms=1)
    alarms.set(MEMORY, is_low=False, now_ms=2)
    assert alarms.is_on
    assert alarms.reason == "low on disk"
    alarms.set(DISK, is_low=False, now_ms=3)
    assert not alarms.is_on


def test_the_generation_counts_alarms_that_come_on(alarms: Alarms) -> None:
    seen = []
    for resource, is_low in [
        (MEMORY, True),
        (MEMORY, True),
        (DISK, True),
        (MEMORY, False),
        (DISK, False),
        (DISK, False),
        (MEMORY, True),
    ]:
        alarms.set(resource, is_low=is_low, now_ms=1)
        seen.append(alarms.generation)
    assert seen == [1, 1, 2, 2, 2, 2, 3]


def test_listeners_hear_of_every_change_and_of_nothing_else(alarms: Alarms) -> None:
    heard_at_ms: list[int] = []
    alarms.subscribe(heard_at_ms.append)
    for now_ms, is_low in enumerate([False, True, True, False, False], start=10):
        alarms.set(MEMORY, is_low=is_low, now_ms=now_ms)
    assert heard_at_ms == [11, 13]


def test_who_unsubscribed_hears_nothing(alarms: Alarms) -> None:
    heard_at_ms: list[int] = []
    listener = heard_at_ms.append
    alarms.subscribe(listener)
    alarms.unsubscribe(listener)
    alarms.unsubscribe(listener)
    alarms.set(MEMORY, is_low=True, now_ms=1)
    assert heard_at_ms == []


def test_a_listener_may_unsubscribe_while_it_is_told(alarms: Alarms) -> None:
    heard: list[str] = []

    def once(_now_ms: int) -> None:
        heard.append("once")
        alarms.unsubscribe(once)

    alarms.subscribe(once)
    alarms.subscribe(lambda _now_ms: heard.append("always"))
    alarms.set(MEMORY, is_low=True, now_ms=1)
    alarms.set(MEMORY, is_low=False, now_ms=2)
    assert heard == ["once", "always", "always"]


def test_very_many_listeners_are_told_in_slices() -> None:
    budget = budget_of(100)
    turn = Turn(10, budget)
    alarms = Alarms(carry_out=partial(finish_or_later, turn=turn))
    heard: list[int] = []
    for number in range(1_000):
        alarms.subscribe(lambda _now_ms, number=number: heard.append(number))  # type: ignore[misc]
    alarms.set(MEMORY, is_low=True, now_ms=1)
    assert len(heard) == STEPS_AT_ONCE_MAX
    counts = [len(heard)]
    budget.begin()
    while turn.end(1):
        counts.append(len(heard))
        budget.begin()
    assert heard == list(range(1_000))
    assert max(later - sooner for sooner, later in pairwise(counts)) <= 101


def test_listeners_find_the_new_state(alarms: Alarms) -> None:
    found: list[bool] = []
    alarms.subscribe(lambda _now_ms: found.append(alarms.is_on))
    alarms.set(DISK, is_low=True, now_ms=1)
    alarms.set(DISK, is_low=False, now_ms=2)
    assert found == [True, False]


def test_each_resource_is_known_by_itself(alarms: Alarms) -> None:
    alarms.set(DISK, is_low=True, now_ms=1)
    assert (alarms.is_low(DISK), alarms.is_low(MEMORY)) == (True, False)
    alarms.set(DISK, is_low=False, now_ms=2)
    assert not alarms.is_low(DISK)
