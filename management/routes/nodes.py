"""The nodes of the cluster: ``nodes``, and the memory and the loop of the one that answers."""

from typing import Any, Final

from amqp_server.broker.views import ClusterNode
from management.bodies.cluster import membership_body, peer_body
from management.bodies.loop_lag import loop_lag_body
from management.bodies.node import memory_body, node_body, relative_memory_body
from management.bodies.stats import with_details
from management.call import Call
from management.http.errors import UNAVAILABLE, HttpError, bad_request, not_found
from management.http.request import whole_number
from management.http.response import Response
from management.listing import Rows, listed
from management.lists.ranges import Ranges, ranges_of
from management.peer_rows import NODE, PeerRow
from management.routing.route import AnsweredBy, Right, Route
from management.samples import series

MS_PER_S: Final = 1_000
LAG_AGE_MAX_S: Final = 3_600
"""The hour that is kept."""


async def nodes(call: Call) -> Response:
    """Return the nodes of the cluster."""
    body = body_of_node(call, ranges_of(call.request.query))
    told = {row.name: row for row in await call.services.told.things(NODE, lambda _: True)}
    others = [_other_body(each, told.get(each.name)) for each in _others(call)]
    bodies = sorted([body, *others], key=lambda node: str(node["name"]))
    return await listed(call, Rows(iter(bodies), lambda node: node, lambda node: node["name"]))


async def node(call: Call) -> Response:
    """Return a node; with ``memory=true`` also where its memory is, if it is this one."""
    for other in _others(call):
        if other.name == call.names["node"]:
            return call.answer(peer_body(other))
    _check(call)
    query = call.request.query
    body = body_of_node(call, ranges_of(query))
    if query.is_true("memory"):
        body["memory"] = memory_body(*await _memory(call))
    if query.is_true("binary"):
        body["binary"] = {}
    return call.answer(body)


def _other_body(node: ClusterNode, told: PeerRow | None) -> dict[str, Any]:
    body = peer_body(node)
    return body if told is None else body | told.body() | {"numbers_known": True}


def body_of_node(call: Call, ranges: Ranges) -> dict[str, Any]:
    """Return this node."""
    name = call.services.identity.node
    if call.request.query.is_true("disable_stats"):
        return {"name": name, "type": "disc", "running": True}
    view, sampler = call.node.views.node(), call.services.sampler
    body = node_body(view, call.services.identity, call.services.rates_mode)
    numbers = sampler.node_itself
    now = series.of_node(view)
    for each in call.node.views.cluster_nodes():
        if each.name == name:
            body |= membership_body(each)
    return body | with_details(numbers, series.NODE_SERIES, sampler.looks, ranges.node_stats, now)


def _others(call: Call) -> list[ClusterNode]:
    """Return the other members of the cluster."""
    own = call.services.identity.node
    return [node for node in call.node.views.cluster_nodes() if node.name != own]


async def memory(call: Call) -> Response:
    """Return where the memory of a node is."""
    _check(call)
    return call.answer({"memory": memory_body(*await _memory(call))})


async def relative_memory(call: Call) -> Response:
    """Return the same in hundredths."""
    _check(call)
    return call.answer({"memory": relative_memory_body(*await _memory(call))})


async def tables(call: Call) -> Response:
    """Return nothing: tables of Erlang."""
    _check(call)
    return call.answer({"ets_tables_memory": "no_tables"})


async def loop_lag(call: Call) -> Response:
    """Return how late the event loop was: in the last ``age`` seconds, or since the start."""
    _check(call)
    text = call.request.query.get("age")
    age_s = whole_number(text) if text else None
    if text and (age_s is None or not 0 < age_s <= LAG_AGE_MAX_S):
        raise bad_request(f"age: expected 1 to {LAG_AGE_MAX_S}")
    view = call.node.views.loop_lag(None if age_s is None else age_s * MS_PER_S)
    if view is None:
        raise HttpError(UNAVAILABLE, "service_unavailable", "nobody measures the loop")
    return call.answer(loop_lag_body(view, call.services.identity.node))


async def _memory(call: Call) -> tuple[int, int, int]:
    """Return what the node takes, and of it messages and what management keeps, in bytes."""
    used = call.node.views.node().resources
    totals = await call.node.slices.finish(call.node.views.totals())
    kept_bytes = call.services.queue_texts.size_bytes
    return 0 if used is None else used.memory_bytes, totals.queues.memory_bytes, kept_bytes


def _check(call: Call) -> None:
    """Refuse another node.

    Raises:
        HttpError: 404.
    """
    if call.names["node"] != call.services.identity.node:
        raise not_found()


def _route(path: str, handler: Any, summary: str, answer: str) -> Route:  # noqa: ANN401
    return Route(
        method="GET",
        path=path,
        right=Right.MONITORING,
        handler=handler,
        summary=summary,
        answer=answer,
        is_list=path == "nodes",
        answered_by=AnsweredBy.THIS_NODE if path == "nodes" else AnsweredBy.NAMED_NODE,
    )


ROUTES: Final = (
    _route("nodes", nodes, "The nodes of the cluster.", "node"),
    _route("nodes/{node}", node, "A node.", "node"),
    _route("nodes/{node}/memory", memory, "Where the memory of a node is.", "memory"),
    _route(
        "nodes/{node}/memory/relative",
        relative_memory,
        "Where the memory of a node is, in hundredths.",
        "memory",
    ),
    Route(
        method="GET",
        path="nodes/{node}/loop-lag",
        right=Right.MONITORING,
        handler=loop_lag,
        summary="How late the event loop was, as a histogram; age is in seconds, else all of it.",
        answer="loop_lag",
        extension=True,
        answered_by=AnsweredBy.NAMED_NODE,
    ),
    _route("nodes/{node}/memory/ets", tables, "Tables of Erlang: none.", "tables"),
    _route("nodes/{node}/memory/ets/relative", tables, "Tables of Erlang: none.", "tables"),
    _route("nodes/{node}/memory/ets/{filter}", tables, "Tables of Erlang: none.", "tables"),
)
