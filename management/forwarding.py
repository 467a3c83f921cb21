"""Requests that another node of the cluster answers: it leads a queue, or has a connection.

    client ─▶ this node: route, login, rights ┄ question ┄▶ the other node: rights again, handler
           ◀─ its answer                      ◀┄ answer ┄┄┄

A node that is asked answers itself, and never asks on. Users are those of the cluster, so it knows
who asks by the name alone. Where no answer comes in time, one who only looks gets what this node
knows, and everybody else a 503 that names the other node and where it is.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from amqp_server.broker.admin import PeerAwayError, PeerRefusedError
from amqp_server.broker.views import ClusterNode
from management.access.account import OPERATOR, Account, account_of
from management.http.errors import UNAVAILABLE, HttpError
from management.http.request import Query, Request
from management.http.response import Response, empty
from management.node import Node
from management.routing.route import AnsweredBy, Route

SUBJECT: Final = "http"

LOOK_S: Final = 0.5
"""How long one who only looks waits for another node."""

CHANGE_S: Final = 10.0
"""How long one waits who wants something done."""

_HEADERS: Final = ("x-reason", "x-vhost", "content-type", "accept")
_NOT_FOUND: Final = 404
_FAILED: Final = 500
"""From here on an answer says of the node that it could not."""
_LOOKING: Final = frozenset({"GET", "HEAD"})


class Peers(Protocol):
    """The other nodes; ``amqp_server.clustering.peers`` implements it."""

    def answer_to(self, subject: str, answering: Callable[[bytes, str], Awaitable[bytes]]) -> None:
        """Answer to questions about something from now on."""

    async def ask(self, node: str, subject: str, octets: bytes, within_s: float) -> bytes:
        """Ask another node; ``PeerAwayError`` or ``PeerRefusedError`` where it does not answer."""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A request as another node gets it: who asks is known, and has the right.

    Attributes:
        request: its path is below ``/api/``.
        account: who asks; its tags are those of the node that answers.
    """

    request: Request
    account: Account


class Forwarding:
    """Asks other nodes for answers to requests.

    Args:
        node: the broker of this node.
        own: name of this node.
        peers: the other nodes; None is a node in no cluster.
    """

    def __init__(self, node: Node, own: str, peers: Peers | None) -> None:
        self._node = node
        self._own = own
        self._peers = peers

    async def instead(
        self,
        route: Route,
        names: Mapping[str, str],
        forwarded: Forwarded,
        relayed: Callable[[str, Forwarded], Awaitable[Response]],
    ) -> Response | None:
        """Return the answer of the node that has to answer; None is this node.

        Args:
            route: of the request.
            names: of its path.
            forwarded: the request.
            relayed: asks a node for an answer that comes in parts; see ``management.relaying``.

        Raises:
            HttpError: 503, it has to be another node, and that does not answer.
        """
        if self._peers is None or route.answered_by is AnsweredBy.THIS_NODE:
            return None
        other = self._other(route, names)
        if other is None:
            return None
        is_whole = route.answered_by is not AnsweredBy.LEADER_IN_PARTS
        is_look = is_whole and forwarded.request.method in _LOOKING
        try:
            if not is_whole:
                return await relayed(other.name, forwarded)
            return await self._asked(self._peers, other.name, forwarded, is_look=is_look)
        except (PeerAwayError, PeerRefusedError) as error:
            if is_look:
                return None
            done = "it may have been done" if _may_be_done(error) else "nothing was done"
            text = f"{other.name} has to answer this{_where(other)}, and does not: {error}; {done}"
            raise HttpError(UNAVAILABLE, "unavailable", text) from error

    async def found(self, route: Route, forwarded: Forwarded) -> Response | None:
        """Return the answer of another node that has what this one has not.

        None: there is none, or it is no matter of other nodes.

        Raises:
            HttpError: 503, something is to be done, and one of them has not answered.
        """
        if route.answered_by is not AnsweredBy.ANY_NODE:
            return None
        answers = await self.answers_of_all(forwarded)
        told = [each for each in answers if each and each.status != _NOT_FOUND]
        if told:
            # One that is busy says so whether it has it or not.
            return min(told, key=lambda each: each.status)
        if None in answers and forwarded.request.method not in _LOOKING:
            text = "it is not here, and another node does not answer; it may have been done"
            raise HttpError(UNAVAILABLE, "unavailable", text)
        return None

    async def also(self, route: Route, forwarded: Forwarded) -> None:
        """Have all other nodes do what this one has done, where the route is for all.

        Raises:
            HttpError: 503, one of them has not answered, or could not.
        """
        if route.answered_by is not AnsweredBy.ALL_NODES:
            return
        answers = await self.answers_of_all(forwarded)
        if any(each is None or each.status >= _FAILED for each in answers):
            text = "it was done here, and not on each of the other nodes"
            raise HttpError(UNAVAILABLE, "unavailable", text)

    # -- inside -----------------------------------------------------------------------------------

    def others(self) -> list[ClusterNode]:
        """Return the other nodes that run."""
        nodes = self._node.views.cluster_nodes()
        return [each for each in nodes if each.is_running and each.name != self._own]

    def _other(self, route: Route, names: Mapping[str, str]) -> ClusterNode | None:
        """Return the node that has to answer; None is this one, or nobody knows, or it is gone."""
        if route.answered_by in {AnsweredBy.LEADER, AnsweredBy.LEADER_IN_PARTS}:
            views, vhost = self._node.views, names["vhost"]
            if "exchange" in names:
                name = views.leader_behind(vhost, names["exchange"])
            else:
                name = views.leader_of(vhost, names["queue"])
        elif route.answered_by is AnsweredBy.NAMED_NODE:
            name = names["node"]
        else:
            return None
        return next((each for each in self.others() if each.name == name), None)

    async def answers_of_all(self, forwarded: Forwarded) -> Sequence[Response | None]:
        """Return the answers of all other nodes that run; None is one without an answer."""
        peers = self._peers
        if peers is None:
            return ()
        is_look = forwarded.request.method in _LOOKING

        async def asked(node: str) -> Response | None:
            try:
                return await self._asked(peers, node, forwarded, is_look=is_look)
            except (PeerAwayError, PeerRefusedError):
                return None

        return await asyncio.gather(*[asked(each.name) for each in self.others()])

    async def _asked(
        self, peers: Peers, node: str, forwarded: Forwarded, *, is_look: bool
    ) -> Response:
        within_s = LOOK_S if is_look else CHANGE_S
        return answer_of(await peers.ask(node, SUBJECT, question_of(forwarded), within_s))


def question_of(forwarded: Forwarded) -> bytes:
    """Return a request as octets: a line of JSON, and its body."""
    request = forwarded.request
    account = forwarded.account
    head = {
        "method": request.method,
        "path": request.path,
        "query": request.query.pairs(),
        "headers": {name: request.headers[name] for name in _HEADERS if name in request.headers},
        "user": None if account.is_operator else account.name,
    }
    return json.dumps(head).encode() + b"\n" + request.body


def asked_of(octets: bytes, node: Node) -> Forwarded:
    """Return a request that another node asks.

    Raises:
        PeerRefusedError: it makes no sense, or the user is not known here.
    """
    text, _, body = octets.partition(b"\n")
    try:
        head = json.loads(text)
        name = head["user"]
        query = Query([(str(key), str(value)) for key, value in head["query"]])
        headers = {str(key): str(value) for key, value in head["headers"].items()}
        request = Request(str(head["method"]), str(head["path"]), query, headers, body)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PeerRefusedError("it is no request") from error
    if name is None:
        return Forwarded(replace(request, address=""), OPERATOR)
    user = node.views.user(str(name))
    if user is None:
        raise PeerRefusedError(f"there is no user {name}")
    return Forwarded(request, account_of(user.name, user.tags))


def octets_of(response: Response, body: bytes) -> bytes:
    """Return an answer as octets: a line of JSON, and its body."""
    head = {
        "status": response.status,
        "headers": dict(response.headers),
        "type": response.content_type,
    }
    return json.dumps(head).encode() + b"\n" + body


def answer_of(octets: bytes) -> Response:
    """Return the answer of another node.

    Raises:
        PeerRefusedError: it is none.
    """
    text, _, body = octets.partition(b"\n")
    try:
        head: Any = json.loads(text)
        status, headers, content_type = int(head["status"]), head["headers"], head["type"]
        headers = {str(key): str(value) for key, value in headers.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PeerRefusedError("its answer is none of HTTP") from error
    if content_type is None:
        return empty(status, headers)
    return Response(status, body, headers, str(content_type))


def _where(node: ClusterNode) -> str:
    return f" at {node.http_address}" if node.http_address else ""


def _may_be_done(error: Exception) -> bool:
    return isinstance(error, PeerAwayError) and error.was_asked
