"""What RabbitMQ's tools say and do of a cluster."""

import pytest

from tests.support.fake_cluster import FakeCluster
from tests.support.typed_commands import Tool, Typed

B, C, D = "rabbit@b", "rabbit@c", "rabbit@d"


@pytest.fixture
def own(typed: Typed) -> str:
    return typed.api.management.services.identity.node


@pytest.fixture
def cluster(typed: Typed, own: str) -> FakeCluster:
    typed("queues", "declare", "q", "--type", "quorum")
    typed("queues", "declare", "m")
    typed.api.broker.cluster = cluster = FakeCluster(own, B, C, D)
    cluster.put("q", own, B, C)
    cluster.put("m", B, own, kind="classic")
    return cluster


@pytest.mark.parametrize("line", ["grow x all", "shrink x", "add_member q x", "delete_member q x"])
def test_a_single_node_has_one_replica(tool: Tool, line: str) -> None:
    said = tool(f"rabbitmq-queues {line}")
    assert (said.status, "HareMQ has one node" in said.err) == (64, True)


def test_a_single_node_is_drained_for_nobody(tool: Tool) -> None:
    assert tool("rabbitmq-upgrade drain").status == 0
    assert tool("rabbitmq-upgrade revive").status == 0


def test_cluster_status_has_all_nodes(tool: Tool, cluster: FakeCluster, own: str) -> None:
    cluster.stop(C)
    cluster.drain(B)
    found = tool("rabbitmqctl cluster_status --formatter json").json
    assert found["disk_nodes"] == sorted([own, B, C, D])
    assert found["running_nodes"] == sorted([own, B, D])
    assert found["maintenance_status"][B] == "marked for maintenance"
    assert (
        "Node: rabbit@b, status: marked for maintenance" in tool("rabbitmqctl cluster_status").out
    )


def test_queues_have_leaders_members_and_mirrors(
    tool: Tool, cluster: FakeCluster, own: str
) -> None:
    rows = tool("rabbitmqctl list_queues name leader members slave_pids --formatter json").json
    by_name = {row["name"]: row for row in rows}
    assert by_name["q"]["leader"] == own
    assert by_name["q"]["members"] == [own, B, C]
    assert (by_name["m"]["slave_pids"], by_name["q"]["slave_pids"]) == ([own], "")
    [leader, *others] = tool("rabbitmq-queues quorum_status q --formatter json").json
    assert (leader["Node Name"], leader["Raft State"]) == (own, "leader")
    assert {row["Raft State"] for row in others} == {"follower"}
    cluster.stop(B)
    found = tool("rabbitmq-queues quorum_status q --formatter json").json
    assert [row["Raft State"] for row in found] == ["leader", "noproc", "follower"]


def test_leaders_are_balanced_and_counted(tool: Tool, cluster: FakeCluster, own: str) -> None:
    rows = tool("rabbitmq-queues rebalance quorum --queue-pattern ^q --formatter json").json
    assert cluster.done == [("rebalance", "quorum", "", "^q")]
    by_name = {row["Node name"]: row for row in rows}
    assert by_name[own]["Number of quorum queues"] == 1
    assert by_name[B]["Number of replicated classic queues"] == 1


def test_members_come_and_go(tool: Tool, cluster: FakeCluster) -> None:
    assert tool(f"rabbitmq-queues add_member q {D}").status == 0
    assert tool(f"rabbitmq-queues delete_member q {D}").status == 0
    (row,) = tool(f"rabbitmq-queues grow {D} all --formatter json").json
    assert (row["name"], row["size"], row["result"]) == ("q", 4, "ok")
    assert tool(f"rabbitmq-queues grow {D} all --formatter json").json == []
    (row,) = tool(f"rabbitmq-queues shrink {D} --formatter json").json
    assert (row["size"], row["result"]) == (3, "ok")
    assert tool(f"rabbitmq-queues grow {D} even --formatter json").json == []
    assert tool(f"rabbitmq-queues grow {D} odd").status == 64
    assert tool(f"rabbitmq-queues grow {D} all --queue-pattern (").status == 64


def test_what_is_refused_of_one_queue_ends_no_other(
    tool: Tool, cluster: FakeCluster, own: str
) -> None:
    cluster.put("q", own, B, min_isr=2)
    (row,) = tool(f"rabbitmq-queues shrink {B} --errors-only --formatter json").json
    assert (row["size"], row["result"].startswith("error: fewer than 2")) == (2, True)


def test_a_node_that_is_needed_is_critical(tool: Tool, cluster: FakeCluster) -> None:
    check = "rabbitmq-queues check_if_node_is_quorum_critical"
    assert tool(check).status == 0
    assert tool("rabbitmq-queues check_if_node_is_mirror_sync_critical").status == 0
    cluster.stop(B)
    said = tool(check)
    assert (said.status, "lose their quorum" in said.err) == (69, True)


def test_an_upgrade_waits_until_the_node_may_stop(
    tool: Tool, typed: Typed, cluster: FakeCluster
) -> None:
    assert tool("rabbitmq-upgrade await_online_quorum_plus_one").status == 0
    assert tool("rabbitmq-upgrade await_online_synchronized_mirror").status == 0
    cluster.stop(B)
    said = tool("rabbitmq-upgrade await_online_quorum_plus_one -t 3")
    assert (said.status, len(typed.naps)) == (75, 3)


def test_a_node_is_drained_revived_and_forgotten(
    tool: Tool, cluster: FakeCluster, own: str
) -> None:
    assert tool("rabbitmq-upgrade drain").status == 0
    assert tool("rabbitmqctl await_startup -t 2").status == 0, "it is up all the same"
    assert tool("rabbitmq-upgrade revive").status == 0
    cluster.stop(C)
    assert tool(f"rabbitmqctl forget_cluster_node {C}").status == 0
    assert cluster.done == [("drain", own), ("undrain", own), ("forget", C)]
    assert tool(f"rabbitmqctl forget_cluster_node {C} --offline").status == 64
