"""Metrics of the cluster, which a single node does not have."""

from management.dangers import Census
from management.metrics.cluster import cluster_groups
from management.metrics.family import RABBITMQ
from management.metrics.text import written
from tests.support.fake_cluster import FakeCluster
from tests.support.management_api import Api
from tests.support.scrapes import Scraped, parsed

A, B, C = "rabbit@a", "rabbit@b", "rabbit@c"


def shown(cluster: FakeCluster) -> Scraped:
    census = Census()
    for view in cluster.mirrored.values():
        census.add(view)
    groups = cluster_groups(cluster.view(), cluster.nodes(), cluster.links(), census)
    return parsed("".join(text for group in groups for text in written(group, RABBITMQ)))


def test_a_cluster_with_a_node_that_is_gone() -> None:
    cluster = FakeCluster(A, B, C)
    cluster.put("low", A, B, C)
    cluster.put("lost", C, A)
    cluster.put("well", A, B)
    cluster.stop(C)
    cluster.peers[C] = cluster.peers[C]._replace(lag=9, is_connected=False, heard_ms=None)
    cluster.whole = cluster.whole._replace(elections_count=4, promotions_count=1)
    scraped = shown(cluster)
    value = scraped.value
    assert value("haremq_queues_mirrored") == 3
    assert value("haremq_queues_offline") == 1
    assert value("haremq_queues_at_min_isr") == 2
    assert value("haremq_queues_under_replicated") == 2
    assert value("haremq_leaders") == 2
    assert (value("haremq_elections_total"), value("haremq_promotions_total")) == (4, 1)
    assert (value("haremq_store_heard_seconds"), value("haremq_lease_left_seconds")) == (0.2, 7.5)
    assert value("haremq_frozen") == 0
    assert value("haremq_cluster_nodes") == 3
    assert value("rabbitmq_unreachable_cluster_peers_count") == 1
    assert value("haremq_replication_lag_records", peer=C) == 9
    assert value("haremq_link_connected", peer=C) == 0
    assert len(scraped.values("haremq_link_heard_seconds")) == 1


def test_what_is_not_known_is_not_shown() -> None:
    cluster = FakeCluster(A)
    cluster.whole = cluster.whole._replace(store_heard_ms=None, lease_left_ms=None, frozen="why")
    scraped = shown(cluster)
    assert scraped.values("haremq_store_heard_seconds") == []
    assert scraped.values("haremq_lease_left_seconds") == []
    assert scraped.value("haremq_frozen") == 1


def test_each_endpoint_has_them_in_a_cluster_only(api: Api) -> None:
    for path in ("/metrics", "/metrics/per-object"):
        api.broker.cluster = None
        assert b"haremq_queues_offline" not in api.get(path).body
        api.broker.cluster = FakeCluster(A, B)
        assert b"haremq_queues_offline 0" in api.get(path).body
