"""``haremq cluster`` and ``haremq nodes``."""

import pytest

from tests.support.fake_cluster import FakeCluster
from tests.support.typed_commands import Typed

B, C = "rabbit@b", "rabbit@c"


@pytest.fixture
def own(typed: Typed) -> str:
    return typed.api.management.services.identity.node


@pytest.fixture
def cluster(typed: Typed, own: str) -> FakeCluster:
    typed("queues", "declare", "q")
    typed.api.broker.cluster = cluster = FakeCluster(own, B, C)
    cluster.put("q", own, B, C)
    return cluster


def test_a_single_node_says_that_it_is_one(typed: Typed) -> None:
    assert typed("cluster", "status", "-o", "json").json["clustered"] is False
    for words in (
        ("cluster", "rebalance"),
        ("cluster", "upgrade-check"),
        ("cluster", "finalize", "--yes"),
        ("nodes", "list"),
        ("nodes", "drain", "x"),
        ("nodes", "undrain", "x"),
        ("nodes", "forget", "x", "--yes"),
    ):
        said = typed(*words)
        assert (said.status, "this node is in no cluster" in said.err) == (65, True), words


def test_the_status_of_a_cluster(typed: Typed, cluster: FakeCluster) -> None:
    cluster.stop(C)
    cluster.peers[B] = cluster.peers[B]._replace(lag=12)
    shown = typed("cluster", "status").out
    (gone,) = (line for line in shown.splitlines() if line.startswith("node rabbit@c "))
    assert gone.endswith("is gone, active, leads 0, zone z2")
    assert "12 records behind" in shown
    found = typed("cluster", "status", "-o", "json").json
    assert found["queues"]["at_min_isr"] == 1
    (row,) = typed("cluster", "in-danger", "-o", "json").json
    assert (row["name"], row["danger"]) == ("q", "at_min_isr")
    assert len(typed("node", "list", "-o", "json").json) == 3


def test_leaders_are_spread(typed: Typed, cluster: FakeCluster) -> None:
    said = typed("cluster", "rebalance", "--type", "quorum", "--queue-pattern", "^q")
    assert said.out == "1 leaders move\n"
    assert cluster.done == [("rebalance", "quorum", "", "^q")]
    assert typed("cluster", "rebalance", "--queue-pattern", "(").status == 65


def test_an_upgrade_is_checked(typed: Typed, cluster: FakeCluster, own: str) -> None:
    said = typed("cluster", "upgrade-check")
    assert said.status == 0
    assert "the feature level is 1, all nodes can read 1" in said.err
    cluster.stop(C)
    said = typed("cluster", "upgrade-check", B)
    assert (said.status, "1 queues need rabbit@b" in said.err) == (69, True)
    assert "held" in said.out


def test_the_feature_level_is_raised_after_a_question(typed: Typed, cluster: FakeCluster) -> None:
    cluster.whole = cluster.whole._replace(feature_level_next=2)
    assert typed("cluster", "finalize", typed="n").status == 1
    assert cluster.done == []
    assert typed("cluster", "finalize", "--yes").out == "the feature level is 2\n"


def test_a_node_is_drained_until_it_leads_nothing(
    typed: Typed, cluster: FakeCluster, own: str
) -> None:
    def move(_nap_s: float) -> None:
        cluster.change("q", leader=B)

    typed.naps = Naps(move)
    said = typed("node", "drain", own)
    assert (said.status, said.out) == (0, f"{own} is drained\n")
    assert cluster.done == [("drain", own)]
    assert typed("node", "undrain", own).status == 0


def test_a_drain_that_does_not_end(typed: Typed, cluster: FakeCluster, own: str) -> None:
    said = typed("node", "drain", own, "--wait", "3")
    assert (said.status, "still leads 1 queues" in said.err) == (75, True)
    assert typed("node", "drain", own, "--no-wait").out == f"{own} drains\n"
    assert typed("node", "drain", "nobody").status == 65


def test_a_node_is_forgotten_after_a_question(typed: Typed, cluster: FakeCluster) -> None:
    cluster.stop(C)
    assert typed("node", "forget", C).status == 64
    assert typed("node", "forget", C, "--yes").status == 0
    assert "runs: drain it" in typed("node", "forget", B, "--yes").err


class Naps(list[float]):
    """Naps during which something happens."""

    def __init__(self, happens: object) -> None:
        super().__init__()
        self._happens = happens

    def append(self, nap_s: float) -> None:
        """Nap."""
        super().append(nap_s)
        assert callable(self._happens)
        self._happens(nap_s)
