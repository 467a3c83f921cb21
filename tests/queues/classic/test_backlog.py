"""The backlog: whatever leaves undelivered is settled, and dead-lettered where there is a DLX."""

from unittest.mock import patch

import pytest

from queues.classic.backlog import DROPPED_PER_CALL_MAX, Backlog
from queues.effects import DeadLettered, DeathReason, DroppedAtLimit, Effect
from queues.moves import MOVES_WAITING_MAX, Dying
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
    assert effects == [DeadLettered("jobs", 2)]
    dying = kept.moves.take(10)
    assert dying == Dying(range(2), [run[0], run[1]], DeathReason.MAXLEN, "dlx", None)
    assert list(log.kept) == [0, 1, 2], "nothing is settled before it was moved"
    kept.moved(dying)
    assert list(log.kept) == [2]


def test_without_a_dead_letter_exchange_it_is_just_gone() -> None:
    log, effects = FakeLog(), list[Effect]()
    kept = backlog(QueueOptions(), effects, log)
    kept.append(run_of(b"a"), 5)
    assert kept.drop_expired(5, 10) == 1
    assert (effects, log.kept, kept.ready.count) == ([], {}, 0)


def test_no_more_are_dropped_than_may_wait_to_be_moved() -> None:
    kept = backlog(QueueOptions(dead_letter_exchange="dlx"), [], FakeLog())
    kept.append(run_of(b"x") * (MOVES_WAITING_MAX + 5), 5)
    assert kept.drop_expired(5, 100_000) == MOVES_WAITING_MAX
    assert (kept.drop_expired(5, 100_000), kept.deadline_ms) == (0, None)
    dying = kept.moves.take(3)
    assert dying is not None
    kept.moved(dying)
    assert kept.may_drop_more
    assert kept.drop_expired(5, 100_000) == 3


def test_what_a_publish_brought_is_dropped_however_many_wait() -> None:
    effects: list[Effect] = []
    kept = backlog(QueueOptions(max_length=0, dead_letter_exchange="dlx"), effects, FakeLog())
    kept.append(run_of(b"x") * (MOVES_WAITING_MAX + 5), 0)
    kept.drop_excess()
    assert (kept.ready.count, kept.is_over) == (5, True)
    kept.append(run_of(b"x") * 2, 0)
    kept.drop_excess(2)
    assert (kept.ready.count, kept.is_over) == (5, True)
    assert effects[-1] == DeadLettered("jobs", 2, is_prompt=True)


def test_one_call_drops_a_limited_number_of_messages() -> None:
    kept = backlog(QueueOptions(max_length=1), [], FakeLog())
    kept.append(run_of(b"x") * (2 * DROPPED_PER_CALL_MAX), 0)
    kept.drop_excess()
    assert (kept.ready.count, kept.is_over) == (DROPPED_PER_CALL_MAX, True)
    kept.drop_excess()
    assert (kept.ready.count, kept.is_over) == (1, False)


def test_a_delivery_limit_without_a_dead_letter_exchange_says_what_it_drops() -> None:
    log, effects = FakeLog(), list[Effect]()
    kept = backlog(QueueOptions(delivery_limit=1), effects, log)
    run = run_of(b"a", b"b")
    kept.append(run, 0)
    kept.die(range(2), run, DeathReason.DELIVERY_LIMIT)
    assert effects == [DroppedAtLimit("jobs", 2)]
    assert log.kept == {}


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
    told = [log.is_fsynced]
    for durability in (Durability.FSYNC, Durability.OS):
        kept.reconfigure(QueueOptions(durability=durability))
        told.append(log.is_fsynced)
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


def test_a_settlement_is_safe_with_all_of_it() -> None:
    """Of what was never stored, the log says that nobody need wait."""
    log = FakeLog()
    kept = backlog(QueueOptions(), [], log)
    kept.append(run_of(b"a", b"b", b"c"), 0)
    lsns = [2, 0]
    with patch.object(FakeLog, "settle", lambda *_given, **_more: lsns.pop(0)):
        assert kept.settle([0, 2]) == 2


def test_a_purge_dead_letters_nothing() -> None:
    log, effects = FakeLog(), list[Effect]()
    kept = backlog(QueueOptions(dead_letter_exchange="dlx"), effects, log)
    kept.append(run_of(b"a", b"b"), 0)
    assert kept.purge().purged_count == 2
    assert (effects, log.kept) == ([], {})
