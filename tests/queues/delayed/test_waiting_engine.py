"""The engine in which messages wait: what it does, and all that it does not."""

import pytest

from queues.commits import SAFE_NOW
from queues.delayed.waiting_engine import WAITING, AtOnceLog, WaitingEngine
from queues.errors import ExclusiveUseError
from queues.options import QueueOptions
from queues.ports import EngineParts, QueueEngine
from tests.support.committed_log import FakeCommittedLog
from tests.support.consumer import FakeConsumer
from tests.support.records import run_of

NOW_MS = 1_000

_: type[QueueEngine] = WaitingEngine


def parts(log: object, woken: list[int]) -> EngineParts:  # type: ignore[type-arg]
    wake = lambda: woken.append(1)  # noqa: E731
    return EngineParts("x", QueueOptions(), log, lambda _: None, wake, NOW_MS)


def test_a_message_is_due_its_ttl_after_it_came() -> None:
    log, woken = FakeCommittedLog(), list[int]()
    engine = WaitingEngine(parts(log, woken))
    (record,) = run_of(b"1")
    outcome = engine.publish([record._replace(ttl_ms=50)], NOW_MS)
    assert outcome.safe_at.lsn == log.lsn
    assert engine.only_appends([record], NOW_MS)
    assert not engine.refuses([record])
    log.commit()
    assert len(woken) == 2
    engine.waiting.enter()
    assert (engine.ready_count, engine.counts().ready_count) == (1, 1)
    assert engine.waiting.step(NOW_MS + 49) is None
    due = engine.waiting.step(NOW_MS + 50)
    assert due is not None
    again = WAITING.make_mirrored(parts(log, woken))
    again.recover(log.found(), NOW_MS)
    assert again.ready_count == 1


def test_one_that_is_not_durable_keeps_it_in_memory() -> None:
    engine = WAITING.make_engine(parts(None, []))
    assert isinstance(engine, WaitingEngine)
    assert isinstance(engine.log, AtOnceLog)
    (record,) = run_of(b"1")
    assert engine.publish([record._replace(ttl_ms=1)], NOW_MS).safe_at == SAFE_NOW
    engine.waiting.enter()
    engine.waiting.step(NOW_MS + 1)
    assert engine.waiting.step(NOW_MS + 1) is not None


def test_nobody_is_served() -> None:
    engine = WaitingEngine(parts(FakeCommittedLog(), []))
    consumer = FakeConsumer("c")
    with pytest.raises(ExclusiveUseError):
        engine.consume(consumer, NOW_MS)
    engine.cancel(consumer, NOW_MS)
    engine.credit_regained(consumer)
    engine.lane_opened(consumer.lane)
    assert not engine.serves(consumer.lane)
    assert not engine.drain(NOW_MS, 9)
    assert engine.get(NOW_MS) is None
    assert engine.purge().purged_count == 0
    assert engine.settle(range(1), 0) == 0
    engine.reject([], NOW_MS)
    engine.requeue([], NOW_MS)
    engine.begin_refill()
    engine.end_refill()
    assert not engine.must_drain_before(consumer)
    assert engine.moves.count == 0
    assert (engine.consumer_count, engine.delivered_below) == (0, 0)
    assert engine.state().active_consumer is None
    assert engine.look(None).place is None
    assert engine.passing_by(3).left_count == 3
    engine.touch(NOW_MS)
    engine.expire(NOW_MS)
    assert engine.next_deadline_ms() is None
    options = QueueOptions(max_length=3)
    engine.reconfigure(options, NOW_MS)
    assert engine.options is options


def test_a_deleted_one_wakes_nobody() -> None:
    log, woken = FakeCommittedLog(), list[int]()
    engine = WaitingEngine(parts(log, woken))
    engine.publish(run_of(b"1"), NOW_MS)
    engine.delete()
    woken.clear()
    log.commit()
    assert not woken
    assert engine.waiting.memory.used_bytes == 0
