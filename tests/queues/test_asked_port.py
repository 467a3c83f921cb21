"""Only an engine that may be led on another node is asked; all others answer at once."""

from cluster.fronts.front_queue import FrontQueue
from cluster.fronts.limits import FrontNode
from cluster.replication.publishers import Front
from queues.asked_port import as_asked
from queues.classic.queue import ClassicQueue
from queues.options import QueueOptions
from queues.ports import EngineParts
from tests.support.queue_log import FakeLog


def test_a_front_half_is_asked() -> None:
    front = FrontQueue("q", QueueOptions(), FrontNode(Front("x", 7)), lambda: None)
    assert as_asked(front) is front


def test_a_queue_of_this_node_alone_is_not() -> None:
    parts = EngineParts("q", QueueOptions(), FakeLog(), lambda _: None, lambda: None, 1_000)
    assert as_asked(ClassicQueue(parts)) is None
