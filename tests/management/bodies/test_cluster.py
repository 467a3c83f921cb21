"""Mirrored queues and the cluster as JSON."""

from amqp_server.broker.views import ClusterNode, MirroredView, ReplicaView
from management.bodies.cluster import (
    danger_body,
    peer_body,
    places_body,
    recoverable_of,
    single_body,
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


def test_a_quorum_queue_has_the_fields_of_rabbitmq_and_ours() -> None:
    body = places_body(view(WELL, GONE, BEHIND))
    assert (body["leader"], body["members"], body["online"]) == (A, [A, B, C], [A, C])
    assert (body["epoch"], body["min_isr"], body["in_sync"]) == (7, 2, [A, B])
    well = {"lag": 0, "other_disk": False, "damaged": False}
    assert body["replicas"][2] == {"node": C, "in_sync": False, "online": True, **well}
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


def test_another_node_and_a_single_one_are_in_shape() -> None:
    body = peer_body(ClusterNode(B, False, "draining", version="1.2"))
    assert list(faults("node", body)) == []
    assert (body["running"], body["being_drained"]) == (False, True)
    assert list(faults("node", peer_body(ClusterNode(B, True)))) == []
    alone = single_body("c", Identity(A, "c", "3.13.7", "HareMQ", "1"))
    assert list(faults("cluster", alone)) == []


def test_a_queue_in_danger_is_in_shape() -> None:
    body = danger_body(view(GONE, WELL, WELL))
    assert list(faults("queue_in_danger", body)) == []
    assert (body["danger"], body["state"], body["leader"]) == ("offline", "down", "")
