"""Which messages of a long queue leave memory."""

from collections.abc import Sequence

import pytest

from persistence.record import Record, memory_bytes
from queues.classic.priority_ready import PriorityReady
from queues.classic.ready import Ready
from queues.classic.spilling import make_room
from queues.memory import MemoryRules
from queues.tail import NodeMemory, QueueMemory
from tests.support.queue_log import FakeLog
from tests.support.records import record, run_of

MESSAGE_BYTES = memory_bytes(run_of(b"0000"))


def numbered(first: int, stop: int) -> list[Record]:
    return run_of(*[b"%04d" % number for number in range(first, stop)])


def filled(ready: Ready | PriorityReady, log: FakeLog, runs: Sequence[list[Record]]) -> None:
    for run in runs:
        log.append(ready.append(run), run)


def budget(messages: int) -> QueueMemory:
    return MemoryRules(NodeMemory(), messages * MESSAGE_BYTES).of_queue(spills_early=True)


def drained(ready: Ready | PriorityReady) -> list[int]:
    found: list[int] = []
    while (batch := ready.take(100, 1)) is not None:
        found += [int(one.body) for one in batch.records]
    return found


def test_a_long_queue_keeps_a_quarter_of_its_budget_at_either_end() -> None:
    ready, log = Ready(budget(40)), FakeLog()
    filled(ready, log, [numbered(0, 41)])
    assert ready.is_over
    assert make_room(ready, log)
    assert log.stored() == list(range(10, 31))
    assert (ready.count, ready.memory.used_bytes) == (41, 20 * MESSAGE_BYTES)
    ready.check_invariants()
    assert drained(ready) == list(range(41))


def test_what_comes_later_is_spilled_when_the_budget_is_used_up_again() -> None:
    ready, log = Ready(budget(40)), FakeLog()
    for first in range(0, 400, 8):
        filled(ready, log, [numbered(first, first + 8)])
        if ready.is_over:
            assert make_room(ready, log)
        assert ready.memory.used_bytes <= 40 * MESSAGE_BYTES
    assert drained(ready) == list(range(400))


def test_of_priorities_the_lowest_is_spilled_first() -> None:
    ready, log = PriorityReady(2, budget(40)), FakeLog(2)
    runs = [[record(b"%04d" % number, priority=number % 2)] for number in range(60)]
    filled(ready, log, runs)
    ready.check_invariants()
    assert make_room(ready, log)
    assert (len(log.stored(0)), len(log.stored(1))) == (20, 20)
    assert ready.memory.used_bytes == 20 * MESSAGE_BYTES
    ready.check_invariants()
    assert drained(ready) == [*range(1, 60, 2), *range(0, 60, 2)]
    assert (ready.count, ready.body_bytes) == (0, 0)


def test_no_room_is_made_where_the_disk_refuses() -> None:
    ready, log = Ready(budget(40)), FakeLog()
    log.is_full = True
    filled(ready, log, [numbered(0, 50)])
    assert not make_room(ready, log)
    assert ready.memory.used_bytes == 50 * MESSAGE_BYTES
    assert drained(ready) == list(range(50))


@pytest.mark.parametrize("spills_early", [True, False])
def test_while_the_node_is_short_every_queue_has_a_quarter(spills_early: bool) -> None:
    node = NodeMemory(limit_bytes=100 * MESSAGE_BYTES)
    memory = MemoryRules(node, 80 * MESSAGE_BYTES).of_queue(spills_early=spills_early)
    ready, log = Ready(memory), FakeLog()
    filled(ready, log, [numbered(0, 60)])
    before = ready.is_over
    QueueMemory(node).add(41 * MESSAGE_BYTES)
    assert (before, ready.is_over) == (False, True)
    assert make_room(ready, log)
    assert memory.used_bytes == 10 * MESSAGE_BYTES
