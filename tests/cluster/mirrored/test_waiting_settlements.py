"""Settlements that wait become few records."""

from cluster.mirrored.waiting_settlements import STRETCHES_MAX, WaitingSettlements
from persistence.operations import encode_settle

QUEUE_ID = 0


def waiting(*stretches: range) -> WaitingSettlements:
    made = WaitingSettlements()
    for each in stretches:
        made.add(each)
    return made


def test_stretches_that_follow_each_other_are_one() -> None:
    made = waiting(range(4), range(4, 9))
    assert made.records(QUEUE_ID) == [encode_settle(QUEUE_ID, range(9))]


def test_stretches_that_touch_are_one_in_whatever_order_they_came() -> None:
    made = waiting(range(5, 6), range(7, 9), range(6, 7), range(2), range(3, 5))
    assert made.records(QUEUE_ID) == [
        encode_settle(QUEUE_ID, range(2)),
        encode_settle(QUEUE_ID, range(3, 9)),
    ]


def test_every_second_message_is_a_stretch_of_its_own() -> None:
    dealt = range(0, 6, 2), range(6, 12, 2), range(12, 14)
    assert waiting(*dealt).records(QUEUE_ID) == [encode_settle(QUEUE_ID, each) for each in dealt]


def test_they_wait_until_they_are_in_the_log() -> None:
    made = waiting(range(1))
    assert made.records(QUEUE_ID) == made.records(QUEUE_ID)
    assert made
    made.clear()
    assert not made
    assert made.records(QUEUE_ID) == []


def test_it_is_full_with_many_stretches_and_not_with_many_acks() -> None:
    acks = waiting(*[range(at, at + 1) for at in range(10_000)])
    assert not acks.is_full
    holes = waiting(*[range(at, at + 1) for at in range(0, 2 * STRETCHES_MAX, 2)])
    assert holes.is_full
