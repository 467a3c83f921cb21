"""Answers those who scrape: the path, who asks, and the lines of all metrics, in slices.

    request → endpoint → place → groups → lines, in pieces

Messages go on between two slices, and between two pieces a client reads as fast as it can. An
answer that takes longer than ``SCRAPE_MAX_MS`` ends without its end.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
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
from management.metrics.endpoints import ENDPOINTS, About, Endpoint, Groups, Scrape, groups_of
from management.metrics.family import Group
from management.metrics.node import permanent_id
from management.metrics.selection import Selection, SelectionError, selection_of
from management.metrics.sources import Sources
from management.metrics.telemetry import Telemetry
from management.metrics.text import CONTENT_TYPE, written
from management.places import Places
from management.refusals import refusal_of
from management.routing.route import Right

PATH: Final = "/metrics"
METHODS: Final = frozenset({"GET", "HEAD"})
ALLOWED: Final = "HEAD, GET, OPTIONS"
TEXT: Final = "text/plain"

SCRAPES_MAX: Final = 4
"""Scrapes that are worked on at a time; each holds the numbers of all that it shows."""

WAITING_MAX: Final = 64
"""Scrapes that wait for that; further ones get 503."""

SCRAPE_MAX_MS: Final = 60_000
"""Longest time of a scrape: Prometheus gives up after ten seconds unless told otherwise."""

SLICE_NS: Final = 500_000
"""How long a scrape goes on between messages: nobody waits for it as for an answer to a user."""

PIECE_CHARACTERS: Final = 32_768
"""About how large the pieces of an answer are."""

INTERNAL_CLUSTER_ID: Final = "internal_cluster_id"
"""The global parameter in which RabbitMQ keeps the name that a cluster has for ever."""


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
        self._places = Places(SCRAPES_MAX, WAITING_MAX)
        self._telemetry = Telemetry()

    @asynccontextmanager
    async def answering(self, request: Request) -> AsyncIterator[Response]:
        """Make the answer to a request, and keep its place until it is sent.

        Nothing is raised, unless it is cancelled.
        """
        async with AsyncExitStack() as place:
            try:
                response = await self._answer(request, place)
            except SelectionError as error:
                response = Response(BAD_REQUEST, str(error).encode(), {}, TEXT)
            except Exception as error:  # noqa: BLE001 -- whatever it is, the answer says so
                response = of_error(refusal_of(error))
            yield response

    async def _answer(self, request: Request, place: AsyncExitStack) -> Response:
        endpoint = _endpoint_of(request.path)
        if request.method == "OPTIONS":
            return empty(OK, {"Allow": ALLOWED})
        if request.method not in METHODS:
            raise HttpError(METHOD_NOT_ALLOWED, headers={"Allow": ALLOWED})
        if endpoint is None:
            return Response(NOT_FOUND, b"Unknown Registry", {}, TEXT)
        if self._needs_login:
            account = await self._services.logins.account(request)
            require(Right.MONITORING, account, None, self._services.node)
        selection = selection_of(request.query) if endpoint.name == "detailed" else Selection()
        await place.enter_async_context(self._places.place())
        return Response(OK, self._pieces(endpoint, selection), {}, CONTENT_TYPE)

    async def _pieces(self, endpoint: Endpoint, selection: Selection) -> AsyncIterator[bytes]:
        node, telemetry = self._services.node, self._telemetry
        before = telemetry.groups()
        began_ms, size_bytes = node.now_ms(), 0
        gathered: list[str] = []
        gathered_characters = 0
        await node.slices.begin()
        scrape = Scrape(self._about(), Sources(node, selection), selection)
        async for group in _and(groups_of(endpoint, scrape), before):
            for lines in written(group, endpoint.prefix):
                gathered.append(lines)
                gathered_characters += len(lines)
                if gathered_characters >= PIECE_CHARACTERS:
                    piece = _octets(gathered)
                    gathered, gathered_characters = [], 0
                    size_bytes += len(piece)
                    yield piece
                    if node.now_ms() - began_ms > SCRAPE_MAX_MS:
                        raise TimeoutError
                    await node.slices.pause()
                elif node.slices.is_spent():
                    await node.slices.pause()
        piece = _octets(gathered)
        telemetry.note(
            endpoint.registry, (node.now_ms() - began_ms) / 1_000, size_bytes + len(piece)
        )
        yield piece

    def _about(self) -> About:
        services = self._services
        identity = services.identity
        given = [
            each.value
            for each in services.node.views.global_parameters()
            if each.name == INTERNAL_CLUSTER_ID
        ]
        cluster_id = permanent_id(identity, given[0] if given else None)
        return About(identity, services.cluster_name(), cluster_id, self._started_s)


async def _and(groups: Groups, more: Sequence[Group]) -> Groups:
    async for group in groups:
        yield group
    for group in more:
        yield group


def _endpoint_of(path: str) -> Endpoint | None:
    """Return the endpoint of a path; None is none of those below ``/metrics``.

    Raises:
        HttpError: 404, for any other path.
    """
    if path != PATH and not path.startswith(f"{PATH}/"):
        raise not_found()
    return ENDPOINTS.get(path.removeprefix(PATH).strip("/"))


def _octets(lines: list[str]) -> bytes:
    """Return lines as UTF-8; octets of a name that are none stand as a replacement character."""
    return "".join(lines).encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode()
