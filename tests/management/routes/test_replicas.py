"""Leaders and replicas of queues over HTTP."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.fake_cluster import FakeCluster
from tests.support.management_api import Api
from tests.support.shape_check import faults

B, C, D = "rabbit@b", "rabbit@c", "rabbit@d"


@pytest.fixture
def own(api: Api) -> str:
    return api.management.services.identity.node


@pytest.fixture
def cluster(api: Api, own: str) -> FakeCluster:
    peer = api.node.open()
    peer.declare("q")
    api.broker.cluster = cluster = FakeCluster(own, B, C, D)
    cluster.put("q", own, B, C)
    return cluster


COMMANDS = [
    ("POST", "queues/%2F/q/leader", {}),
    ("PUT", f"queues/%2F/q/replicas/{D}", None),
    ("DELETE", f"queues/%2F/q/replicas/{C}", None),
    ("GET", f"queues/%2F/q/promotion/{C}", None),
    ("POST", f"queues/%2F/q/promotion/{C}", {"accept_data_loss": True}),
    ("POST", "queues/quorum/%2F/q/replicas/add", {"node": D}),
    ("DELETE", "queues/quorum/%2F/q/replicas/delete", {"node": C}),
]


@pytest.mark.parametrize(("method", "path", "body"), COMMANDS)
def test_a_single_node_says_that_it_is_one(
    api: Api, method: str, path: str, body: dict[str, Any] | None
) -> None:
    api.node.open().declare("q")
    reply = api.call(method, path, body=body)
    assert (reply.status, reply.json["reason"]) == (400, "this node is in no cluster")


@pytest.mark.parametrize(("method", "path", "body"), COMMANDS)
def test_a_queue_that_there_is_not(
    api: Api, cluster: FakeCluster, method: str, path: str, body: dict[str, Any] | None
) -> None:
    assert api.call(method, path.replace("/q/", "/none/"), body=body).status == 404


def test_a_queue_shows_where_it_is(api: Api, cluster: FakeCluster, own: str) -> None:
    cluster.put("q", B, own, kind="classic")
    body = api.get("queues/%2F/q").json
    assert list(faults("queue", body)) == []
    assert (body["node"], body["slave_nodes"], body["recoverable_slaves"]) == (B, [own], [own])
    cluster.stop(B)
    (row,) = api.get("queues").json
    assert row["state"] == "down"
    assert api.get("queues?disable_stats=true").json[0]["epoch"] == 1


def test_a_text_that_was_kept_follows_the_cluster(api: Api, cluster: FakeCluster) -> None:
    api.look()
    api.look()
    assert api.get("queues").json[0]["epoch"] == 1
    cluster.change("q", epoch=2)
    assert api.get("queues").json[0]["epoch"] == 2


def test_replicas_are_shown_also_of_what_waits_behind_an_exchange(
    api: Api, cluster: FakeCluster, own: str
) -> None:
    body = api.get("queues/%2F/q/replicas").json
    assert list(faults("replicas", body)) == []
    assert (body["leader"], [each["node"] for each in body["replicas"]]) == (own, [own, B, C])
    behind = "(waits for exchange 'late')"
    cluster.put(behind, B, C)
    path = f"queues/%2F/{quote(behind, safe='')}"
    assert api.get(f"{path}/replicas").json["leader"] == B
    assert api.post(f"{path}/leader", {"node": C}).json == {"leader": C}
    assert api.get(f"{path}/promotion/{B}").json["possible"] is False
    assert api.get("queues/%2F/none/replicas").status == 404
    api.node.open().declare("alone")
    assert api.get("queues/%2F/alone/replicas").json == {"leader": "", "replicas": []}


def test_a_leader_moves(api: Api, cluster: FakeCluster) -> None:
    assert api.post("queues/%2F/q/leader", {"node": C}).json == {"leader": C}
    assert api.post("queues/%2F/q/leader", {"node": D}).status == 400
    assert api.post("queues/%2F/q/leader").json["leader"] != C


def test_replicas_come_and_go(api: Api, cluster: FakeCluster) -> None:
    assert api.put(f"queues/%2F/q/replicas/{D}").status == 201
    assert api.put(f"queues/%2F/q/replicas/{D}").status == 400
    assert api.delete(f"queues/%2F/q/replicas/{D}").status == 204
    assert api.delete(f"queues/%2F/q/replicas/{D}").status == 404
    assert api.put("queues/%2F/q/replicas/nobody").status == 404


def test_members_as_rabbitmq_asks_for_them(api: Api, cluster: FakeCluster) -> None:
    assert api.post("queues/quorum/%2F/q/replicas/add", {"node": D}).status == 204
    reply = api.call("DELETE", "queues/quorum/%2F/q/replicas/delete", body={"node": D})
    assert reply.status == 204
    for body, reason in (
        ({}, "[{key_missing,node}]"),
        ({"node": "none@nowhere"}, "Node is not a cluster member"),
    ):
        reply = api.post("queues/quorum/%2F/q/replicas/add", body)
        assert (reply.status, reply.json["reason"]) == (400, reason)


def test_a_promotion_says_first_what_is_lost(api: Api, cluster: FakeCluster, own: str) -> None:
    asked = api.get(f"queues/%2F/q/promotion/{C}").json
    assert list(faults("promotion", asked)) == []
    assert (asked["possible"], asked["refusal"]) == (False, f"{own} leads the queue")
    cluster.stop(own)
    asked = api.get(f"queues/%2F/q/promotion/{C}").json
    assert asked["possible"] is True
    assert "is lost for ever" in asked["loss"]
    for body in (None, {}, {"accept_data_loss": False}):
        reply = api.post(f"queues/%2F/q/promotion/{C}", body)
        assert reply.status == 400
        assert "is lost for ever" in reply.json["reason"]
        assert reply.json["reason"].endswith("accept_data_loss: true if this is accepted.")
    assert cluster.done == []
    done = api.post(f"queues/%2F/q/promotion/{C}", {"accept_data_loss": True})
    assert done.json == {"epoch": 2}
    assert api.get("queues/%2F/q").json["clean"] is False


def test_a_promotion_says_what_speaks_against_the_replica(
    api: Api, cluster: FakeCluster, own: str
) -> None:
    cluster.stop(own)
    cluster.of_promotion = {"is_damaged": True, "ahead": (B,), "silent": (D,), "members": (own,)}
    asked = api.get(f"queues/%2F/q/promotion/{C}").json
    assert list(faults("promotion", asked)) == []
    assert (asked["damaged"], asked["emptied"]) == (True, False)
    assert (asked["ahead"], asked["silent"]) == ([B], [D])
    assert [each.split(":")[0] for each in asked["warnings"]] == [
        f"What {D} has is not known, and may be more",
        f"The replica on {C} is damaged",
        f"{C} is behind {B}",
    ]
    reason = api.post(f"queues/%2F/q/promotion/{C}").json["reason"]
    assert reason.startswith(f"What {D} has is not known")
    assert "is lost for ever" in reason


def test_an_owner_of_a_queue_does_not_act(api: Api, cluster: FakeCluster) -> None:
    api.add_user("owner", "management")
    assert api.post("queues/%2F/q/leader", {}, user="owner").status == 401
