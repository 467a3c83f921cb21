"""What there is in a vhost and which ways messages may go, in one answer: ``topology``.

The answer is sent while it is made. Of more queues than it may have, the busiest are told, with
what leads to them.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final, TypeAlias

from amqp_server.broker.views import PublishesView
from management.bodies.topology import (
    BoundEdge,
    Edge,
    consumer_id,
    consumer_node,
    dead_letter_edge,
    exchange_id,
    exchange_node,
    publish_edge,
    publisher_id,
    publisher_node,
    queue_id,
    queue_node,
)
from management.call import Call
from management.http.errors import not_found
from management.http.json_text import dumped
from management.http.response import Response
from management.listing import in_pieces
from management.node import pages
from management.routing.route import Right, Route
from management.samples.details import rate_of
from management.vhost_commands import things

QUEUES_USUAL: Final = 1_000
QUEUES_MAX: Final = 20_000
EXCHANGES_MAX: Final = 5_000
CONSUMERS_MAX: Final = 20_000
PUBLISHES_MAX: Final = 20_000
EDGES_MAX: Final = 50_000
"""Nodes and edges of an answer; what is left out is counted."""

_THROUGH: Final = (2, 3, 4, 5, 6)
"""Places of the sampled numbers of a queue that say how busy it is: in, and out."""


async def topology(call: Call) -> Response:
    """Return a vhost as nodes and edges."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    queues_max = min(call.request.query.number("queues_max", QUEUES_USUAL), QUEUES_MAX)
    picture = _Picture(call, await _busiest(call, queues_max))
    return Response(200, in_pieces(picture.parts(), call.node.slices))


async def _busiest(call: Call, queues_max: int) -> set[str] | None:
    """Return the names of the queues that are told; None is all of them."""
    view = call.node.views.vhost(call.vhost)
    if view is None or view.queue_count <= queues_max:
        return None
    sampler, slices = call.services.sampler, call.node.slices
    kept: list[tuple[float, int, str]] = []
    for page in pages(partial(call.node.views.queue_counts, call.vhost)):
        for name, counts in page:
            rate = rate_of(sampler.queues.get((call.vhost, name)), _THROUGH, sampler.looks)
            weight = (rate, counts.ready_count + counts.unacked_count, name)
            if len(kept) < queues_max:
                heapq.heappush(kept, weight)
            elif kept and kept[0] < weight:
                heapq.heapreplace(kept, weight)
        if slices.is_spent():
            await slices.pause()
    return {name for _, _, name in kept}


_Body: TypeAlias = Mapping[str, Any] | None
"""A node or an edge; None is one that is not told, so that the slice may end behind it."""


class _Picture:
    """The answer, part by part.

    Args:
        call: the request.
        queues: names of those that are told; None is all.
    """

    def __init__(self, call: Call, queues: set[str] | None) -> None:
        self._call = call
        self._views = call.node.views
        self._vhost = call.vhost
        self._queues = queues
        self._nodes: set[str] = set()
        self._edges: list[Edge] = []
        self._publishes: list[PublishesView] = []
        self._left_out = {"exchanges": 0, "queues": 0, "consumers": 0, "edges": 0, "publishers": 0}

    def parts(self) -> Iterator[bytes]:
        """Yield the JSON of the answer."""
        yield b'{"vhost":' + dumped(self._vhost) + b',"nodes":['
        yield from _joined(self._node_bodies())
        yield b'],"edges":['
        yield from _joined(self._edge_bodies())
        is_cut = any(self._left_out.values())
        yield b'],"left_out":' + dumped(self._left_out)
        yield b',"truncated":' + dumped(is_cut) + b"}"

    def _node_bodies(self) -> Iterator[_Body]:
        yield from self._exchanges()
        yield from self._queues_told()
        yield from self._consumers()
        yield from self._publishers()

    def _exchanges(self) -> Iterator[_Body]:
        sampler = self._call.services.sampler
        default = self._views.exchange(self._vhost, "")
        if default is not None:
            self._nodes.add(exchange_id(""))
            yield exchange_node(default, sampler.exchanges.get((self._vhost, "")), sampler.looks)
        for count, view in enumerate(things(partial(self._views.exchanges, self._vhost))):
            if count >= EXCHANGES_MAX:
                self._left_out["exchanges"] += 1
                yield None
                continue
            self._nodes.add(exchange_id(view.name))
            if view.alternate_exchange is not None:
                to = exchange_id(view.alternate_exchange)
                self._edges.append(Edge(exchange_id(view.name), to, "alternate"))
            numbers = sampler.exchanges.get((self._vhost, view.name))
            yield exchange_node(view, numbers, sampler.looks)

    def _queues_told(self) -> Iterator[_Body]:
        sampler = self._call.services.sampler
        for name in things(partial(self._views.queue_names, self._vhost)):
            if self._queues is not None and name not in self._queues:
                self._left_out["queues"] += 1
                yield None
                continue
            view = self._views.queue(self._vhost, name)
            if view is None:
                continue
            self._nodes.add(queue_id(name))
            dead = dead_letter_edge(view)
            if dead is not None:
                self._edges.append(dead)
            yield queue_node(view, sampler.queues.get((self._vhost, name)), sampler.looks)

    def _consumers(self) -> Iterator[_Body]:
        told = 0
        for view in (view for page in pages(self._views.consumers) for view in page):
            is_here = view.vhost == self._vhost
            is_told = is_here and queue_id(view.queue_name) in self._nodes
            if not is_told or told >= CONSUMERS_MAX:
                self._left_out["consumers"] += is_here
                yield None
                continue
            told += 1
            self._nodes.add(consumer_id(view))
            self._edges.append(Edge(queue_id(view.queue_name), consumer_id(view), "consume"))
            yield consumer_node(view, self._views.connection(view.connection_number))

    def _publishers(self) -> Iterator[_Body]:
        """Yield the channels that publish to what is told."""
        for view in (view for page in pages(self._views.publishes) for view in page):
            name = publisher_id(view)
            is_here = view.vhost == self._vhost and exchange_id(view.exchange) in self._nodes
            if not is_here or len(self._publishes) >= PUBLISHES_MAX:
                self._left_out["publishers"] += is_here
                yield None
                continue
            self._publishes.append(view)
            if name not in self._nodes:
                self._nodes.add(name)
                yield publisher_node(view, self._views.connection(view.connection_number))

    def _edge_bodies(self) -> Iterator[_Body]:
        for edge in self._edges:
            if {edge.source, edge.destination} <= self._nodes:
                yield edge.body()
            else:
                self._left_out["edges"] += 1
                yield None
        publishes, looks = self._call.services.sampler.publishes, self._call.services.sampler.looks
        for view in self._publishes:
            key = (view.connection_number, view.channel_number, view.exchange)
            yield publish_edge(view, publishes.get(key), looks)
        yield from self._bound()

    def _bound(self) -> Iterator[_Body]:
        """Yield the bindings; those of an exchange come together."""
        told = len(self._edges)
        source = ""
        bound: dict[tuple[str, str], BoundEdge] = {}
        for view in things(partial(self._views.bindings, self._vhost)):
            if view.source != source:
                yield from [edge.body() for edge in bound.values()]
                bound.clear()
                source = view.source
            key = (view.destination_type, view.destination)
            edge = bound.get(key)
            if edge is None:
                is_told = f"{key[0]} {key[1]}" in self._nodes and exchange_id(source) in self._nodes
                if not is_told or told >= EDGES_MAX:
                    self._left_out["edges"] += 1
                    yield None
                    continue
                told += 1
                edge = bound[key] = BoundEdge(view)
            edge.add(view)
            yield None
        yield from [edge.body() for edge in bound.values()]


def _joined(bodies: Iterable[_Body]) -> Iterator[bytes]:
    """Yield objects with commas between them."""
    separator = b""
    for body in bodies:
        if body is None:
            yield b""
            continue
        yield separator + dumped(body)
        separator = b","


ROUTES: Final = (
    Route(
        method="GET",
        path="topology/{vhost}",
        right=Right.USER,
        handler=topology,
        summary="Exchanges, queues, consumers and the ways between them, with rates.",
        answer="topology",
        extension=True,
    ),
)
