"""The backlog: whatever leaves undelivered is settled, and dead-lettered where there is a DLX."""

import pytest

from queues.backlog import DEAD_LETTERS_PER_EFFECT_MAX, Backlog
from queues.effects import DeadLettered, DeathReason, Effect
from queues.options import Durability, Overflow, QueueOptions
from tests.support.queue_log import FakeLog
from tests.support.records import run_of


def backlog(options: QueueOptions, effects: list[Effect], log: FakeLog) -> Backlog:
    return Backlog("jobs", options, log, effects.append)


def test_an_append_is_logged_at_its_position() -> None:
    log = FakeLog()
    kept = backlog(QueueOptions(), [], log)
    assert kept.append(run_of(b"a", b"b"), 0) == 1
    assert kept.append(run_of(b"c"), 0) == 2
    assert {position: record.body for position, record in log.kept.items()} == {
        0: b"a",
        1: b"b",
        2: b"c",
    }


def test_what_is_dropped_is_settled_and_dead_lettered_oldest_first() -> None:
    log, effects = FakeLog(), list[Effect]()
    kept = backlog(QueueOptions(max_length=1, dead_letter_exchange="dlx"), effects, log)
    run = run_of(b"a", b"b", b"c")
    kept.append(run, 0)
    kept.drop_excess()
    assert effects == [DeadLettered("jobs", (run[0], run[1]), DeathReason.MAXLEN)]
    assert list(log.kept) == [2]


def test_without_a_dead_letter_exchange_it_is_just_gone() -> None:
    log, effects = FakeLog(), list[Effect]()
    kept = backlog(QueueOptions(), effects, log)
    kept.append(run_of(b"a"), 5)
    assert kept.drop_expired(5, 10) == 1
    assert (effects, log.kept, kept.ready.count) == ([], {}, 0)


def test_one_effect_holds_a_limited_number_of_messages() -> None:
    effects: list[Effect] = []
    kept = backlog(QueueOptions(dead_letter_exchange="dlx"), effects, FakeLog())
    kept.append(run_of(b"x") * (DEAD_LETTERS_PER_EFFECT_MAX + 1), 5)
    kept.drop_expired(5, 10_000)
    sizes = [len(effect.records) for effect in effects if isinstance(effect, DeadLettered)]
    assert sizes == [DEAD_LETTERS_PER_EFFECT_MAX, 1]


def test_no_more_are_dropped_than_asked_for() -> None:
    kept = backlog(QueueOptions(), [], FakeLog())
    kept.append(run_of(b"a", b"b", b"c"), 5)
    assert kept.drop_expired(5, 2) == 2
    assert kept.drop_expired(4, 2) == 0
    assert kept.ready.count == 1


def test_nothing_is_dropped_where_publishes_are_rejected() -> None:
    kept = backlog(QueueOptions(max_length=1, overflow=Overflow.REJECT_PUBLISH), [], FakeLog())
    kept.append(run_of(b"a", b"b"), 0)
    kept.drop_excess()
    assert kept.ready.count == 2


@pytest.mark.parametrize(
    ("options", "is_full"),
    [
        (QueueOptions(max_length=1), True),
        (QueueOptions(max_length=2), False),
        (QueueOptions(max_length_bytes=0), False),
        (QueueOptions(), False),
    ],
)
def test_full_is_when_not_even_an_empty_message_fits(options: QueueOptions, is_full: bool) -> None:
    kept = backlog(options, [], FakeLog())
    kept.append(run_of(b""), 0)
    assert kept.is_full is is_full


def test_other_limits_hold_from_a_change_on() -> None:
    kept = backlog(QueueOptions(max_length=1), [], FakeLog())
    kept.append(run_of(b"a", b"b"), 0)
    kept.reconfigure(QueueOptions(max_length=2))
    kept.drop_excess()
    assert kept.ready.count == 2


def test_the_log_is_told_the_class_at_once_and_at_every_change() -> None:
    log = FakeLog()
    kept = backlog(QueueOptions(durability=Durability.OS), [], log)
    told = [log.is_synced]
    for durability in (Durability.FSYNC, Durability.OS):
        kept.reconfigure(QueueOptions(durability=durability))
        told.append(log.is_synced)
    assert told == [False, True, False]


def test_settled_positions_may_come_in_any_order() -> None:
    log = FakeLog()
    kept = backlog(QueueOptions(), [], log)
    kept.append(run_of(b"a", b"b", b"c", b"d"), 0)
    assert kept.settle([3, 1, 0]) == 3, "an append and two ranges"
    assert list(log.kept) == [2]


def test_settling_nothing_waits_for_nothing() -> None:
    log = FakeLog()
    log.committed_lsn = 7
    assert backlog(QueueOptions(), [], log).settle([]) == 7


def test_a_purge_dead_letters_nothing() -> None:
    log, effects = FakeLog(), list[Effect]()
    kept = backlog(QueueOptions(dead_letter_exchange="dlx"), effects, log)
    kept.append(run_of(b"a", b"b"), 0)
    assert kept.purge() == 2
    assert (effects, log.kept) == ([], {})
