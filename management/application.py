"""A request in, an answer out: the route, who asks, the right, the handler, and the errors.

Whatever fails, the answer says so, and nothing else in the node notices.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, Final, TypeAlias

from management.access.account import Account
from management.access.authorization import require
from management.call import Call, Services
from management.forwarding import SUBJECT, Forwarded, Forwarding, asked_of, octets_of
from management.headers import Headers
from management.http.errors import (
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    NOT_IMPLEMENTED,
    OK,
    PRECONDITION_FAILED,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    HttpError,
    bad_request,
    not_found,
)
from management.http.json_text import NotJsonError
from management.http.large_json import is_read_at_once, loaded_in_slices
from management.http.request import Request
from management.http.response import JSON, Response, empty, of_error
from management.peer_rows import SUBJECT as TOLD
from management.places import Places
from management.refusals import refusal_of
from management.relaying import SUBJECT as IN_PARTS
from management.relaying import Parts
from management.routing.route import Right, Route
from management.routing.trie import Match, Trie
from management.settings import ManagementSettings
from management.told_rows import ToldRows

API: Final = "/api"
METRICS: Final = "/metrics"
PEER_BODY_BYTES_MAX: Final = 15 * 1024 * 1024
"""Largest body of an answer to another node, which gets all of it in one piece."""

PEERS_WAITING_MAX: Final = 1_000
"""Requests of other nodes that wait; the links of each let it ask only so much at a time."""

RETRY_AFTER_S: Final = 10
"""So long a client is asked to wait where too many answers are sent in pieces."""

_KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"})

Pages: TypeAlias = Callable[[Request], Response | None]
"""Answers what is not below ``/api``; None is not found."""

Metrics: TypeAlias = Callable[[Request], AbstractAsyncContextManager[Response]]
"""Answers what is below ``/metrics``, and keeps the place of an answer until it is sent."""


class Application:
    """The HTTP API of a node.

    Args:
        services: what handlers need.
        settings: of management.
        pages: answers what is not below ``/api``; None answers nothing there.
        metrics: answers what is below ``/metrics``; None answers nothing there.
    """

    def __init__(
        self,
        services: Services,
        settings: ManagementSettings,
        pages: Pages | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._services = services
        self._pages = pages
        self._metrics = metrics
        self._prefix = settings.path_prefix
        self._trie = Trie(services.routes)
        self._headers = Headers(settings)
        self._timeout_s = settings.request_timeout_s
        self._forwarding = Forwarding(services.node, services.identity.node, services.peers)
        self._relays = services.relays
        self._parts = Parts(self.begun_for_peer)
        if services.peers is not None:
            services.peers.answer_to(SUBJECT, self.answer_peer)
            services.peers.answer_to(TOLD, ToldRows(services).answer)
            services.peers.answer_to(IN_PARTS, self._parts.answer)
        self._places = Places(settings.requests_max, settings.requests_max)
        # Of their own: else requests of two nodes could wait for each other's places.
        # Nor may clients that read a file slowly keep all places from others.
        files_max = max(settings.requests_max // 2, 1)
        self._places_for_files = Places(files_max, 0, _too_many_files)
        self._places_for_peers = Places(settings.requests_max, PEERS_WAITING_MAX)

    @asynccontextmanager
    async def answering(self, request: Request) -> AsyncIterator[Response]:
        """Make the answer to a request, and keep its place among those under way until it is sent.

        Nothing is raised, unless it is cancelled.
        """
        async with AsyncExitStack() as place:
            try:
                response = await self._answer(request, place)
            except Exception as error:  # noqa: BLE001 -- whatever it is, the answer says so
                response = of_error(refusal_of(error))
            if response.is_live:
                await place.aclose()
            yield self._headers.on(response, request)

    async def handle(self, request: Request) -> Response:
        """Return the answer to a request, with its body whole; one that goes on has none."""
        async with self.answering(request) as response:
            if isinstance(response.body, bytes):
                return response
            if response.is_live:
                return replace(response, body=b"")
            return replace(response, body=b"".join([piece async for piece in response.body]))

    async def _answer(self, request: Request, place: AsyncExitStack) -> Response:
        path = request.path
        if self._prefix:
            if not path.startswith(f"{self._prefix}/") and path != self._prefix:
                raise not_found()
            path = path.removeprefix(self._prefix)
        if path != API and not path.startswith(f"{API}/"):
            return await self._elsewhere(replace(request, path=path), place)
        match = self._trie.find(path.removeprefix(API).removeprefix("/"), request.method)
        if match is None:
            raise not_found()
        request = replace(request, path=path)
        if request.method == "OPTIONS":
            return empty(OK, {"Allow": match.allowed})
        route = _route_of(match, request)
        user = None
        if route.right is not Right.NOBODY:
            # Before there is a place for it: a wrong password waits, and keeps nobody's place.
            user = await self._authorized(route, match, request)
        _check_headers(route, request)
        await place.enter_async_context(self._places.place())
        async with asyncio.timeout(self._timeout_s):
            if user is None:
                response = await self._made(route, match, request, user)
            else:
                response = await self._made_somewhere(route, match, Forwarded(request, user))
        if not isinstance(response.body, bytes) and not response.is_live:
            await self._move(response.body, place)
        return response

    async def _move(self, pieces: AsyncIterator[bytes], place: AsyncExitStack) -> None:
        """Give an answer in pieces a place of another kind: it lasts as long as its client reads.

        Raises:
            HttpError: 503, as many are sent already.
        """
        await place.aclose()
        try:
            await place.enter_async_context(self._places_for_files.place())
        except HttpError:
            # What makes the pieces may be on another node.
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()
            raise

    async def _made_somewhere(self, route: Route, match: Match, forwarded: Forwarded) -> Response:
        """Make the answer on the node of the cluster that has to."""
        begin = self._relays.begin
        other = await self._forwarding.instead(route, match.names, forwarded, begin)
        if other is not None:
            return other
        try:
            made = await self._made(route, match, forwarded.request, forwarded.account)
        except HttpError as error:
            found = None
            if error.status == NOT_FOUND:
                found = await self._forwarding.found(route, forwarded)
            if found is None:
                raise
            return found
        await self._forwarding.also(route, forwarded)
        return made

    async def _made(
        self,
        route: Route,
        match: Match,
        request: Request,
        user: Account | None,
        *,
        is_forwarded: bool = False,
    ) -> Response:
        await self._services.node.slices.begin()
        large_body = await self._large_body(route, request)
        call = Call(request, match.names, self._services, user, large_body, is_forwarded)
        return await route.handler(call)

    async def stop(self) -> None:
        """End the answers that go on for clients of other nodes."""
        await self._parts.stop()

    async def answer_peer(self, octets: bytes, _node: str) -> bytes:
        """Answer a request that another node of the cluster has let in; see ``forwarding``.

        Raises:
            PeerRefusedError: it makes no sense.
        """
        body = b""
        async with AsyncExitStack() as place:
            response = await self.begun_for_peer(octets, place)
            try:
                if isinstance(response.body, bytes):
                    body = response.body
                elif not response.is_live:
                    body = await _whole(response.body)
            except Exception as error:  # noqa: BLE001 -- whatever it is, the answer says so
                response = of_error(refusal_of(error))
                body = response.body if isinstance(response.body, bytes) else b""
        return octets_of(response, body)

    async def begun_for_peer(self, octets: bytes, place: AsyncExitStack) -> Response:
        """Return the answer to a request of another node; ``place`` keeps its place.

        One to HEAD has no pieces.

        Raises:
            PeerRefusedError: it makes no sense.
        """
        forwarded = asked_of(octets, self._services.node)
        try:
            response = await self._for_peer(forwarded, place)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the answer says so
            return of_error(refusal_of(error))
        if forwarded.request.method == "HEAD" and not isinstance(response.body, bytes):
            return replace(response, body=b"")
        return response

    async def _for_peer(self, forwarded: Forwarded, place: AsyncExitStack) -> Response:
        request, account = forwarded.request, forwarded.account
        match = self._trie.find(request.path.removeprefix(API).removeprefix("/"), request.method)
        if match is None:
            raise not_found()
        route = _route_of(match, request)
        require(route.right, account, match.names.get("vhost"), self._services.node)
        await place.enter_async_context(self._places_for_peers.place())
        async with asyncio.timeout(self._timeout_s):
            return await self._made(route, match, request, account, is_forwarded=True)

    async def _large_body(self, route: Route, request: Request) -> dict[str, Any] | None:
        """Read a body that takes long, in slices; None is a small one, or one of another kind.

        Raises:
            HttpError: 400, it is no JSON object.
        """
        if not route.body or route.reads_own_body or is_read_at_once(request.body):
            return None
        try:
            return await loaded_in_slices(request.body, self._services.node.slices)
        except NotJsonError as error:
            raise bad_request("not_json") from error

    async def _authorized(self, route: Route, match: Match, request: Request) -> Account:
        account = await self._services.logins.account(request)
        require(route.right, account, match.names.get("vhost"), self._services.node)
        return account

    async def _elsewhere(self, request: Request, place: AsyncExitStack) -> Response:
        """Answer what is not below ``/api``: metrics, which have places of their own, or a page."""
        is_metrics = request.path == METRICS or request.path.startswith(f"{METRICS}/")
        if is_metrics and self._metrics is not None:
            return await place.enter_async_context(self._metrics(request))
        page = None if self._pages is None else self._pages(request)
        if page is None:
            raise not_found()
        return page


def _too_many_files() -> HttpError:
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return HttpError(UNAVAILABLE, "unavailable", "too many files are sent at a time", headers)


async def _whole(chunks: AsyncIterator[bytes]) -> bytes:
    """Return the body of an answer to another node, as far as one is taken there."""
    gathered: list[bytes] = []
    size_bytes = 0
    async for piece in chunks:
        gathered.append(piece)
        size_bytes += len(piece)
        if size_bytes > PEER_BODY_BYTES_MAX:
            raise HttpError(UNAVAILABLE, "unavailable", "the answer is too long: ask this node")
    return b"".join(gathered)


def _route_of(match: Match, request: Request) -> Route:
    """Return the row of the method.

    Raises:
        HttpError: 405 for another method, 501 for one that we do not know.
    """
    if request.method not in _KNOWN_METHODS:
        raise HttpError(NOT_IMPLEMENTED)
    route = match.routes.get("GET" if request.method == "HEAD" else request.method)
    if route is None:
        raise HttpError(METHOD_NOT_ALLOWED, headers={"Allow": match.allowed})
    return route


def _check_headers(route: Route, request: Request) -> None:
    """Refuse what the client does not accept, or sends in another form.

    Raises:
        HttpError: 406, 412 or 415, without a body.
    """
    accept = request.header("accept")
    if accept and not _accepts(accept, route.media_type):
        raise HttpError(NOT_ACCEPTABLE)
    if request.header("if-none-match") is not None:
        raise HttpError(PRECONDITION_FAILED)
    if route.needs_json_type and request.media_type != JSON:
        raise HttpError(UNSUPPORTED_MEDIA_TYPE)


def _accepts(accept: str, media_type: str) -> bool:
    """Whether a client takes what a route answers, or at least JSON, which every error is."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    known = {JSON, "*/*", "application/*", "application/bert", media_type}
    return not known.isdisjoint(kinds)
