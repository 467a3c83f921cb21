"""``haremq queues leader``, ``replicas`` and ``promote``."""

import pytest

from tests.support.fake_cluster import FakeCluster
from tests.support.typed_commands import Typed

B, C, D = "rabbit@b", "rabbit@c", "rabbit@d"


@pytest.fixture
def own(typed: Typed) -> str:
    return typed.api.management.services.identity.node


@pytest.fixture
def cluster(typed: Typed, own: str) -> FakeCluster:
    typed("queues", "declare", "q")
    typed.api.broker.cluster = cluster = FakeCluster(own, B, C, D)
    cluster.put("q", own, B, C)
    return cluster


def test_a_leader_moves(typed: Typed, cluster: FakeCluster) -> None:
    assert typed("queue", "leader", "move", "q", C).out == "rabbit@c leads q\n"
    said = typed("queue", "leader", "move", "q", D)
    assert (said.status, "not in the in-sync set" in said.err) == (65, True)


def test_replicas_are_shown_added_and_removed(typed: Typed, cluster: FakeCluster, own: str) -> None:
    assert typed("queue", "replicas", "add", "q", D).status == 0
    rows = typed("queue", "replicas", "show", "q", "-o", "json").json
    assert [(row["node"], row["leads"], row["in_sync"]) for row in rows] == [
        (own, True, True),
        (B, False, True),
        (C, False, True),
        (D, False, False),
    ]
    assert typed("queue", "replicas", "remove", "q", D).status == 64
    assert typed("queue", "replicas", "remove", "q", D, "--yes").status == 0
    typed.api.broker.cluster = None
    assert "is not mirrored" in typed("queue", "replicas", "show", "q").err


def test_a_promotion_says_what_is_lost_before_it_is_accepted(
    typed: Typed, cluster: FakeCluster, own: str
) -> None:
    said = typed("queue", "promote", "q", C, "--accept-data-loss")
    assert (said.status, f"{own} leads the queue" in said.err) == (65, True)
    cluster.stop(own)
    said = typed("queue", "promote", "q", C)
    assert said.status == 64
    assert "is lost for ever" in said.err
    assert "say --accept-data-loss to do it" in said.err
    assert cluster.done == []
    said = typed("queue", "promote", "q", C, "--accept-data-loss")
    assert (said.status, said.out) == (0, "rabbit@c leads q in epoch 2\n")
    assert "is lost for ever" in said.err


def test_a_promotion_says_what_speaks_against_the_replica(
    typed: Typed, cluster: FakeCluster, own: str
) -> None:
    cluster.stop(own)
    cluster.of_promotion = {"is_emptied": True, "end": (0, 0), "members": (own,)}
    said = typed("queue", "promote", "q", C)
    lines = said.err.splitlines()
    assert lines[0] == f"The replica on {C} was emptied, because the disk of {C} is nearly full."
    assert lines[1] == f"{C} has nothing of q: all its messages would be lost."
    assert "is lost for ever" in lines[2]
    assert (said.status, cluster.done) == (64, [])
