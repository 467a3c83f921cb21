"""Views of the cluster, and of a node that is in none."""

from types import SimpleNamespace
from typing import cast

import pytest

from amqp_server.broker.cluster import NotClusteredError
from amqp_server.broker.keepers.shared_room import SharedRoom
from amqp_server.broker.steps import finish
from cluster.definitions.waiting_queues import waiting_queue_name
from tests.support.desk import Desk
from tests.support.fake_cluster import FakeCluster

A, B, C = "rabbit@a", "rabbit@b", "rabbit@c"


def test_a_single_node_has_nothing_to_show() -> None:
    views = Desk().views
    assert views.cluster() is None
    assert (views.cluster_nodes(), views.cluster_links()) == ((), ())
    assert views.mirrored_queue("/", "q") is None
    assert views.mirrored_queues() == ((), None)
    with pytest.raises(NotClusteredError, match="this node is in no cluster"):
        finish(views.harmed_without(A))


def test_what_a_cluster_shows() -> None:
    desk = Desk()
    desk.node.broker.cluster = cluster = FakeCluster(A, B, C)
    cluster.put("q", A, B, C)
    views = desk.views
    whole = views.cluster()
    assert whole is not None
    assert whole.node == A
    assert [node.name for node in views.cluster_nodes()] == [A, B, C]
    assert [link.node for link in views.cluster_links()] == [B, C]
    found = views.mirrored_queue("/", "q")
    assert found is not None
    assert found.members == (A, B, C)
    assert views.mirrored_queues().items == (found,)
    assert finish(views.harmed_without(B)).counts == {}
    cluster.stop(C)
    assert finish(views.harmed_without(B)).counts == {"quorum": 1}


def test_what_waits_behind_an_exchange_is_not_taken_for_a_queue_that_is_called_so() -> None:
    desk = Desk()
    desk.node.broker.cluster = cluster = FakeCluster(A, B, C)
    shown, behind = "(waits for exchange 'x')", waiting_queue_name("x", "n-1")
    cluster.put(shown, C, A)
    assert desk.views.leader_behind("/", "x") == C, "there is no such exchange"
    room = cast("SharedRoom", SimpleNamespace(queue_name=behind))
    desk.node.vhost.keepers._rooms["x"] = room
    cluster.put(behind, B, A)
    assert desk.views.leader_behind("/", "x") == B
    assert desk.views.leader_of("/", shown) == C
    assert desk.views.leader_behind("none", "x") == A


def test_a_queue_is_shown_with_where_it_is() -> None:
    desk = Desk()
    desk.node.open().declare("q")
    alone = desk.views.queue("/", "q")
    assert alone is not None
    assert alone.mirrored is None
    desk.node.broker.cluster = cluster = FakeCluster(A, B)
    cluster.put("q", A, B)
    found = desk.views.queue("/", "q")
    assert found is not None
    assert found.mirrored == cluster.queue("/", "q")
