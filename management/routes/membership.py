"""The cluster and its members: ``cluster``, and nodes that go and come."""

from typing import Final

from management.bodies.cluster import cluster_body, danger_body, single_body
from management.call import Call
from management.clustered import census_of, require_cluster
from management.http.body import text_of
from management.http.errors import not_found
from management.http.response import Response, answer, empty
from management.listing import Rows, listed
from management.routing.route import Handler, Right, Route


async def cluster(call: Call) -> Response:
    """Return the cluster as this node sees it."""
    views, services = call.node.views, call.services
    view, name = views.cluster(), services.cluster_name()
    if view is None:
        return call.answer(single_body(name, services.identity))
    census = await census_of(call.node)
    nodes, links = views.cluster_nodes(), views.cluster_links()
    return call.answer(cluster_body(name, view, nodes, links, census))


async def queues_in_danger(call: Call) -> Response:
    """Return the mirrored queues that are not as safe as they should be, the worst first."""
    census = await census_of(call.node, frozenset(call.enterable_vhosts()))
    return await listed(call, Rows(iter(census.worst()), danger_body, lambda view: view.name))


async def drain(call: Call) -> Response:
    """Have a node lead nothing."""
    require_cluster(call.node)
    await call.node.command("drain_node", node=call.names["node"])
    return empty()


async def undrain(call: Call) -> Response:
    """Have a node lead queues again."""
    require_cluster(call.node)
    await call.node.command("undrain_node", node=call.names["node"])
    return empty()


async def forget(call: Call) -> Response:
    """Take a node out of the cluster."""
    require_cluster(call.node)
    await call.node.command("forget_node", node=call.names["node"])
    return empty()


async def upgrade_check(call: Call) -> Response:
    """Return which queues would suffer if a node stopped now."""
    require_cluster(call.node)
    views, name = call.node.views, call.names["node"]
    if all(node.name != name for node in views.cluster_nodes()):
        raise not_found()
    harm = await call.node.slices.finish(views.harmed_without(name))
    count = sum(harm.counts.values())
    return answer(
        {
            "node": name,
            "safe": count == 0,
            "count": count,
            "queues": [
                {
                    "name": queue.name,
                    "vhost": queue.vhost,
                    "type": queue.kind,
                    "harm": "offline" if queue.is_offline else "held",
                    "left": queue.left_count,
                    "min_isr": queue.min_isr,
                }
                for queue in harm.queues
            ],
        }
    )


async def rebalance(call: Call) -> Response:
    """Spread the leaders of queues over the nodes; a single node has nothing to spread."""
    if call.node.views.cluster() is None:
        return empty()
    await call.node.command("rebalance_queues", **_selection(call.body()))
    return empty()


async def rebalance_counted(call: Call) -> Response:
    """Do the same, and say how many leaders will move."""
    require_cluster(call.node)
    moves = await call.node.command("rebalance_queues", **_selection(call.body()))
    return answer({"moves": moves})


def _selection(body: dict[str, object]) -> dict[str, str]:
    """Return which queues are meant; nothing is all."""
    kind = text_of(body, "type", "")
    return {
        "kind": "" if kind == "all" else kind,
        "vhost_pattern": text_of(body, "vhost_pattern", ""),
        "queue_pattern": text_of(body, "queue_pattern", ""),
    }


async def finalize(call: Call) -> Response:
    """Have all nodes write what all of them can read; there is no way back."""
    require_cluster(call.node)
    return answer({"feature_level": await call.node.command("finalize_feature_level")})


def _command(
    method: str, path: str, handler: Handler, summary: str, body: str = "", answer_shape: str = ""
) -> Route:
    return Route(
        method=method,
        path=path,
        right=Right.ADMINISTRATOR,
        handler=handler,
        summary=summary,
        body=body,
        answer=answer_shape,
        extension=path != "rebalance/queues",
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="cluster",
        right=Right.MONITORING,
        handler=cluster,
        summary="The cluster: its nodes, its store, and how many queues are in danger.",
        answer="cluster",
        extension=True,
    ),
    Route(
        method="GET",
        path="cluster/queues",
        right=Right.MONITORING,
        handler=queues_in_danger,
        summary="Queues with fewer mirrors than they should have, worst first: at most 500.",
        answer="queue_in_danger",
        is_list=True,
        extension=True,
    ),
    _command(
        "POST",
        "cluster/feature-level",
        finalize,
        "Write what all nodes can read from now on: older versions cannot come back.",
        answer_shape="feature_level",
    ),
    _command(
        "POST",
        "cluster/rebalance",
        rebalance_counted,
        "Spread leaders of queues over the nodes, and say how many will move.",
        "wanted_rebalance",
        "moves",
    ),
    _command(
        "POST",
        "rebalance/queues",
        rebalance,
        "Spread leaders of queues over the nodes; a single node has all of them.",
        "wanted_rebalance",
    ),
    _command("PUT", "nodes/{node}/drain", drain, "Have a node lead nothing: it will stop."),
    _command("PUT", "nodes/{node}/undrain", undrain, "Have a node lead queues again."),
    _command(
        "DELETE", "nodes/{node}", forget, "Take a node that is gone for ever out of the cluster."
    ),
    Route(
        method="GET",
        path="nodes/{node}/upgrade-check",
        right=Right.MONITORING,
        handler=upgrade_check,
        summary="Which queues would stop if a node did, for an upgrade.",
        answer="harm",
        extension=True,
    ),
)
