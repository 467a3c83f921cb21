"""The journal: what is taken down, under which LSN, and the ids of queues."""

import pytest

from amqp_server.broker.definitions.definition import GlobalParameterDefinition, QueueDefinition
from amqp_server.broker.definitions.journal import NO_JOURNAL, QUEUE_IDS_PER_CHANGE, StoredJournal
from amqp_server.broker.errors import PreconditionFailedError
from queues.commits import SAFE_NOW, CommitPoint
from tests.support.stored_broker import FakeChangeLog

QUEUE = QueueDefinition("q", "/", durable=True, auto_delete=False, arguments={}, queue_id=3)


def test_what_is_saved_is_there_until_it_is_forgotten() -> None:
    changes = FakeChangeLog(is_committed=False)
    journal = StoredJournal(changes)
    assert journal.safe_at is SAFE_NOW
    assert journal.save(QUEUE) == journal.safe_at.lsn == 1
    assert list(changes.items()) == [("queue", "/", "q")]
    assert journal.forget(QUEUE) == journal.safe_at.lsn == 2
    assert changes.items() == {}


def test_what_is_committed_need_not_be_waited_for() -> None:
    journal = StoredJournal(FakeChangeLog())
    assert journal.save(QUEUE) == 1
    assert journal.safe_at is SAFE_NOW


def test_a_muted_journal_takes_nothing_down() -> None:
    changes = FakeChangeLog()
    journal = StoredJournal(changes)
    journal.save(QUEUE)
    with journal.muted():
        assert journal.forget(QUEUE) == 1
        assert journal.save(GlobalParameterDefinition("n", 1)) == 1
    assert list(changes.items()) == [("queue", "/", "q")]
    assert journal.forget(QUEUE) == 2


def test_ids_are_taken_down_before_they_are_given_and_many_at_a_time() -> None:
    changes = FakeChangeLog(is_committed=False)
    journal = StoredJournal(changes)
    ids = [journal.new_queue_id() for _ in range(QUEUE_IDS_PER_CHANGE)]
    assert ids == list(range(1, QUEUE_IDS_PER_CHANGE + 1))
    assert changes.last_lsn == 1
    assert journal.new_queue_id() == QUEUE_IDS_PER_CHANGE + 1
    assert journal.safe_at == CommitPoint(changes, 2)


def test_ids_that_may_have_been_given_are_skipped() -> None:
    changes = FakeChangeLog()
    journal = StoredJournal(changes)
    journal.skip_queue_ids(5_000)
    journal.skip_queue_ids(17)
    assert journal.new_queue_id() == 5_000
    assert changes.items() == {("queue ids",): b'{"v":1,"end":6024}'}


def test_what_is_too_large_to_be_stored_is_refused_and_not_taken_down() -> None:
    changes = FakeChangeLog()
    journal = StoredJournal(changes)
    with pytest.raises(PreconditionFailedError, match="expected a definition of at most"):
        journal.save(GlobalParameterDefinition("n" * 70_000, 1))
    assert journal.safe_at is SAFE_NOW
    assert changes.last_lsn == 0


def test_no_journal_keeps_nothing_and_gives_no_ids() -> None:
    assert NO_JOURNAL.save(QUEUE) == NO_JOURNAL.forget(QUEUE) == 0
    assert NO_JOURNAL.safe_at is SAFE_NOW
    assert NO_JOURNAL.new_queue_id() == 0
