"""Which node has a queue that is not mirrored: a transient one is where it was declared."""

from cluster.node.node import ClusterNode


def owner_of(node: ClusterNode, vhost: str, name: str) -> str | None:
    """Return the node whose lease a transient queue hangs on; None where it is durable, or local.

    An empty name is a node that does not live any more.
    """
    cache, keys = node.follower.cache, node.keys
    item = cache.get(keys.queue_definition(vhost, name))
    if item is None or not item.lease:
        return None
    for other in node.live_nodes():
        live = cache.get(keys.key("live", other))
        if live is not None and live.lease == item.lease:
            return other
    return ""
