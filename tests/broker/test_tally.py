"""Sums that keep what is gone: they never fall, and count nothing twice."""

from typing import NamedTuple

from amqp_server.broker.counts import ChannelCounts
from amqp_server.broker.steps import finish
from amqp_server.broker.tally import COUNTED_PER_STEP, Tally, new_totals


class Pair(NamedTuple):
    """A counter, and a number that is how a thing is now."""

    grown: int = 0
    now: int = 0

    def plus(self, other: "Pair") -> "Pair":
        return Pair(self.grown + other.grown, self.now + other.now)

    def minus(self, other: "Pair") -> "Pair":
        return Pair(self.grown - other.grown, self.now - other.now)

    def at_the_end(self) -> "Pair":
        return Pair(self.grown)


class Thing:
    """Something that counts."""

    def __init__(self, grown: int = 1, now: int = 1) -> None:
        self.pair = Pair(grown, now)

    def counts(self) -> Pair:
        return self.pair


def test_what_is_gone_is_kept_and_what_is_there_is_asked() -> None:
    tally = Tally(Pair())
    one, two = Thing(5), Thing(7)
    tally.open(one)
    tally.open(two)
    assert finish(tally.summing()) == (12, 2)
    tally.close(one)
    tally.close(one)
    two.pair = Pair(8, 3)
    assert (len(tally), finish(tally.summing())) == (1, (13, 3))
    tally.add(Pair(100))
    assert finish(tally.summing()) == (113, 3)


def test_a_part_is_in_the_whole() -> None:
    whole = Tally(Pair())
    first, second = Tally(Pair(), whole), Tally(Pair(), whole)
    one, two = Thing(), Thing()
    first.open(one)
    second.open(two)
    first.add(Pair(10))
    assert [finish(each.summing()) for each in (whole, first, second)] == [(12, 2), (11, 1), (1, 1)]
    first.close(one)
    second.close(one)
    assert [finish(each.summing()) for each in (whole, first, second)] == [(12, 1), (11, 0), (1, 1)]


def test_things_that_come_and_go_between_the_steps_count_once() -> None:
    tally = Tally(Pair())
    things = [Thing() for _ in range(4 * COUNTED_PER_STEP)]
    for thing in things:
        tally.open(thing)
    steps = tally.summing()
    next(steps)
    for thing in (things[0], things[-1]):
        thing.pair = Pair(10, 5)
        tally.close(thing)
    tally.open(Thing(1_000, 1_000))
    tally.add(Pair(100))
    total = finish(steps)
    assert total == (len(things) - 2 + 20 + 100, len(things) - 2)
    assert finish(tally.summing()).grown == total.grown + 1_000


def test_a_sum_that_is_given_up_is_forgotten() -> None:
    tally = Tally(Pair())
    for _ in range(COUNTED_PER_STEP):
        tally.open(Thing())
    steps = tally.summing()
    next(steps)
    steps.close()
    assert not tally._walks


def test_totals_have_a_sum_of_each_kind() -> None:
    totals = new_totals(new_totals())
    assert finish(totals.channels.summing()) == ChannelCounts()
