"""Which node has a queue that is not mirrored, by the lease of its definition."""

from typing import Any

from amqp_server.clustering.owners import owner_of
from cluster.metadata.port import Item
from tests.support.cluster_views import KEYS


class _Follower:
    def __init__(self) -> None:
        self.cache: dict[bytes, Item] = {}


class _Node:
    keys = KEYS

    def __init__(self) -> None:
        self.follower = _Follower()
        self.live = {"a": 7, "b": 8}
        for name, lease in self.live.items():
            self.put(KEYS.key("live", name), lease)

    def put(self, key: bytes, lease: int) -> None:
        self.follower.cache[key] = Item(key, b"", 1, 1, lease)

    def live_nodes(self) -> dict[str, int]:
        return self.live


def test_a_transient_queue_is_on_the_node_whose_lease_it_has() -> None:
    node: Any = _Node()
    node.put(KEYS.queue_definition("v", "durable"), 0)
    node.put(KEYS.queue_definition("v", "transient"), 8)
    assert owner_of(node, "v", "transient") == "b"
    assert owner_of(node, "v", "durable") is None
    assert owner_of(node, "v", "local") is None
    del node.live["b"]
    assert owner_of(node, "v", "transient") == ""
