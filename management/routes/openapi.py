"""The description of the API itself: ``openapi.json``."""

from typing import Final

from management.call import Call
from management.http.response import Response, answer
from management.openapi import description
from management.routing.route import Right, Route


async def openapi(call: Call) -> Response:
    """Return the description of all routes, as OpenAPI."""
    return answer(description(call.services.routes, call.services.identity.version))


ROUTES: Final = (
    Route(
        method="GET",
        path="openapi.json",
        right=Right.USER,
        handler=openapi,
        summary="This description, as OpenAPI.",
        answer="openapi",
        extension=True,
    ),
)
