"""What handlers ask of the cluster beside its views: all mirrored queues, looked at in slices."""

from amqp_server.broker.views import ClusterView, HarmedQueue, MirroredView
from management.dangers import Census
from management.http.errors import bad_request
from management.node import Node, pages

NO_CLUSTER = "this node is in no cluster"


def require_cluster(node: Node) -> ClusterView:
    """Return the cluster of a node.

    Raises:
        HttpError: 400, it is in none.
    """
    view = node.views.cluster()
    if view is None:
        raise bad_request(NO_CLUSTER)
    return view


async def census_of(node: Node, vhosts: frozenset[str] | None = None) -> Census:
    """Return how the mirrored queues of a cluster are.

    Args:
        node: that knows the cluster.
        vhosts: only queues in these; None is all.
    """
    census = Census()
    for page in pages(node.views.mirrored_queues):
        for view in page:
            if vhosts is None or view.vhost in vhosts:
                census.add(view)
        if node.slices.is_spent():
            await node.slices.pause()
    return census


def listed_of(queue: HarmedQueue | MirroredView) -> dict[str, object]:
    """Return a queue as RabbitMQ's health checks name it."""
    return {
        "name": queue.name,
        "readable_name": f"queue '{queue.name}' in vhost '{queue.vhost}'",
        "virtual_host": queue.vhost,
        "type": queue.kind,
    }
