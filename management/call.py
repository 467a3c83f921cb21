"""A request on its way through a handler: who asks for what, and the node that answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from management.access.account import Account
from management.access.login import Logins
from management.attention.board import Board
from management.bodies.queue_texts import QueueTexts
from management.forwarding import Peers
from management.http.errors import bad_request
from management.http.json_text import NotJsonError, loaded
from management.http.request import Request
from management.http.response import Response, answer
from management.identity import Identity
from management.jobs_elsewhere import JobsElsewhere
from management.lists.columns import Columns
from management.live.hub import Hub
from management.live.listeners import Listeners
from management.live.log import RecentLog
from management.node import Node
from management.peer_rows import PeerRows
from management.places import Places
from management.relaying import Relays
from management.routing.route import Route
from management.samples.sampler import Sampler

_NOTHING: Final = frozenset({b"", b"null", b"undefined"})

DOUBLY_ENCODED: Final = (
    "invalid payload: the request body JSON-decoded to a string. Is the input doubly-JSON-encoded?"
)


@dataclass(frozen=True, slots=True)
class Services:
    """What handlers need besides the request, one of each in a node.

    Attributes:
        node: the broker.
        logins: the way in, and the sessions of browsers.
        identity: what the node says of itself.
        sampler: the numbers of everything over time.
        queue_texts: the JSON of queues that do nothing.
        attention: what needs a hand.
        listeners: who is sent events.
        hub: shows them topics.
        log: the last lines of the log.
        settings_text: returns the settings in force, without secrets.
        rates_mode: as the settings have it.
        routes: all rows of the route table.
        scrapes: places of requests for metrics; each holds the numbers of all that it shows.
        told: rows of lists that the other nodes of the cluster have told.
        relays: long answers of other nodes.
        jobs_elsewhere: the jobs that other nodes have told.
        peers: the other nodes; None is a node in no cluster.
    """

    node: Node
    logins: Logins
    identity: Identity
    sampler: Sampler
    queue_texts: QueueTexts
    attention: Board
    listeners: Listeners
    hub: Hub
    log: RecentLog
    settings_text: Callable[[], str]
    rates_mode: str
    routes: tuple[Route, ...]
    scrapes: Places
    told: PeerRows
    relays: Relays
    jobs_elsewhere: JobsElsewhere = field(default_factory=JobsElsewhere)
    peers: Peers | None = None

    def cluster_name(self) -> str:
        """Return the name that the cluster was given, or that of the settings."""
        for parameter in self.node.views.global_parameters():
            if parameter.name == "cluster_name" and isinstance(parameter.value, str):
                return parameter.value
        return self.identity.cluster


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may be carried out.

    Attributes:
        request: as it came.
        names: of the path, decoded.
        services: of this node.
        user: who asks; None where the route needs no login.
        large_body: a body that was too large to be read at once; None is another.
        is_forwarded: whether another node of the cluster asks, which no node is asked for then.
        node: the broker; its commands are those of the user.
    """

    request: Request
    names: Mapping[str, str]
    services: Services
    user: Account | None
    large_body: dict[str, Any] | None = None
    is_forwarded: bool = False
    node: Node = field(init=False)

    def __post_init__(self) -> None:
        """Note whose commands these are: once, because lists ask for the node with each row."""
        node = self.services.node
        acting = node if self.user is None else node.acting_as(self.user.name)
        object.__setattr__(self, "node", acting)

    @property
    def account(self) -> Account:
        """Who asks, on a route that needs a login."""
        assert self.user is not None, "the right of the route needs a login"
        return self.user

    def still_stands(self) -> bool:
        """Whether the user still is who they were when they asked, and is logged in.

        Whether one is logged in at another node is looked at there.
        """
        logins = self.services.logins
        if self.is_forwarded:
            return logins.is_same(self.account)
        return logins.still_stands(self.request, self.account)

    @property
    def vhost(self) -> str:
        """The vhost of the path."""
        return self.names["vhost"]

    def body(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object; nothing is an empty one.

        Raises:
            HttpError: 400, it is none.
        """
        if self.large_body is not None:
            return self.large_body
        text = self.request.body.strip()
        if text in _NOTHING:
            return {}
        try:
            value = loaded(text)
        except NotJsonError as error:
            raise bad_request("not_json") from error
        if isinstance(value, str):
            raise bad_request(DOUBLY_ENCODED)
        if value is True:
            return {}
        if not isinstance(value, dict):
            raise bad_request("not_json")
        return cast("dict[str, Any]", value)

    def answer(self, value: Mapping[str, Any]) -> Response:
        """Return an object as the answer, with the columns that the request asks for."""
        return answer(Columns(self.request.query).of(value))

    def enterable_vhosts(self) -> list[str]:
        """Return the vhosts that the user may enter, by name: lists of objects show only those.

        The header ``x-vhost`` picks one of them.
        """
        wanted = self.request.header("x-vhost") or None
        names = [name for name in self.node.vhost_names() if wanted in {None, name}]
        return [name for name in names if self.may_enter(name)]

    def visible_vhosts(self) -> list[str]:
        """Return the vhosts that the user sees: all of them for one who monitors."""
        if self.account.is_monitor:
            return self.node.vhost_names()
        return [name for name in self.node.vhost_names() if self.may_enter(name)]

    def may_enter(self, vhost: str) -> bool:
        """Whether the user has rights in a vhost."""
        return self.account.is_operator or self.node.may_enter(self.account.name, vhost)
