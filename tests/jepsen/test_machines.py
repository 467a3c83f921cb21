"""Where the suite learns who leads a queue."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.metadata.keys import KeySpace
from cluster.metadata.records import StoredQueueState, encode_queue_state
from cluster.replication.state import QueueOptions, QueueState
from load_generator.verifying.loopback import Loopback
from tests.jepsen import haremq_nodes
from tests.jepsen.haremq_nodes import CLUSTER, ClusterNodes
from tests.support.scripted_etcd import etcd_that_says


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ClusterNodes]:
    made = ClusterNodes(tmp_path, 3, 1, Loopback)
    yield made
    made.close()


def test_the_store_says_who_leads(cluster: ClusterNodes, monkeypatch: pytest.MonkeyPatch) -> None:
    state = QueueState("n2", 7, 3, frozenset())
    stored = encode_queue_state(StoredQueueState("id", state, QueueOptions(("n1", "n2", "n3"), 2)))
    key = KeySpace(CLUSTER).queue_state("/", "orders")
    with etcd_that_says(cluster.address("e1"), {key: stored}) as port:
        monkeypatch.setattr(haremq_nodes, "ETCD_PORT", port)
        assert cluster.leader_of("orders") == "n2"
        assert cluster.leader_of("others") is None
    assert cluster.leader_of("orders") is None
