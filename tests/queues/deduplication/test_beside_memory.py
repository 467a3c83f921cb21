"""What is kept beside the messages of a queue is counted, and takes none of their room."""

from queues.deduplication.beside_memory import BesideMemory
from queues.tail import NodeMemory, QueueMemory


def test_it_counts_with_the_queue_and_the_node() -> None:
    node = NodeMemory(10)
    queue = QueueMemory(node, 100, 25)
    beside = BesideMemory(queue)
    beside.add(1_000)
    assert (beside.used_bytes, queue.used_bytes, node.used_bytes) == (1_000, 1_000, 1_000)
    assert beside.node is node
    beside.add(-400)
    assert (beside.used_bytes, queue.used_bytes, node.used_bytes) == (600, 600, 600)


def test_the_budget_of_the_queue_is_for_its_messages() -> None:
    queue = QueueMemory(NodeMemory(10), 100, 25)
    BesideMemory(queue).add(1_000)
    queue.add(25)
    assert not queue.is_over
    queue.add(1)
    assert queue.is_over, "the node is short"


def test_what_is_taken_off_with_the_queue_is_off() -> None:
    node = NodeMemory()
    queue = QueueMemory(node)
    BesideMemory(queue).add(7)
    queue.add(-queue.used_bytes)
    assert node.used_bytes == 0
