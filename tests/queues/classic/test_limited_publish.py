"""What a publish does at a limit, part by part, with consumers in between."""

from random import Random

import pytest

from persistence.record import Record
from queues.classic.backlog import Backlog
from queues.classic.limited_publish import publish_at_limit
from queues.options import Overflow, QueueOptions
from tests.support.queue_log import FakeLog
from tests.support.records import record, run_of

NOW_MS = 1_000


class Place:
    """A backlog whose consumer takes as many of the next messages as it has credit for."""

    def __init__(self, options: QueueOptions, credit: int = 0) -> None:
        self.options = options
        self.backlog = Backlog("jobs", options, FakeLog(options.max_priority), lambda _: None)
        self.credit = credit
        self.deliver_count = 0
        self.delivered: list[bytes] = []

    def deliver(self, now_ms: int, max_messages: int) -> int:
        self.deliver_count += 1
        left = count = min(self.credit, max_messages)
        while left > 0 and (batch := self.backlog.ready.take(left, now_ms)) is not None:
            left -= len(batch)
            self.credit -= len(batch)
            self.delivered += [each.body for each in batch.records]
        return count - left

    def publish(self, *bodies: bytes, expires_at_ms: int | list[int] = 0) -> list[int]:
        outcome = publish_at_limit(
            self.backlog, self.options, self.deliver, run_of(*bodies), expires_at_ms, NOW_MS
        )
        return list(outcome.rejected)

    def publish_run(self, run: list[Record]) -> list[int]:
        return list(
            publish_at_limit(self.backlog, self.options, self.deliver, run, 0, NOW_MS).rejected
        )

    def drained(self) -> list[bytes]:
        found: list[bytes] = []
        while some := self.ready():
            found += some
        return found

    def ready(self) -> list[bytes]:
        batch = self.backlog.ready.take(100, 0)
        return [] if batch is None else [each.body for each in batch.records]


def test_the_head_goes_until_the_rest_fits() -> None:
    place = Place(QueueOptions(max_length=2))
    assert place.publish(b"a", b"b", b"c") == []
    assert place.ready() == [b"b", b"c"]


def test_what_a_consumer_takes_leaves_room() -> None:
    place = Place(QueueOptions(max_length=1, overflow=Overflow.REJECT_PUBLISH), credit=2)
    assert place.publish(b"a", b"b", b"c", b"d") == [3]
    assert (place.delivered, place.ready()) == ([b"a", b"b"], [b"c"])


def test_a_message_that_never_fits_is_refused_and_smaller_ones_are_not() -> None:
    place = Place(QueueOptions(max_length_bytes=2, overflow=Overflow.REJECT_PUBLISH))
    assert place.publish(b"a", b"four", b"b", b"c") == [1, 3]


def test_what_expires_at_once_is_delivered_now_or_never() -> None:
    place = Place(QueueOptions(max_length=5), credit=1)
    assert place.publish(b"a", b"b", expires_at_ms=NOW_MS) == []
    assert (place.delivered, place.ready()) == ([b"a"], [])


def test_what_was_refused_may_be_dead_lettered() -> None:
    options = QueueOptions(
        max_length=0, overflow=Overflow.REJECT_PUBLISH_DLX, dead_letter_exchange="dlx"
    )
    place = Place(options)
    assert place.publish(b"a", b"b") == [0, 1]
    dying = place.backlog.moves.take(5)
    assert dying is not None
    assert (list(dying.positions), [each.body for each in dying.records]) == ([], [b"a", b"b"])


def priority_place(overflow: Overflow, credit: int, dead_letters: bool) -> Place:
    return Place(
        QueueOptions(
            max_length=5,
            max_priority=3,
            overflow=overflow,
            dead_letter_exchange="dlx" if dead_letters else None,
        ),
        credit,
    )


def died(place: Place) -> list[bytes]:
    found = []
    while (dying := place.backlog.moves.take(100)) is not None:
        found += [each.body for each in dying.records]
    return found


@pytest.mark.parametrize("overflow", list(Overflow))
@pytest.mark.parametrize("credit", [0, 1, 4, 20])
@pytest.mark.parametrize("dead_letters", [False, True])
def test_with_priorities_a_run_is_as_its_messages_one_by_one(
    overflow: Overflow, credit: int, dead_letters: bool
) -> None:
    for seed in range(100):
        chance = Random(seed)
        together = priority_place(overflow, credit, dead_letters)
        alone = priority_place(overflow, credit, dead_letters)
        for _ in range(4):
            highest = chance.choice([0, 3])
            bodies = [b"%d" % number for number in range(chance.randint(1, 8))]
            run = [record(body, priority=chance.randint(0, highest)) for body in bodies]
            rejected = together.publish_run(run)
            one_by_one = [alone.publish_run([each]) for each in run]
            assert rejected == [at for at, one in enumerate(one_by_one) if one]
        assert together.delivered == alone.delivered
        assert died(together) == died(alone)
        assert together.drained() == alone.drained()


def test_once_nobody_waits_a_full_priority_queue_takes_the_rest_at_once() -> None:
    place = priority_place(Overflow.DROP_HEAD, 0, dead_letters=False)
    place.publish(*[b"%d" % number for number in range(1_000)])
    assert place.deliver_count == 2
    assert place.ready() == [b"995", b"996", b"997", b"998", b"999"]
