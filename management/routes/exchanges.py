"""Exchanges: ``exchanges``."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from amqp_server.broker.admin import ExchangeProperties, typed_table
from amqp_server.broker.views import ExchangeView
from management.bodies.exchanges import exchange_body, exchange_numbers
from management.call import Call
from management.http.body import object_of, text_of, truth_of
from management.http.errors import not_found
from management.http.response import Response, created_or_changed, empty
from management.listing import Rows, listed
from management.lists.ranges import Ranges, ranges_of
from management.routing.route import Right, Route
from management.vhost_commands import change, require_object, require_vhost, things

_NULL: Final = "null"


async def exchanges(call: Call) -> Response:
    """Return the exchanges of the vhosts that the user may enter."""
    return await _listed(call, call.enterable_vhosts())


async def exchanges_of_vhost(call: Call) -> Response:
    """Return the exchanges of a vhost."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    return await _listed(call, [call.vhost])


async def _listed(call: Call, vhosts: list[str]) -> Response:
    ranges = ranges_of(call.request.query, "invalid_range_parameters")
    rows = Rows(_views(call, vhosts), partial(_body, call, ranges), lambda view: view.name)
    return await listed(call, rows)


def _body(call: Call, ranges: Ranges, view: ExchangeView) -> dict[str, Any]:
    body = exchange_body(view)
    if call.request.query.is_true("disable_stats"):
        return body
    sampler = call.services.sampler
    numbers = sampler.exchanges.get((view.vhost, view.name))
    return body | exchange_numbers(view, numbers, sampler.looks, ranges)


def _views(call: Call, vhosts: list[str]) -> Iterator[ExchangeView]:
    """Yield the exchanges of some vhosts, the default one first."""
    views = call.node.views
    for vhost in vhosts:
        default = views.exchange(vhost, "")
        if default is not None:
            yield default
        yield from things(partial(views.exchanges, vhost))


async def exchange(call: Call) -> Response:
    """Return an exchange."""
    ranges = ranges_of(call.request.query)
    view = call.node.views.exchange(call.vhost, call.names["exchange"])
    if view is None:
        raise not_found()
    # RabbitMQ has nothing in these two lists unless its rates mode is detailed.
    return call.answer({**_body(call, ranges, view), "incoming": [], "outgoing": []})


async def put_exchange(call: Call) -> Response:
    """Declare an exchange."""
    require_vhost(call)
    body = call.body()
    kind = _NULL if body.get("type", "direct") is None else text_of(body, "type", "direct")
    auto_delete = truth_of(body, "auto_delete", default=False)
    properties = ExchangeProperties(
        kind,
        truth_of(body, "durable", default=False),
        auto_delete,
        truth_of(body, "internal", default=False),
        typed_table(object_of(body, "arguments"), "arguments"),
    )
    name = call.names["exchange"]
    is_new = await change(call, "declare_exchange", name=name, properties=properties)
    return created_or_changed(is_new=is_new is True)


async def delete_exchange(call: Call) -> Response:
    """Delete an exchange with its bindings."""
    name = call.names["exchange"]
    require_object(call.node.views.exchange(call.vhost, name))
    if_unused = call.request.query.is_true("if-unused")
    await change(call, "delete_exchange", name=name, if_unused=if_unused)
    return empty()


ROUTES: Final = (
    Route(
        method="GET",
        path="exchanges",
        right=Right.USER,
        handler=exchanges,
        summary="The exchanges of all vhosts that the user may enter.",
        answer="exchange",
        is_list=True,
    ),
    Route(
        method="GET",
        path="exchanges/{vhost}",
        right=Right.USER,
        handler=exchanges_of_vhost,
        summary="The exchanges of a vhost.",
        answer="exchange",
        is_list=True,
    ),
    Route(
        method="GET",
        path="exchanges/{vhost}/{exchange}",
        right=Right.USER,
        handler=exchange,
        summary="An exchange.",
        answer="exchange",
    ),
    Route(
        method="PUT",
        path="exchanges/{vhost}/{exchange}",
        right=Right.USER,
        handler=put_exchange,
        summary="Declare an exchange.",
        body="exchange",
    ),
    Route(
        method="DELETE",
        path="exchanges/{vhost}/{exchange}",
        right=Right.USER,
        handler=delete_exchange,
        summary="Delete an exchange; with if-unused=true only if nothing is bound to it.",
    ),
)
