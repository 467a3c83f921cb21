"""One link at work: it connects to an upstream, takes messages, and connects again.

Source: RabbitMQ 3.10, rabbit_federation_link_util: states and the texts of errors.
"""

import asyncio
import contextlib
import logging
import socket
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from amqp_server.broker.broker import Broker
from amqp_server.broker.federation.links import ERROR, RUNNING, STARTING, Link, LinkState
from amqp_server.broker.shovels.uris import TIMEOUT_S, AmqpUri, UriError, amqp_uri
from amqp_server.federation.pace import Pace
from amqp_server.shovels.connection import OutwardConnection
from amqp_server.shovels.dialing import Dialled
from amqp_server.shovels.errors import RemoteError
from exchanges.erlang_terms import erlang_term

log = logging.getLogger(__name__)

LEAVING_S: Final = 5.0
"""How long a link that is gone may take to delete what it made at its upstream."""

_LOSSES: Final = (OSError, RemoteError, TimeoutError, UriError)


class Surroundings(NamedTuple):
    """What the links of a node share.

    Attributes:
        broker: of the node.
        local: connects to this node.
        login: user and password for that.
        now_ms: the time of day, in ms.
        pace: when they may connect.
        cluster: our name.
    """

    broker: Broker
    local: Callable[[], Awaitable[Dialled]]
    login: tuple[str, str]
    now_ms: Callable[[], int]
    pace: Pace
    cluster: Callable[[], str]


class Connected(NamedTuple):
    """A link that has its two connections.

    Attributes:
        uri: of the upstream, as it was given.
        vhost: at the upstream.
        cluster: name of the upstream.
    """

    uri: str
    vhost: str
    cluster: str
    upstream: OutwardConnection
    here: OutwardConnection


class LinkWorker:
    """Takes the messages of one link.

    Attributes:
        is_gone: the link is no more, so what it made at the upstream is deleted as it ends.

    Args:
        link: where from and where to.
        around: what it shares with others.
    """

    def __init__(self, link: Link, around: Surroundings) -> None:
        self.link = link
        self.is_gone = False
        self.around = around
        self._state = LinkState(link, STARTING, around.now_ms())
        around.broker.federation.begin(self._state)

    async def run(self) -> None:
        """Take messages until it is cancelled."""
        delay_s = self.link.upstream.reconnect_delay_s
        while True:
            await self.around.pace.slot()
            self._note(STARTING)
            try:
                await self._run_once()
            except _LOSSES as error:
                text = error_text(error)
                link = self.link
                what = (link.kind, link.name, link.vhost, link.upstream.name, text)
                log.warning("federation of %s %r in vhost %r from upstream %r: %s", *what)
                self._note(ERROR, error=text)
            await asyncio.sleep(delay_s)

    async def _run_once(self) -> None:
        uri, upstream = await self._connect()
        text = amqp_uri(uri)
        cluster = upstream.server_text("cluster_name") or text.host
        try:
            here = await OutwardConnection.connect(
                self._own_uri(self.link.vhost), self._name, self.around.local
            )
            try:
                await self._serve(Connected(uri, text.vhost, cluster, upstream, here))
            finally:
                await here.close()
        finally:
            if self.is_gone and not self.link.upstream.keeps_resources:
                with contextlib.suppress(*_LOSSES):
                    async with asyncio.timeout(LEAVING_S):
                        await self.clean_up(upstream, text.vhost)
            await upstream.close()

    @property
    def _name(self) -> str:
        link = self.link
        return f"Federation link (upstream: {link.upstream.name}, policy: {link.policy})"

    def _own_uri(self, vhost: str) -> AmqpUri:
        return AmqpUri(False, "", 0, *self.around.login, vhost, None, TIMEOUT_S, {})  # noqa: FBT003

    async def _connect(self) -> tuple[str, OutwardConnection]:
        """Connect to the first URI that answers.

        Raises:
            OSError, TimeoutError, RemoteError: that of the last one.
        """
        failure: Exception = RemoteError("there is no URI")
        for text in self.link.upstream.uris:
            self._state = self._state._replace(uri=text)
            uri = amqp_uri(text)
            try:
                if uri.host:
                    return text, await OutwardConnection.connect(uri, self._name)
                own = self._own_uri(uri.vhost)
                return text, await OutwardConnection.connect(own, self._name, self.around.local)
            except (OSError, TimeoutError, RemoteError) as error:
                failure = error
        raise failure

    async def _serve(self, ends: Connected) -> None:
        """Take messages until a connection is lost.

        Raises:
            RemoteError, OSError: it was.
        """
        waits = [
            asyncio.ensure_future(ends.upstream.until_lost()),
            asyncio.ensure_future(ends.here.until_lost()),
            asyncio.ensure_future(self.serve(ends)),
        ]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                if wait in done:
                    wait.result()
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    @abstractmethod
    async def serve(self, ends: Connected) -> None:
        """Declare what must be there and take messages; never return."""

    async def clean_up(self, upstream: OutwardConnection, vhost: str) -> None:
        """Delete what was made at the upstream; a link of a queue made nothing."""

    def running(self, ends: Connected) -> None:
        """Note that messages are taken from now on."""
        self._note(RUNNING, local_connection=ends.here.local_name)

    def taken(self, count: int) -> None:
        """Note that messages were taken."""
        self._state = self._state._replace(received=self._state.received + count)
        self.around.broker.federation.update(self._state)

    def failed(self, text: str) -> None:
        """Note that it will not run again by itself."""
        self._note(ERROR, error=text)

    def _note(self, status: str, *, error: str = "", local_connection: str = "") -> None:
        self._state = self._state._replace(
            status=status,
            changed_at_ms=self.around.now_ms(),
            error=error,
            local_connection=local_connection,
        )
        self.around.broker.federation.update(self._state)


def error_text(error: Exception) -> str:
    """Return why a link does not run: in RabbitMQ's words where it has some."""
    text = str(error)
    if isinstance(error, RemoteError) and "ACCESS_REFUSED - Login" in text:
        return f"{{auth_failure,{_quoted(text.partition(' ')[2])}}}"
    if isinstance(error, ConnectionRefusedError):
        return "econnrefused"
    if isinstance(error, socket.gaierror):
        return "nxdomain"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionResetError):
        return "econnreset"
    return text or type(error).__name__


def _quoted(text: str) -> str:
    return erlang_term(text)[2:-2] if text else '""'
