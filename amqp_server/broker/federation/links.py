"""How the links of a node are: what takes the messages writes them, views read them.

Source: RabbitMQ, rabbit_federation_status.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from amqp_server.broker.federation.upstream import Upstream
from amqp_server.broker.hidden_uris import without_credentials

STARTING: Final = "starting"
RUNNING: Final = "running"
ERROR: Final = "error"


@dataclass(frozen=True, slots=True)
class Link:
    """One exchange or queue here, and an upstream that it gets messages from.

    Attributes:
        kind: ``exchange`` or ``queue``.
        name: of the exchange or queue.
        policy: that federates it.
    """

    vhost: str
    kind: Literal["exchange", "queue"]
    name: str
    upstream: Upstream
    policy: str

    @property
    def upstream_name(self) -> str:
        """The name of the exchange or queue at the upstream."""
        upstream = self.upstream
        return (upstream.exchange if self.kind == "exchange" else upstream.queue) or self.name

    @property
    def consumer_tag(self) -> str:
        """That of the consumer at the upstream."""
        return self.upstream.consumer_tag or f"federation-link-{self.upstream.name}"

    @property
    def id(self) -> str:
        """Eight hexadecimal digits; the same after a restart."""
        parts = (self.vhost, self.kind, self.name, self.upstream.name, self.upstream_name)
        text = "\0".join(parts).encode("utf-8", "surrogateescape")
        return hashlib.sha256(text).hexdigest()[:8]


class LinkState(NamedTuple):
    """How a link is.

    Attributes:
        status: ``starting``, ``running`` or ``error`` (it waits to connect again).
        uri: where it is, or was last, connected to, without credentials.
        changed_at_ms: since when it is so.
        error: why it does not run; else empty.
        local_connection: name of its connection to this node; empty where there is none.
        received: messages that it took since its start.
    """

    link: Link
    status: str
    changed_at_ms: int
    uri: str = ""
    error: str = ""
    local_connection: str = ""
    received: int = 0


class Links:
    """The states of the links.

    Attributes:
        restart: connects a link anew; returns whether there is one. Set by what takes messages.
    """

    def __init__(self) -> None:
        self._states: dict[Link, LinkState] = {}
        self.restart: Callable[[str, str], bool] = lambda _vhost, _id: False

    def begin(self, state: LinkState) -> None:
        """Note a link that is new."""
        self._states[state.link] = state

    def update(self, state: LinkState) -> None:
        """Note how a link is now; one that is gone stays so."""
        if state.link in self._states:
            self._states[state.link] = state._replace(uri=without_credentials(state.uri))

    def drop(self, link: Link) -> None:
        """Forget a link that is gone."""
        self._states.pop(link, None)

    def all(self, vhost: str | None = None) -> Iterator[LinkState]:
        """Return the states in a vhost, or all, by vhost, kind, name and upstream."""
        found = [held for held in self._states.values() if vhost in {None, held.link.vhost}]
        yield from sorted(found, key=_place)


def _place(held: LinkState) -> tuple[str, str, str, str]:
    link = held.link
    return link.vhost, link.kind, link.name, link.upstream.name
