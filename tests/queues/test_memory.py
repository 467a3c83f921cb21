"""How much of its messages a queue may keep in memory."""

import pytest

from queues.memory import MemoryRules
from queues.tail import NodeMemory, QueueMemory


@pytest.mark.parametrize("spills_early", [True, False])
def test_while_the_node_is_short_every_queue_has_a_quarter(spills_early: bool) -> None:
    node = NodeMemory(limit_bytes=100)
    memory = MemoryRules(node, 80).of_queue(spills_early=spills_early)
    memory.add(60)
    before = memory.is_over
    QueueMemory(node).add(41)
    assert (before, memory.is_over) == (False, True)
    assert memory.short_budget_bytes == 20


def test_a_queue_without_a_disk_may_take_all_there_is() -> None:
    memory = MemoryRules(NodeMemory(), 10).of_queue(spills_early=False)
    memory.add(5_000)
    assert not memory.is_over


def test_a_queue_with_a_disk_has_its_budget() -> None:
    memory = MemoryRules(NodeMemory(), 10).of_queue(spills_early=True)
    memory.add(11)
    assert memory.is_over
