"""What front halves of a node share."""

from cluster.fronts.limits import FrontNode
from cluster.replication.publishers import Front


def test_numbers_of_a_queue_that_is_gone_are_forgotten() -> None:
    node = FrontNode(Front("a", 1))
    node.last_numbers["q"] = 7
    for _ in range(2):
        node.forget("q")
    assert node.last_numbers == {}
