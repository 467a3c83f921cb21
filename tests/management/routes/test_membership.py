"""The cluster over HTTP: its members, what is in danger, and nodes that go and come."""

import pytest

from management.identity import Identity
from tests.support.fake_cluster import FakeCluster
from tests.support.management_api import Api
from tests.support.shape_check import faults


def identity(api: Api) -> Identity:
    return api.management.services.identity


@pytest.fixture
def cluster(api: Api) -> FakeCluster:
    api.broker.cluster = cluster = FakeCluster(identity(api).node, "rabbit@b", "rabbit@c")
    return cluster


def test_a_single_node_is_its_own_cluster(api: Api) -> None:
    body = api.get("cluster").json
    assert list(faults("cluster", body)) == []
    assert body["clustered"] is False
    assert api.get("cluster/queues").json == []
    assert [node["name"] for node in api.get("nodes").json] == [identity(api).node]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "nodes/x/drain"),
        ("PUT", "nodes/x/undrain"),
        ("DELETE", "nodes/x"),
        ("GET", "nodes/x/upgrade-check"),
        ("POST", "cluster/rebalance"),
        ("POST", "cluster/feature-level"),
    ],
)
def test_a_single_node_says_that_it_is_one(api: Api, method: str, path: str) -> None:
    reply = api.call(method, path)
    assert reply.status == 400
    assert reply.json == {"error": "bad_request", "reason": "this node is in no cluster"}


def test_the_cluster_as_a_whole(api: Api, cluster: FakeCluster) -> None:
    own = identity(api).node
    cluster.put("q", own, "rabbit@b", "rabbit@c")
    cluster.stop("rabbit@c", gone_ms=4_000)
    cluster.peers["rabbit@b"] = cluster.peers["rabbit@b"]._replace(lag=17)
    body = api.get("cluster").json
    assert list(faults("cluster", body)) == []
    assert (body["controller"], body["store_heard_ms"], body["lease_left_ms"]) == (own, 200, 7_500)
    assert body["queues"]["at_min_isr"] == 1
    by_name = {node["name"]: node for node in body["nodes"]}
    assert (by_name[own]["leaders"], by_name[own]["lag"]) == (1, None)
    assert by_name["rabbit@b"]["lag"] == 17
    assert (by_name["rabbit@c"]["running"], by_name["rabbit@c"]["gone_ms"]) == (False, 4_000)


def test_all_nodes_are_listed(api: Api, cluster: FakeCluster) -> None:
    cluster.stop("rabbit@c")
    own = identity(api).node
    rows = api.get("nodes").json
    assert sorted(row["name"] for row in rows) == [row["name"] for row in rows]
    for row in rows:
        assert list(faults("node", row)) == []
        assert ("numbers_known" in row) == (row["name"] != own)
    running = {row["name"]: row["running"] for row in rows}
    assert running == {own: True, "rabbit@b": True, "rabbit@c": False}
    other = api.get("nodes/rabbit@b").json
    assert (other["zone"], other["cluster_state"]) == ("z1", "active")
    assert api.get("nodes/rabbit@b/memory").status == 404
    assert api.get("nodes/nobody").status == 404


def test_queues_in_danger_are_those_of_the_vhosts_of_the_user(
    api: Api, cluster: FakeCluster
) -> None:
    own = identity(api).node
    cluster.put("low", own, "rabbit@b", "rabbit@c")
    cluster.put("none", "rabbit@c", "rabbit@b")
    cluster.put("well", own, "rabbit@b")
    cluster.put("hidden", own, "rabbit@c", vhost="other")
    cluster.stop("rabbit@c")
    rows = api.get("cluster/queues").json
    assert [(row["name"], row["danger"]) for row in rows] == [
        ("none", "offline"),
        ("low", "at_min_isr"),
    ]
    assert api.get("cluster/queues?page=1&page_size=1").json["total_count"] == 2


def test_what_waits_behind_an_exchange_is_among_the_queues_in_danger(
    api: Api, cluster: FakeCluster
) -> None:
    shown = "(waits for exchange 'late')"
    cluster.put(shown, "rabbit@c", "rabbit@b")
    cluster.change(shown, exchange="late")
    cluster.stop("rabbit@c")
    (row,) = api.get("cluster/queues").json
    assert list(faults("queue_in_danger", row)) == []
    assert (row["name"], row["exchange"], row["danger"]) == (shown, "late", "offline")


def test_a_node_is_drained_and_back(api: Api, cluster: FakeCluster) -> None:
    own = identity(api).node
    assert api.put(f"nodes/{own}/drain").status == 204
    assert api.get(f"nodes/{own}").json["being_drained"] is True
    for check in ("is-in-service", "ready-to-serve-clients"):
        assert api.get(f"health/checks/{check}", user=None).status == 503
    assert api.put(f"nodes/{own}/undrain").status == 204
    assert api.get("health/checks/is-in-service").status == 200
    assert api.put("nodes/nobody/drain").status == 404


def test_a_node_that_runs_is_not_forgotten(api: Api, cluster: FakeCluster) -> None:
    refused = api.delete("nodes/rabbit@c")
    assert (refused.status, refused.json["reason"]) == (
        400,
        "rabbit@c runs: drain it and stop it first",
    )
    cluster.stop("rabbit@c")
    assert api.delete("nodes/rabbit@c").status == 204
    assert "rabbit@c" not in [row["name"] for row in api.get("nodes").json]


def test_what_an_upgrade_would_stop(api: Api, cluster: FakeCluster) -> None:
    own = identity(api).node
    cluster.put("q", own, "rabbit@b", "rabbit@c")
    cluster.put("lone", "rabbit@b", kind="classic")
    body = api.get("nodes/rabbit@b/upgrade-check").json
    assert list(faults("harm", body)) == []
    assert (body["safe"], body["count"]) == (False, 1)
    assert body["queues"][0]["name"] == "lone"
    assert body["queues"][0]["harm"] == "offline"
    assert api.get(f"nodes/{own}/upgrade-check").json["safe"] is True
    assert api.get("nodes/nobody/upgrade-check").status == 404


def test_leaders_are_spread(api: Api, cluster: FakeCluster) -> None:
    cluster.put("a", "rabbit@b")
    cluster.put("b", "rabbit@b", kind="classic")
    assert api.post("rebalance/queues").status == 204
    reply = api.post("cluster/rebalance", {"type": "quorum", "queue_pattern": "^a"})
    assert reply.json == {"moves": 1}
    assert cluster.done == [("rebalance", "", "", ""), ("rebalance", "quorum", "", "^a")]
    assert api.post("cluster/rebalance", {"queue_pattern": "("}).status == 400


def test_the_feature_level_is_raised(api: Api, cluster: FakeCluster) -> None:
    cluster.whole = cluster.whole._replace(feature_level_next=3)
    assert api.post("cluster/feature-level").json == {"feature_level": 3}


def test_a_store_that_is_away_is_503(api: Api, cluster: FakeCluster) -> None:
    cluster.is_away = True
    reply = api.put("nodes/rabbit@b/drain")
    assert reply.status == 503
    assert reply.json["reason"] == "the metadata store does not answer"


def test_who_monitors_sees_and_only_an_administrator_acts(api: Api, cluster: FakeCluster) -> None:
    api.add_user("watcher", "monitoring")
    assert api.get("cluster", user="watcher").status == 200
    assert api.put("nodes/rabbit@b/drain", user="watcher").status == 401
