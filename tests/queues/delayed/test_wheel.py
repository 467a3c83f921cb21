from random import Random

import pytest

from queues.delayed.wheel import (
    AHEAD_MAX,
    LEVELS,
    SLOT_COUNT,
    SLOTS,
    Wheel,
    opens_before,
    slot_of,
    slots_of,
)

LONGEST_MS = (1 << 32) - 1
NOW_MS = 1_000_003


@pytest.mark.parametrize("delay_ms", [1, 2, AHEAD_MAX])
def test_a_message_that_is_due_soon_has_a_slot_of_its_millisecond(delay_ms: int) -> None:
    slot, opens_at_ms = slot_of(NOW_MS + delay_ms, NOW_MS)
    assert slot < SLOTS
    assert opens_at_ms == NOW_MS + delay_ms


def test_a_slot_is_opened_before_its_messages_are_due_and_not_at_once() -> None:
    random = Random(1)
    for _ in range(20_000):
        at_ms = random.randrange(1, 1 << 40)
        due_ms = at_ms + 1 + int(LONGEST_MS ** random.random())
        slot, opens_at_ms = slot_of(due_ms, at_ms)
        assert 0 <= slot < SLOT_COUNT < 255
        assert at_ms < opens_at_ms <= due_ms
        assert opens_before(slot, due_ms) <= opens_at_ms


def test_a_message_comes_nearer_each_time_its_slot_is_opened() -> None:
    random = Random(2)
    for _ in range(2_000):
        at_ms = random.randrange(1, 1 << 40)
        due_ms = at_ms + 1 + int(LONGEST_MS ** random.random())
        levels = []
        while at_ms < due_ms:
            slot, at_ms = slot_of(due_ms, at_ms)
            levels.append(slot // SLOTS)
        assert levels == sorted(set(levels), reverse=True)
        assert at_ms == due_ms
        assert len(levels) <= LEVELS


def test_two_messages_of_one_slot_are_opened_together() -> None:
    random = Random(3)
    known: dict[int, int] = {}
    for _ in range(5_000):
        slot, opens_at_ms = slot_of(NOW_MS + random.randrange(1, LONGEST_MS), NOW_MS)
        assert known.setdefault(slot, opens_at_ms) == opens_at_ms


def test_the_slots_of_many_are_those_of_each() -> None:
    random = Random(4)
    for _ in range(500):
        at_ms = random.randrange(1, 1 << 40)
        longest_ms = random.choice((40, 5_000, LONGEST_MS, 1 << 44))
        due_ms = [
            max(at_ms + random.choice((-1, 1, 1)) * int(longest_ms ** random.random()), 1)
            for _ in range(random.randrange(1, 200))
        ]
        alone = [slot_of(due, at_ms) for due in due_ms]
        slots, opens_at_ms = slots_of(due_ms, at_ms)
        assert slots == [slot for slot, _ in alone]
        assert opens_at_ms == dict(sorted(alone, reverse=True)), "the earliest of each slot"


def test_what_is_late_is_opened_at_once() -> None:
    assert slot_of(NOW_MS - 500, NOW_MS)[1] == NOW_MS - 500


def test_what_is_farther_than_the_wheel_reaches_is_looked_at_on_the_way() -> None:
    slot, opens_at_ms = slot_of(NOW_MS + (1 << 40), NOW_MS)
    assert slot // SLOTS == LEVELS - 1
    assert NOW_MS + LONGEST_MS < opens_at_ms < NOW_MS + (1 << 40)


def test_the_slot_to_open_next_is_the_earliest() -> None:
    wheel = Wheel()
    assert wheel.next() is None
    wheel.note(5, 100)
    wheel.note(9, 50)
    wheel.note(5, 200)
    assert wheel.next() == (50, 9)
    assert wheel.in_order() == [9, 5]
    wheel.forget(9)
    assert wheel.next() == (100, 5)
    wheel.note(5, 30)
    assert wheel.next() == (30, 5)
    wheel.forget(5)
    assert wheel.next() is None
    assert wheel.in_order() == []
