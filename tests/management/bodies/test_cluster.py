"""Mirrored queues and the cluster as JSON."""

import pytest

from amqp_server.broker.views import ClusterNode, MirroredView, ReplicaView
from management.bodies.cluster import (
    SHOWN_MAX,
    Census,
    danger_body,
    danger_of,
    peer_body,
    places_body,
    recoverable_of,
    single_body,
    state_of,
)
from management.identity import Identity
from tests.support.shape_check import faults

A, B, C = "rabbit@a", "rabbit@b", "rabbit@c"
WELL, GONE, BEHIND = (True, True), (True, False), (False, True)


def view(*states: tuple[bool, bool], kind: str = "quorum", name: str = "q") -> MirroredView:
    replicas = [
        ReplicaView(node, *state, lag=0) for node, state in zip((A, B, C), states, strict=True)
    ]
    return MirroredView("/", name, kind, A, 7, 2, tuple(replicas))


@pytest.mark.parametrize(
    ("states", "danger", "state"),
    [
        ((WELL, WELL, WELL), "well", "running"),
        ((WELL, WELL, BEHIND), "at_min_isr", "running"),
        ((WELL, BEHIND, GONE), "held", "minority"),
        ((GONE, WELL, WELL), "offline", "down"),
        ((GONE, GONE, WELL), "offline", "down"),
    ],
)
def test_the_worst_that_a_queue_is_in(
    states: tuple[tuple[bool, bool], ...], danger: str, state: str
) -> None:
    found = view(*states)
    assert (danger_of(found), state_of(found)) == (danger, state)


def test_a_quorum_queue_has_the_fields_of_rabbitmq_and_ours() -> None:
    body = places_body(view(WELL, GONE, BEHIND))
    assert (body["leader"], body["members"], body["online"]) == (A, [A, B, C], [A, C])
    assert (body["epoch"], body["min_isr"], body["in_sync"]) == (7, 2, [A, B])
    assert body["replicas"][2] == {"node": C, "in_sync": False, "online": True, "lag": 0}
    assert "slave_nodes" not in body
    assert places_body(view(GONE, WELL, WELL))["leader"] == ""


def test_a_classic_queue_has_mirrors() -> None:
    found = view(WELL, WELL, BEHIND, kind="classic")
    body = places_body(found)
    assert (body["slave_nodes"], body["synchronised_slave_nodes"]) == ([B, C], [B])
    assert not {"leader", "members", "online"} & body.keys()
    assert recoverable_of(found) == [B]
    gone = view(WELL, GONE, BEHIND, kind="classic")
    assert places_body(gone)["synchronised_slave_nodes"] == []
    assert recoverable_of(gone) == [B]


def test_a_census_counts_dangers_and_keeps_the_worst_first() -> None:
    census = Census()
    for name, states in (
        ("a", (WELL, WELL, WELL)),
        ("b", (WELL, WELL, BEHIND)),
        ("c", (GONE, WELL, WELL)),
    ):
        census.add(view(*states, name=name))
    assert census.body() == {
        "mirrored": 3,
        "offline": 1,
        "held": 0,
        "at_min_isr": 2,
        "under_replicated": 2,
    }
    assert census.leaders == {A: 2}
    assert [each.name for each in census.worst()] == ["c", "b"]
    assert list(faults("queue_in_danger", danger_body(census.worst()[0]))) == []


def test_a_census_keeps_no_more_than_is_shown() -> None:
    census = Census()
    for number in range(2 * SHOWN_MAX):
        census.add(view(WELL, WELL, BEHIND, name=f"q{number}"))
    assert len(census.worst()) == SHOWN_MAX
    assert census.counts["under_replicated"] == 2 * SHOWN_MAX


def test_another_node_and_a_single_one_are_in_shape() -> None:
    body = peer_body(ClusterNode(B, False, "draining", version="1.2"))
    assert list(faults("node", body)) == []
    assert (body["running"], body["being_drained"]) == (False, True)
    assert list(faults("node", peer_body(ClusterNode(B, True)))) == []
    alone = single_body("c", Identity(A, "c", "3.13.7", "HareMQ", "1"))
    assert list(faults("cluster", alone)) == []
