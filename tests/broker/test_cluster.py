"""What the port says of a queue: where it is, and how safe."""

import pytest

from amqp_server.broker.cluster import MirroredView, ReplicaView
from tests.support.fake_cluster import FakeCluster

A, B, C = "rabbit@a", "rabbit@b", "rabbit@c"


def view(*replicas: ReplicaView, leader: str = A, min_isr: int = 2) -> MirroredView:
    return MirroredView("/", "q", "quorum", leader, 3, min_isr, replicas)


WELL, GONE, BEHIND = (True, True), (True, False), (False, True)


@pytest.mark.parametrize(
    ("states", "offline", "held", "under", "at_min"),
    [
        ((WELL, WELL, WELL), False, False, False, False),
        ((WELL, WELL, GONE), False, False, True, True),
        ((WELL, WELL, BEHIND), False, False, True, True),
        ((WELL, GONE, GONE), False, True, True, False),
        ((GONE, WELL, WELL), True, False, True, True),
        ((GONE, GONE, BEHIND), True, True, True, False),
    ],
)
def test_how_safe_a_queue_of_three_is(
    states: tuple[tuple[bool, bool], ...], offline: bool, held: bool, under: bool, at_min: bool
) -> None:
    names = (A, B, C)
    replicas = [ReplicaView(name, *state) for name, state in zip(names, states, strict=True)]
    found = view(*replicas)
    said = (found.is_offline, found.is_held, found.is_under_replicated, found.is_at_min_isr)
    assert said == (offline, held, under, at_min)


def test_a_queue_that_was_made_for_so_few_is_not_short_of_any() -> None:
    found = view(ReplicaView(A, *WELL), ReplicaView(B, *WELL), min_isr=2)
    assert (found.is_under_replicated, found.is_at_min_isr) == (False, False)


def test_a_queue_without_a_leader_is_offline() -> None:
    assert view(ReplicaView(A, *WELL), leader="").is_offline


def test_queues_come_in_pages() -> None:
    cluster = FakeCluster(A, B, C)
    for number in range(5):
        cluster.put(f"q{number}", A, B)
    first = cluster.queues(None, 3)
    assert [each.name for each in first.items] == ["q0", "q1", "q2"]
    last = cluster.queues(first.cursor, 3)
    assert ([each.name for each in last.items], last.cursor) == (["q3", "q4"], None)
