"""Commands on the cluster: what they refuse, and that they wait for its answer."""

from collections.abc import Iterator
from typing import Any

import pytest

from amqp_server.broker.admin import Answer
from amqp_server.broker.cluster import NotClusteredError, Promotion, StoreAwayError
from amqp_server.broker.commands.cluster import loss_text, promotion_warnings
from amqp_server.broker.errors import BrokerError, NotFoundError, PreconditionFailedError
from tests.support.desk import Desk
from tests.support.fake_cluster import FakeCluster

A, B, C, D = "rabbit@a", "rabbit@b", "rabbit@c", "rabbit@d"
Q = {"vhost": "/", "name": "q"}


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def cluster(desk: Desk) -> FakeCluster:
    cluster = FakeCluster(A, B, C, D)
    cluster.put("q", A, B, C)
    desk.node.broker.cluster = cluster
    return cluster


def all_commands() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in ("move_leader", "add_replica", "remove_replica", "ask_promotion", "promote"):
        yield name, {**Q, "node": B}
    for name in ("drain_node", "undrain_node", "forget_node"):
        yield name, {"node": B}
    yield "rebalance_queues", {"kind": "", "vhost_pattern": "", "queue_pattern": ""}
    yield "finalize_feature_level", {}


@pytest.mark.parametrize(("name", "given"), list(all_commands()))
def test_a_node_in_no_cluster_says_so(desk: Desk, name: str, given: dict[str, Any]) -> None:
    with pytest.raises(NotClusteredError, match="this node is in no cluster"):
        desk.do(name, **given)


@pytest.mark.parametrize(
    ("name", "given", "done"),
    [
        ("move_leader", {**Q, "node": B}, ("move_leader", "/", "q", B)),
        ("move_leader", {**Q, "node": ""}, ("move_leader", "/", "q", B)),
        ("add_replica", {**Q, "node": D}, ("add_replica", "/", "q", D)),
        ("remove_replica", {**Q, "node": C}, ("remove_replica", "/", "q", C)),
        ("drain_node", {"node": B}, ("drain", B)),
        ("undrain_node", {"node": B}, ("undrain", B)),
        ("finalize_feature_level", {}, ("finalize",)),
        (
            "rebalance_queues",
            {"kind": "quorum", "vhost_pattern": "^/$", "queue_pattern": "q"},
            ("rebalance", "quorum", "^/$", "q"),
        ),
    ],
)
def test_what_is_carried_out(
    desk: Desk, cluster: FakeCluster, name: str, given: dict[str, Any], done: tuple[str, ...]
) -> None:
    desk.do(name, **given)
    assert cluster.done == [done]


@pytest.mark.parametrize(
    ("name", "given", "error", "text"),
    [
        ("move_leader", {**Q, "node": D}, PreconditionFailedError, "not in the in-sync set"),
        ("move_leader", {"vhost": "/", "name": "x", "node": A}, NotFoundError, "not mirrored"),
        ("add_replica", {**Q, "node": B}, PreconditionFailedError, "has a replica"),
        ("add_replica", {**Q, "node": "nobody"}, NotFoundError, "no node nobody"),
        ("remove_replica", {**Q, "node": D}, NotFoundError, "no replica"),
        ("promote", {**Q, "node": B}, PreconditionFailedError, "rabbit@a leads the queue"),
        ("promote", {**Q, "node": D}, NotFoundError, "no replica"),
        ("ask_promotion", {**Q, "node": D}, NotFoundError, "no replica"),
        ("drain_node", {"node": "nobody"}, NotFoundError, "no node"),
        ("undrain_node", {"node": "nobody"}, NotFoundError, "no node"),
        ("forget_node", {"node": B}, PreconditionFailedError, "drain it and stop it first"),
        (
            "rebalance_queues",
            {"kind": "", "vhost_pattern": "", "queue_pattern": "("},
            PreconditionFailedError,
            r"\(: ",
        ),
    ],
)
def test_what_is_refused(
    desk: Desk,
    cluster: FakeCluster,
    name: str,
    given: dict[str, Any],
    error: type[BrokerError],
    text: str,
) -> None:
    with pytest.raises(error, match=text):
        desk.do(name, **given)
    assert cluster.done == []


def test_the_last_replica_stays(desk: Desk, cluster: FakeCluster) -> None:
    cluster.put("q", A)
    with pytest.raises(PreconditionFailedError, match="delete the queue instead"):
        desk.do("remove_replica", **Q, node=A)


def test_a_queue_keeps_enough_members(desk: Desk, cluster: FakeCluster) -> None:
    desk.do("remove_replica", **Q, node=C)
    with pytest.raises(PreconditionFailedError, match="fewer than 2 members"):
        desk.do("remove_replica", **Q, node=B)


def test_a_node_that_is_gone_is_forgotten(desk: Desk, cluster: FakeCluster) -> None:
    cluster.stop(C)
    desk.do("forget_node", node=C)
    assert cluster.done == [("forget", C)]


def test_a_promotion_of_a_queue_without_a_leader(desk: Desk, cluster: FakeCluster) -> None:
    cluster.stop(A)
    assert desk.do("ask_promotion", **Q, node=C).members == (A, B, C)
    assert cluster.done == [], "asking changes nothing"
    assert desk.do("promote", **Q, node=C) == 2
    view = cluster.queue("/", "q")
    assert view is not None
    assert (view.leader, view.is_clean, view.members) == (C, False, (C,))


def test_a_command_waits_for_the_cluster_and_holds_no_turn(
    desk: Desk, cluster: FakeCluster
) -> None:
    cluster.is_slow = True
    came: list[Answer] = []
    desk.admin.begin("drain_node", {"node": B}, came.append)
    desk.node.end_turns()
    assert (came, desk.node.broker.turn.waiting_count) == ([], 0)
    cluster.answer_all()
    desk.node.end_turns()
    assert [(each.error, each.is_safe) for each in came] == [(None, True)]


def test_a_store_that_is_away_is_an_error_of_the_command(desk: Desk, cluster: FakeCluster) -> None:
    cluster.is_away = True
    came: list[Answer] = []
    desk.admin.begin("drain_node", {"node": B}, came.append)
    desk.node.end_turns()
    assert [type(each.error) for each in came] == [StoreAwayError]
    assert cluster.done == []


def test_what_would_be_lost_is_said() -> None:
    asked = Promotion(C, (1_204, 7), (A, B))
    text = loss_text("orders", asked)
    assert f"{C} is not in the in-sync set of orders, which is {A}, {B}." in text
    assert "up to 1,204, the last of epoch 7" in text
    assert "lost for ever, and nobody can say how much" in text
    assert f"If {A}, {B} still runs and is only cut off" in text
    guarded = loss_text("orders", asked._replace(lease_guard=True, end=None))
    assert "cut off" not in guarded
    assert f"How much {C} has is not known." in guarded


def test_what_speaks_against_a_replica_is_said() -> None:
    asked = Promotion(C, (1_204, 7), (A, B))
    assert promotion_warnings("orders", asked) == []
    (damaged,) = promotion_warnings("orders", asked._replace(is_damaged=True))
    assert "some of its messages cannot be read" in damaged
    emptied, empty = promotion_warnings("orders", asked._replace(is_emptied=True, end=(0, 0)))
    assert f"was emptied, because the disk of {C} is nearly full" in emptied
    assert empty == f"{C} has nothing of orders: all its messages would be lost."
    (behind,) = promotion_warnings("orders", asked._replace(ahead=(D, B)))
    assert behind == f"{C} is behind {D}, {B}: less is lost where {D} leads."
    (silent,) = promotion_warnings("orders", asked._replace(silent=(D,)))
    assert f"What {D} has is not known" in silent
    (disk,) = promotion_warnings("orders", asked._replace(members=(A, C)))
    assert disk == f"{C} runs on another disk than the one that was in sync."


def test_a_damaged_leader_that_goes_on_alone_loses_only_what_it_cannot_read() -> None:
    asked = Promotion(A, (1_204, 7), (A, B), is_damaged=True, leads=True)
    text = loss_text("orders", asked)
    assert text.startswith(f"{A} leads orders and cannot read all that it has")
    assert f"which is {A}, {B}, runs with its disk" in text
    assert promotion_warnings("orders", asked) == []
    (away,) = promotion_warnings("orders", asked._replace(silent=(B,)))
    assert away == f"What {B} has is not known, and may be more: start it first, and ask again."
