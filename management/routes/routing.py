"""Where a message would go: ``exchanges/…/route``."""

from typing import Final

from amqp_server.broker.admin import BrokerError, NotFoundError, typed_table
from management.bodies.routes import route_body
from management.call import Call
from management.http.body import key_text_of, object_of, require_keys
from management.http.errors import bad_request, not_found
from management.http.response import Response, answer
from management.routing.route import Right, Route


async def route(call: Call) -> Response:
    """Say where a message would go, and why not elsewhere; nothing is published or counted."""
    body = call.body()
    require_keys(body, "routing_key")
    properties = dict(object_of(body, "properties"))
    inner = object_of(properties, "headers")
    properties.pop("headers", None)
    headers = object_of(body, "headers") or inner
    try:
        steps = call.node.views.route(
            call.vhost,
            call.names["exchange"],
            key_text_of(body, "routing_key"),
            typed_table(headers, "headers"),
            properties,
        )
        found = await call.node.slices.finish(steps)
    except NotFoundError as error:
        raise not_found() from error
    except BrokerError as error:
        raise bad_request(str(error)) from error
    return answer(route_body(found))


ROUTES: Final = (
    Route(
        method="POST",
        path="exchanges/{vhost}/{exchange}/route",
        right=Right.USER,
        handler=route,
        summary="Where a message would go, by which ways, and why no other binding takes it.",
        body="route_wanted",
        answer="route",
        extension=True,
    ),
)
