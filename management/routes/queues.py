"""Queues: ``queues``."""

from collections.abc import Callable, Iterator
from functools import partial
from heapq import merge
from itertools import repeat
from typing import Any, Final

from amqp_server.broker.admin import typed_table
from amqp_server.broker.views import QueueView
from management.bodies.connections import consumer_body
from management.bodies.queues import (
    queue_body,
    queue_definition_body,
    sampled_number,
    totals_of,
)
from management.bodies.streams import consumer_body_of_stream
from management.call import Call
from management.http.body import object_of, text_of, truth_of
from management.http.errors import bad_request, not_found
from management.http.json_text import dumped
from management.http.response import Response, created_or_changed, empty
from management.led_queues import LedQueues, here_only, led_queues
from management.listing import Rows, listed
from management.lists.columns import Wanted
from management.lists.ranges import NO_RANGES, Ranges, ranges_of
from management.node import pages
from management.peer_rows import CONSUMERS, PeerRow
from management.routing.route import AnsweredBy, Right, Route
from management.samples.sampler import QueueKey
from management.vhost_commands import change, matching, require_object, require_vhost, things

_ACTIONS: Final = frozenset({"sync", "cancel_sync"})
"""What old pages ask for: there is one copy of each message, and it is in step."""


async def queues(call: Call) -> Response:
    """Return the queues of the vhosts that the user may enter."""
    return await _listed(call, call.enterable_vhosts())


async def queues_of_vhost(call: Call) -> Response:
    """Return the queues of a vhost."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    return await _listed(call, [call.vhost])


async def _listed(call: Call, vhosts: list[str]) -> Response:
    query = call.request.query
    ranges = ranges_of(query, "invalid_range_parameters")
    led = await led_queues(call)
    body = partial(_body_at, call, led, ranges)
    rows = Rows(_places(call, led, vhosts), body, _name)
    if query.is_true("disable_stats"):
        return await listed(call, rows)
    text = partial(_text_at, call, led) if ranges == NO_RANGES else None
    return await listed(call, rows._replace(part=body, known=partial(_known, led), text=text))


def _name(place: QueueKey) -> str:
    return place[1]


def _known(
    led: LedQueues, path: tuple[str, ...]
) -> Callable[[QueueKey], float | str | None] | None:
    if path == ("name",):
        return _name
    number = sampled_number(path)
    if number is None:
        return None
    find, looks = led.numbers, led.looks

    def of_place(place: QueueKey) -> float | None:
        numbers = find(place)
        return None if numbers is None else number(numbers, looks)

    return of_place


def _places(call: Call, led: LedQueues, vhosts: list[str]) -> Iterator[QueueKey]:
    """Yield where queues are; a page makes objects only of those that it shows."""
    for vhost in vhosts:
        names = things(partial(call.node.views.queue_names, vhost))
        yield from zip(repeat(vhost), merge(names, led.only_there(vhost)))  # one has no end


def _body_at(
    call: Call, led: LedQueues, ranges: Ranges, place: QueueKey, wanted: Wanted = None
) -> dict[str, Any]:
    view = call.node.views.queue(*place)
    if view is None:
        return led.body(place) or _gone(place)
    return led.placed(view, _body(call, led, ranges, view, wanted))


def _text_at(call: Call, led: LedQueues, place: QueueKey) -> bytes:
    """Return the same as JSON, whole and without samples."""
    view = call.node.views.queue(*place)
    if view is None or not led.is_shared(view):
        return dumped(_body_at(call, led, NO_RANGES, place))
    return call.services.queue_texts.text(led.view(view), led.numbers(place), led.looks)


def _gone(place: QueueKey) -> dict[str, Any]:
    """Return the object of a queue that went while the list was made."""
    vhost, name = place
    return {"name": name, "vhost": vhost}


def _body(
    call: Call, led: LedQueues, ranges: Ranges, view: QueueView, wanted: Wanted = None
) -> dict[str, Any]:
    """Return the object of a queue: all of it, or only what the request asks for."""
    query, identity = call.request.query, call.services.identity
    view = led.view(view)
    if led.is_unknown(view):
        return queue_definition_body(view, identity)
    if query.is_true("disable_stats"):
        body = queue_definition_body(view, identity)
        return body | dict(totals_of(view)) if query.is_true("enable_queue_totals") else body
    numbers = led.numbers((view.vhost, view.name))
    return queue_body(view, identity, numbers, led.looks, ranges, wanted)


async def queue(call: Call) -> Response:
    """Return a queue."""
    ranges = ranges_of(call.request.query)
    view = call.node.views.queue(call.vhost, call.names["queue"])
    if view is None:
        raise not_found()
    body = _body(call, here_only(call), ranges, view)
    owner = view.owner_number and call.node.views.connection(view.owner_number)
    if owner:
        body["owner_pid_details"] = {
            "name": owner.name,
            "peer_host": owner.peer_host,
            "peer_port": owner.peer_port,
        }
    if not call.request.query.is_true("disable_stats"):
        # RabbitMQ has nothing in the last two lists unless its rates mode is detailed.
        body |= {
            "consumer_details": await _consumers_of(call, view),
            "incoming": [],
            "deliveries": [],
        }
    return call.answer(body)


async def _consumers_of(call: Call, queue: QueueView) -> list[dict[str, Any]]:
    """Return the consumers of a queue; all consumers of the node are looked at, in slices."""
    if not queue.counts.consumer_count:
        return []
    views, node = call.node.views, call.services.identity.node
    all_of_them = (view for page in pages(views.consumers) for view in page)
    place = (queue.vhost, queue.name)
    found = await matching(call, all_of_them, lambda view: (view.vhost, view.queue_name) == place)
    pairs = [(view, views.connection(view.connection_number)) for view in found]
    bodies = [consumer_body(view, owner, node) for view, owner in pairs if owner is not None]
    bodies += await _consumers_elsewhere(call, place)
    return bodies + await _stream_consumers_of(call, queue)


async def _consumers_elsewhere(call: Call, place: QueueKey) -> list[dict[str, Any]]:
    """Return the consumers of a queue on other nodes; those of other queues are not read."""
    vhost, name = place
    quoted = dumped(name)

    def may_be(row: PeerRow) -> bool:
        return row.vhost == vhost and quoted in row.text

    rows = await call.services.told.things(CONSUMERS, may_be)
    bodies = [row.body() for row in rows]
    return [each for each in bodies if each["queue"]["name"] == name]


async def _stream_consumers_of(call: Call, queue: QueueView) -> list[dict[str, Any]]:
    """Return the subscriptions of a stream, in the same way."""
    views, node = call.node.views, call.services.identity.node
    if queue.kind != "stream":
        return []
    all_of_them = (view for page in pages(views.stream_consumers) for view in page)
    place = (queue.vhost, queue.name)
    found = await matching(call, all_of_them, lambda view: (view.vhost, view.stream_name) == place)
    owned = [(view, views.connection(view.connection_number)) for view in found]
    return [consumer_body_of_stream(view, each, node) for view, each in owned if each is not None]


async def put_queue(call: Call) -> Response:
    """Declare a queue."""
    require_vhost(call)
    body = call.body()
    node = text_of(body, "node", call.services.identity.node)
    if node != call.services.identity.node:
        raise bad_request(f"Node {node} could not be contacted")
    is_new = await change(
        call,
        "declare_queue",
        name=call.names["queue"],
        auto_delete=truth_of(body, "auto_delete", default=False),
        durable=truth_of(body, "durable", default=False),
        arguments=typed_table(object_of(body, "arguments"), "arguments"),
    )
    return created_or_changed(is_new=is_new is True)


async def delete_queue(call: Call) -> Response:
    """Delete a queue with its messages."""
    query, name = call.request.query, call.names["queue"]
    require_object(call.node.views.queue(call.vhost, name))
    await change(
        call,
        "delete_queue",
        name=name,
        if_unused=query.is_true("if-unused"),
        if_empty=query.is_true("if-empty"),
    )
    return empty()


async def purge_queue(call: Call) -> Response:
    """Drop the ready messages of a queue."""
    name = call.names["queue"]
    require_object(call.node.views.queue(call.vhost, name))
    await change(call, "purge_queue", name=name)
    return empty()


async def pause_queue(call: Call) -> Response:
    """Have the consumers of a queue get nothing."""
    return await _paused(call, is_on=True)


async def resume_queue(call: Call) -> Response:
    """Have the consumers of a queue get messages again."""
    return await _paused(call, is_on=False)


async def _paused(call: Call, *, is_on: bool) -> Response:
    name = call.names["queue"]
    require_object(call.node.views.queue(call.vhost, name))
    await change(call, "pause_queue", name=name, is_on=is_on)
    return empty()


async def act_on_queue(call: Call) -> Response:
    """Do what pages of old versions ask for: nothing."""
    action = text_of(call.body(), "action", "")
    require_object(call.node.views.queue(call.vhost, call.names["queue"]))
    if action not in _ACTIONS:
        raise bad_request(["unknown", action] if action else "[{key_missing,action}]")
    return empty()


ROUTES: Final = (
    Route(
        method="GET",
        path="queues",
        right=Right.USER,
        handler=queues,
        summary="The queues of all vhosts that the user may enter.",
        answer="queue",
        is_list=True,
    ),
    Route(
        method="GET",
        path="queues/detailed",
        right=Right.USER,
        handler=queues,
        summary="The same; every list here has all fields.",
        answer="queue",
        is_list=True,
    ),
    Route(
        method="GET",
        path="queues/{vhost}",
        right=Right.USER,
        handler=queues_of_vhost,
        summary="The queues of a vhost.",
        answer="queue",
        is_list=True,
    ),
    Route(
        method="GET",
        path="queues/{vhost}/{queue}",
        right=Right.USER,
        handler=queue,
        summary="A queue.",
        answer="queue",
        answered_by=AnsweredBy.LEADER,
    ),
    Route(
        method="PUT",
        path="queues/{vhost}/{queue}",
        right=Right.USER,
        handler=put_queue,
        summary="Declare a queue.",
        body="queue",
    ),
    Route(
        method="DELETE",
        path="queues/{vhost}/{queue}",
        right=Right.USER,
        handler=delete_queue,
        summary="Delete a queue; with if-empty=true or if-unused=true only if it is.",
    ),
    Route(
        method="DELETE",
        path="queues/{vhost}/{queue}/contents",
        right=Right.USER,
        handler=purge_queue,
        summary="Drop the ready messages of a queue.",
    ),
    Route(
        method="PUT",
        path="queues/{vhost}/{queue}/pause",
        right=Right.USER,
        handler=pause_queue,
        summary="Pause a queue: its consumers get nothing until it is resumed.",
        extension=True,
    ),
    Route(
        method="PUT",
        path="queues/{vhost}/{queue}/resume",
        right=Right.USER,
        handler=resume_queue,
        summary="Have the consumers of a paused queue get messages again.",
        extension=True,
    ),
    Route(
        method="POST",
        path="queues/{vhost}/{queue}/actions",
        right=Right.ADMINISTRATOR,
        handler=act_on_queue,
        summary="Synchronise a queue; it is always in step.",
        body="action",
    ),
)
