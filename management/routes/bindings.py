"""Bindings: ``bindings``, and those of an exchange or a queue."""

from collections.abc import Iterator
from functools import partial
from itertools import takewhile
from typing import Any, Final

from amqp_server.broker.admin import typed_table
from amqp_server.broker.pages import Page
from amqp_server.broker.views import BindingView
from management.bodies.bindings import (
    binding_body,
    default_binding,
    is_named,
    location_of,
    properties_key,
)
from management.call import Call
from management.http.body import key_text_of, object_of
from management.http.errors import CREATED, not_found
from management.http.response import Response, empty
from management.listing import Rows, listed
from management.routing.route import Right, Route
from management.vhost_commands import change, matching, require_vhost, things

SORTED_MAX: Final = 1_000
"""Bindings of one source that are sorted at once: well within a slice."""

_KINDS: Final = {"q": "queue", "e": "exchange"}


async def bindings(call: Call) -> Response:
    """Return the bindings of the vhosts that the user may enter."""
    vhosts = call.enterable_vhosts()
    return await _listed(call, (view for vhost in vhosts for view in _of_vhost(call, vhost)))


async def bindings_of_vhost(call: Call) -> Response:
    """Return the bindings of a vhost."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    return await _listed(call, _of_vhost(call, call.vhost))


async def bindings_of_source(call: Call) -> Response:
    """Return the bindings that an exchange is the source of."""
    source = call.names["exchange"]
    return await _listed(call, _of_source(call, source))


async def bindings_to_exchange(call: Call) -> Response:
    """Return the bindings that lead to an exchange."""
    return await _listed(call, iter(await _to(call, "exchange", call.names["exchange"])))


async def bindings_to_queue(call: Call) -> Response:
    """Return the bindings that lead to a queue, that to the default exchange first.

    As in RabbitMQ a queue that there is not has that one too.
    """
    queue = call.names["queue"]
    found = [default_binding(call.vhost, queue), *await _to(call, "queue", queue)]
    return await _listed(call, iter(found))


async def bindings_between(call: Call, kind: str) -> Response:
    """Return the bindings between an exchange, and a queue or another exchange."""
    return await _listed(call, iter(await _between(call, kind)))


async def binding(call: Call, kind: str) -> Response:
    """Return a binding."""
    return call.answer(binding_body(await _named(call, kind)))


async def bind(call: Call, kind: str) -> Response:
    """Bind; the answer says where the binding is."""
    require_vhost(call)
    body = call.body()
    ends = _ends(call, kind)
    routing_key = key_text_of(body, "routing_key")
    arguments = object_of(body, "arguments")
    table = typed_table(arguments, "arguments")
    await change(call, "bind", **ends, routing_key=routing_key, arguments=table)
    source, to = call.names["source"], call.names["destination"]
    made = BindingView(source, call.vhost, to, _KINDS[kind], routing_key, arguments, table)
    return empty(CREATED, {"Location": location_of(made)})


async def unbind(call: Call, kind: str) -> Response:
    """Remove a binding."""
    found = await _named(call, kind)
    key, table = found.routing_key, found.typed_arguments
    await change(call, "unbind", **_ends(call, kind), routing_key=key, arguments=table)
    return empty()


def _ends(call: Call, kind: str) -> dict[str, Any]:
    return {
        "source": call.names["source"],
        "destination": call.names["destination"],
        "destination_type": _KINDS[kind],
    }


async def _named(call: Call, kind: str) -> BindingView:
    """Return the binding of the path.

    Raises:
        HttpError: 404, there is none.
    """
    wanted = call.names["props"]
    for view in await _between(call, kind):
        if is_named(view, wanted):
            return view
    raise not_found()


async def _between(call: Call, kind: str) -> list[BindingView]:
    source, to = call.names["source"], call.names["destination"]
    return await matching(
        call,
        _of_source(call, source),
        lambda view: (view.destination_type, view.destination) == (_KINDS[kind], to),
    )


async def _to(call: Call, kind: str, name: str) -> list[BindingView]:
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    return await matching(
        call,
        things(partial(call.node.views.bindings, call.vhost)),
        lambda view: (view.destination_type, view.destination) == (kind, name),
    )


def _of_source(call: Call, source: str) -> Iterator[BindingView]:
    """Return the bindings of an exchange; those of the default one are made up."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    if not source:
        return _defaults(call, call.vhost)

    def look(after: Any) -> Page[Any, BindingView]:  # noqa: ANN401 -- a cursor of the view's own
        return call.node.views.bindings(call.vhost, after or (source, 0, 0))

    return _in_order(takewhile(lambda view: view.source == source, things(look)))


def _of_vhost(call: Call, vhost: str) -> Iterator[BindingView]:
    yield from _defaults(call, vhost)
    yield from _in_order(things(partial(call.node.views.bindings, vhost)))


def _in_order(views: Iterator[BindingView]) -> Iterator[BindingView]:
    """Put the bindings of each source in RabbitMQ's order, as long as they are few.

    The broker has them by source alone. More than ``SORTED_MAX`` of one source are in order only
    within so many: a list is sent while it is made, in bounded memory and time.
    """
    kept: list[BindingView] = []
    for view in views:
        if kept and (view.source != kept[0].source or len(kept) == SORTED_MAX):
            yield from sorted(kept, key=_order)
            kept.clear()
        kept.append(view)
    yield from sorted(kept, key=_order)


def _order(view: BindingView) -> tuple[str, str, str, str]:
    properties = properties_key(view) if view.arguments else ""
    return (view.destination_type, view.destination, view.routing_key, properties)


def _defaults(call: Call, vhost: str) -> Iterator[BindingView]:
    for queue in things(partial(call.node.views.queues, vhost)):
        yield default_binding(vhost, queue.name)


async def _listed(call: Call, views: Iterator[BindingView]) -> Response:
    return await listed(call, Rows(views, binding_body, lambda view: view.source, is_paged=False))


def _between_routes(kind: str) -> tuple[Route, ...]:
    """Return the routes of bindings to queues (``q``) or to exchanges (``e``)."""
    path, name = f"bindings/{{vhost}}/e/{{source}}/{kind}/{{destination}}", _KINDS[kind]
    return (
        Route(
            method="GET",
            path=path,
            right=Right.USER,
            handler=partial(bindings_between, kind=kind),
            summary=f"The bindings between an exchange and a destination: {name}.",
            answer="binding",
            is_list=True,
        ),
        Route(
            method="POST",
            path=path,
            right=Right.USER,
            handler=partial(bind, kind=kind),
            summary=f"Bind an exchange to a destination: {name}.",
            body="binding",
        ),
        Route(
            method="GET",
            path=f"{path}/{{props}}",
            right=Right.USER,
            handler=partial(binding, kind=kind),
            summary=f"A binding to a destination: {name}.",
            answer="binding",
        ),
        Route(
            method="DELETE",
            path=f"{path}/{{props}}",
            right=Right.USER,
            handler=partial(unbind, kind=kind),
            summary=f"Remove a binding to a destination: {name}.",
        ),
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="bindings",
        right=Right.USER,
        handler=bindings,
        summary="The bindings of all vhosts that the user may enter.",
        answer="binding",
        is_list=True,
    ),
    Route(
        method="GET",
        path="bindings/{vhost}",
        right=Right.USER,
        handler=bindings_of_vhost,
        summary="The bindings of a vhost.",
        answer="binding",
        is_list=True,
    ),
    Route(
        method="GET",
        path="exchanges/{vhost}/{exchange}/bindings/source",
        right=Right.USER,
        handler=bindings_of_source,
        summary="The bindings that an exchange is the source of.",
        answer="binding",
        is_list=True,
    ),
    Route(
        method="GET",
        path="exchanges/{vhost}/{exchange}/bindings/destination",
        right=Right.USER,
        handler=bindings_to_exchange,
        summary="The bindings that lead to an exchange.",
        answer="binding",
        is_list=True,
    ),
    Route(
        method="GET",
        path="queues/{vhost}/{queue}/bindings",
        right=Right.USER,
        handler=bindings_to_queue,
        summary="The bindings that lead to a queue.",
        answer="binding",
        is_list=True,
    ),
    *_between_routes("q"),
    *_between_routes("e"),
)
