"""What Prometheus is told, for the web UI: ``metrics`` in the text format, of one listener.

The browser that shows it logged in here, and its policy lets it ask nobody else.
"""

from collections.abc import AsyncIterator
from typing import Final

from management.call import Call
from management.http.errors import OK, bad_request, not_found
from management.http.response import Response
from management.metrics.endpoints import ENDPOINTS, Endpoint
from management.metrics.exposition import exposed, started_s
from management.metrics.selection import Selection, SelectionError, selection_of
from management.metrics.text import CONTENT_TYPE
from management.routing.route import Right, Route

DETAILED: Final = "detailed"


async def together(call: Call) -> Response:
    """Return the node, and all queues, channels and connections together."""
    return _told(call, ENDPOINTS[""])


async def endpoint(call: Call) -> Response:
    """Return the metrics of another endpoint; ``detailed`` has ``family``, ``vhost``, ``queue``."""
    found = ENDPOINTS.get(call.names["endpoint"])
    if found is None:
        raise not_found()
    return _told(call, found)


def _told(call: Call, found: Endpoint) -> Response:
    try:
        is_chosen = found.name == DETAILED
        selection = selection_of(call.request.query) if is_chosen else Selection()
    except SelectionError as error:
        raise bad_request(str(error)) from error
    return Response(OK, _pieces(call, found, selection), content_type=CONTENT_TYPE)


async def _pieces(call: Call, found: Endpoint, selection: Selection) -> AsyncIterator[bytes]:
    services = call.services
    async with services.scrapes.place():
        async for piece in exposed(services, found, selection, started_s(services.node)):
            yield piece


ROUTES: Final = (
    Route(
        method="GET",
        path="metrics",
        right=Right.MONITORING,
        handler=together,
        summary="What Prometheus is told of the node, and of all things together.",
        media_type="text/plain",
        extension=True,
    ),
    Route(
        method="GET",
        path="metrics/{endpoint}",
        right=Right.MONITORING,
        handler=endpoint,
        summary="The same of each thing: per-object, detailed?family=…, memory-breakdown.",
        media_type="text/plain",
        extension=True,
    ),
)
