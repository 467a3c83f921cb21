"""Asking for all mirrored queues, and for a cluster that there may not be."""

import asyncio

import pytest

from amqp_server.broker.views import HarmedQueue
from management.clustered import census_of, listed_of, require_cluster
from management.http.errors import HttpError
from tests.support.fake_cluster import FakeCluster
from tests.support.management_api import Api

A, B, C = "rabbit@a", "rabbit@b", "rabbit@c"


def test_a_node_in_no_cluster_is_refused(api: Api) -> None:
    node = api.management.services.node
    with pytest.raises(HttpError, match="400 bad_request this node is in no cluster"):
        require_cluster(node)
    api.broker.cluster = FakeCluster(A)
    assert require_cluster(node).node == A


def test_all_queues_are_counted_or_those_of_some_vhosts(api: Api) -> None:
    api.broker.cluster = cluster = FakeCluster(A, B, C)
    for number in range(120):
        cluster.put(f"q{number}", A, B, C, vhost="/" if number % 2 else "other")
    cluster.stop(B)
    node = api.management.services.node
    assert asyncio.run(census_of(node)).counts["under_replicated"] == 120
    assert asyncio.run(census_of(node, frozenset({"/"}))).mirrored == 60


def test_a_queue_in_a_health_check() -> None:
    queue = HarmedQueue("v", "q", "quorum", is_offline=False, left_count=1, min_isr=2)
    assert listed_of(queue) == {
        "name": "q",
        "readable_name": "queue 'q' in vhost 'v'",
        "virtual_host": "v",
        "type": "quorum",
    }
