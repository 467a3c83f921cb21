"""Answers those who scrape: the path, who asks, a place, and the text of the endpoint.

request → endpoint → place → text (``exposition``)
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final

from management.access.authorization import require
from management.call import Services
from management.http.errors import (
    BAD_REQUEST,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    OK,
    HttpError,
    not_found,
)
from management.http.request import Request
from management.http.response import Response, empty, of_error
from management.metrics.endpoints import ENDPOINTS, Endpoint
from management.metrics.exposition import exposed
from management.metrics.selection import Selection, SelectionError, selection_of
from management.metrics.telemetry import Telemetry
from management.metrics.text import CONTENT_TYPE
from management.refusals import refusal_of
from management.routing.route import Right

PATH: Final = "/metrics"
METHODS: Final = frozenset({"GET", "HEAD"})
ALLOWED: Final = "HEAD, GET, OPTIONS"
TEXT: Final = "text/plain"

SCRAPES_MAX: Final = 4
"""Requests for metrics that are worked on at a time; each holds the numbers of what it shows."""

WAITING_MAX: Final = 64
"""Requests for metrics that wait for that; further ones get 503."""

SLICE_NS: Final = 500_000
"""How long a scrape goes on between messages: nobody waits for it as for an answer to a user."""


class Scraping:
    """The endpoints of a node.

    Args:
        services: the node, and the logins.
        needs_login: whether only users who monitor may scrape.
        started_s: when the process started, since 1970.
    """

    def __init__(self, services: Services, started_s: float, *, needs_login: bool) -> None:
        self._services = services
        self._needs_login = needs_login
        self._started_s = started_s
        self._telemetry = Telemetry()

    def answering(self, request: Request) -> AbstractAsyncContextManager[Response]:
        """Make the answer to a request, and keep its place until it is sent.

        Nothing is raised, unless it is cancelled.
        """
        return self._answering(request, needs_login=self._needs_login)

    def answering_to_monitors(self, request: Request) -> AbstractAsyncContextManager[Response]:
        """Make the same answer for users who monitor alone."""
        return self._answering(request, needs_login=True)

    @asynccontextmanager
    async def _answering(self, request: Request, *, needs_login: bool) -> AsyncIterator[Response]:
        async with AsyncExitStack() as place:
            try:
                response = await self._answer(request, place, needs_login=needs_login)
            except SelectionError as error:
                response = Response(BAD_REQUEST, str(error).encode(), {}, TEXT)
            except Exception as error:  # noqa: BLE001 -- whatever it is, the answer says so
                response = of_error(refusal_of(error))
            yield response

    async def _answer(
        self, request: Request, place: AsyncExitStack, *, needs_login: bool
    ) -> Response:
        endpoint = _endpoint_of(request.path)
        if request.method == "OPTIONS":
            return empty(OK, {"Allow": ALLOWED})
        if request.method not in METHODS:
            raise HttpError(METHOD_NOT_ALLOWED, headers={"Allow": ALLOWED})
        if endpoint is None:
            return Response(NOT_FOUND, b"Unknown Registry", {}, TEXT)
        if needs_login:
            account = await self._services.logins.account(request)
            require(Right.MONITORING, account, None, self._services.node)
        selection = selection_of(request.query) if endpoint.name == "detailed" else Selection()
        await place.enter_async_context(self._services.scrapes.place())
        return Response(OK, self._pieces(endpoint, selection), {}, CONTENT_TYPE)

    async def _pieces(self, endpoint: Endpoint, selection: Selection) -> AsyncIterator[bytes]:
        node, telemetry = self._services.node, self._telemetry
        before = telemetry.groups()
        began_ms, size_bytes = node.now_ms(), 0
        async for piece in exposed(self._services, endpoint, selection, self._started_s, before):
            size_bytes += len(piece)
            yield piece
        telemetry.note(endpoint.registry, (node.now_ms() - began_ms) / 1_000, size_bytes)


def _endpoint_of(path: str) -> Endpoint | None:
    """Return the endpoint of a path; None is none of those below ``/metrics``.

    Raises:
        HttpError: 404, for any other path.
    """
    if path != PATH and not path.startswith(f"{PATH}/"):
        raise not_found()
    return ENDPOINTS.get(path.removeprefix(PATH).strip("/"))
