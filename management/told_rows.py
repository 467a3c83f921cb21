"""Rows of lists that this node tells the others: what it has and leads, in slices and pieces.

    question   [kind, rows to skip]
    answer     rows told so far, or null after the last one
               a line for each row: what is needed without the object ⇥ the object as JSON

A queue that the other nodes have in their tables is told without its object. Two answers that are
made at different times may miss a row between them, or have it twice.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from amqp_server.broker.admin import PeerRefusedError
from amqp_server.broker.views import QueueView
from management.access.account import OPERATOR
from management.bodies.connections import consumer_body
from management.bodies.queues import queue_body
from management.bodies.streams import consumer_body_of_stream
from management.call import Call, Services
from management.http.json_text import dumped
from management.http.request import Request
from management.lists.ranges import NO_RANGES
from management.node import pages
from management.open_connections import body_of, seen_connections
from management.peer_rows import CHANNELS, CONNECTIONS, CONSUMERS, COUNTS, NODE, QUEUES
from management.routes.connections import body_of_channel, seen_channels
from management.routes.nodes import body_of_node
from management.samples import series
from management.samples.details import growth_of

BYTES_MAX: Final = 8 * 1024 * 1024
"""Of one answer; then the next question goes on."""

_MS_PER_S: Final = 1_000


class ToldRows:
    """Answers questions of other nodes.

    Args:
        services: of this node.
    """

    def __init__(self, services: Services) -> None:
        # Whoever asks filters by who asked there.
        self._call = Call(Request("GET", "/api/"), {}, services, OPERATOR)

    async def answer(self, octets: bytes, _node: str) -> bytes:
        """Return rows.

        Raises:
            PeerRefusedError: the question makes no sense.
        """
        try:
            kind, skipped = json.loads(octets)
            make = _KINDS[kind]
            skipped = int(skipped)
        except (ValueError, TypeError, KeyError) as error:
            raise PeerRefusedError("it knows no such rows") from error
        slices = self._call.node.slices
        await slices.begin()
        lines: list[bytes] = []
        size_bytes = 0
        for count, line in enumerate(make(self._call)):
            if size_bytes > BYTES_MAX:
                return b"\n".join([str(count).encode(), *lines])
            if count >= skipped:
                lines.append(line)
                size_bytes += len(line)
            if slices.is_spent():
                await slices.pause()
        return b"\n".join([b"null", *lines])


def _line(vhost: str, user: str, name: str, body: Mapping[str, Any]) -> bytes:
    return dumped([vhost, user, name]) + b"\t" + dumped(body)


def _connections(call: Call) -> Iterator[bytes]:
    for view in seen_connections(call):
        yield _line(view.vhost, view.username, view.name, body_of(call, view, NO_RANGES))


def _channels(call: Call) -> Iterator[bytes]:
    for each in seen_channels(call):
        body = body_of_channel(call, each, NO_RANGES)
        yield _line(each.channel.vhost, each.channel.username, body["name"], body)


def _consumers(call: Call) -> Iterator[bytes]:
    views, node = call.node.views, call.services.identity.node
    for page in pages(views.consumers):
        for view in page:
            owner = views.connection(view.connection_number)
            if owner is not None:
                body = consumer_body(view, owner, node)
                yield _line(view.vhost, owner.username, view.consumer_tag, body)
    for stream_page in pages(views.stream_consumers):
        for each in stream_page:
            owner = views.connection(each.connection_number)
            if owner is not None:
                body = consumer_body_of_stream(each, owner, node)
                yield _line(each.vhost, owner.username, body["consumer_tag"], body)


def _node(call: Call) -> Iterator[bytes]:
    yield _line("", "", call.services.identity.node, body_of_node(call, NO_RANGES))


def _queues(call: Call) -> Iterator[bytes]:
    views, own = call.node.views, call.services.identity.node
    for vhost in call.node.vhost_names():
        if not call.node.has_vhost(vhost):
            continue
        for page in pages(lambda after, vhost=vhost: views.queue_names(vhost, after)):  # type: ignore[misc]
            for name in page:
                if views.leader_of(vhost, name) == own:
                    view = views.queue(vhost, name)
                    if view is not None:
                        yield _queue_line(call, view)


def _queue_line(call: Call, view: QueueView) -> bytes:
    sampler = call.services.sampler
    looks, numbers = sampler.looks, sampler.queues.get((view.vhost, view.name))
    now = series.of_queue(view.counts)
    grown, span_ms = growth_of(numbers, looks), looks.last_ms - looks.before_ms
    rates = [] if grown is None else [each * _MS_PER_S / span_ms for each in grown]
    changed_ms = looks.last_ms if numbers is None else numbers.changed_ms
    told = [
        view.vhost,
        view.name,
        view.counts[:COUNTS],
        now,
        rates,
        changed_ms + looks.wall_offset_ms,
        view.single_active_tag,
        view.exclusive_tag,
        view.may_deliver,
        view.spilled_count,
        view.spilled_bytes,
    ]
    if view.mirrored is not None:
        return dumped(told) + b"\t"
    body = queue_body(view, call.services.identity, numbers, looks, NO_RANGES)
    return dumped(told) + b"\t" + dumped(body)


_KINDS: Final[Mapping[str, Callable[[Call], Iterator[bytes]]]] = {
    CONNECTIONS: _connections,
    CHANNELS: _channels,
    CONSUMERS: _consumers,
    NODE: _node,
    QUEUES: _queues,
}
