"""The HTTP API of a node: management behind its listeners, from the start to the stop.

Where management does not start for any reason but its address, the node goes on without it.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from amqp_server import __version__
from amqp_server.broker.admin import Admin
from amqp_server.broker.broker import Broker
from amqp_server.broker.views import Views
from amqp_server.net.asyncio_server import AsyncioServer
from amqp_server.net.listener import ListenError
from amqp_server.net.local_socket import close_local_path, open_local_socket
from amqp_server.net.log_output import LogOutput
from amqp_server.net.reactor import Reactor
from amqp_server.net.server import Bound, Server
from amqp_server.net.settings import ListenerSettings
from amqp_server.net.tls import TlsContexts
from amqp_server.settings.effective import effective_text
from amqp_server.settings.schema import Settings
from management.composition import Management
from management.forwarding import Peers
from management.server import HttpServer
from management.settings import HttpListenerSettings, MetricsListenerSettings

log = logging.getLogger(__name__)

CONTROL_KEY: Final = "management.control_socket"
CONTROL_CONNECTIONS_MAX: Final = 32
"""Connections open at a time on the control socket; later ones wait in the kernel."""


HTTP: Final = "http"
METRICS: Final = "http/prometheus"
"""RabbitMQ's words for what is spoken on a listener."""


class HttpApi:
    """Management, and the sockets that it is served on.

    Args:
        loop: of the node.
        broker: that is managed.
        reactor: makes the turns of commands.
        settings: of the node.
        tls: the certificates of the node; None where it has none.
        log_output: writes the log; None where others do.
        peers: the other nodes of the cluster; None where there is none.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        broker: Broker,
        reactor: Reactor,
        settings: Settings,
        tls: TlsContexts | None,
        log_output: LogOutput | None = None,
        *,
        peers: Peers | None = None,
    ) -> None:
        section, is_clustered = settings.management, settings.cluster.is_clustered
        self._listeners = _listeners(section.listeners)
        self._metrics_listeners = _listeners(section.metrics_listeners)
        self.management = Management(
            section,
            Views(broker),
            Admin(broker),
            broker.events,
            reactor.request_turn,
            reactor.now_ms,
            version=__version__,
            node_name=settings.broker.node_name if is_clustered else "",
            cluster_name=settings.cluster.name if is_clustered else "",
            data_dir="" if settings.broker.data_dir is None else str(settings.broker.data_dir),
            settings_text=partial(effective_text, settings),
            log=None if log_output is None else log_output.recent,
            peers=peers,
        )

        def server(http: HttpServer, key: str, protocol: str) -> AsyncioServer:
            return AsyncioServer(
                loop,
                http.make_protocol,
                key=f"management.{key}",
                protocol=protocol,
                connections_max=section.connections_max,
                tls=tls,
            )

        self._server = server(self.management.server, "listeners", HTTP)
        self._metrics_server = server(self.management.metrics_server, "metrics_listeners", METRICS)
        # Of its own: whoever runs the node gets in when others have all connections.
        self._control = AsyncioServer(
            loop,
            self.management.server.make_protocol,
            key=CONTROL_KEY,
            protocol="control",
            connections_max=CONTROL_CONNECTIONS_MAX,
            tls=None,
        )
        self._control_path = control_path(section.control_socket, settings.broker.data_dir)
        self._has_control = False

    @property
    def bound(self) -> Sequence[Bound]:
        """The addresses that it is served on."""
        return [*self._server.bound, *self._metrics_server.bound]

    def listen(self) -> None:
        """Begin to serve on all addresses, or on none.

        Raises:
            ListenError: an address cannot be listened on.
        """
        self._server.listen(self._listeners)
        try:
            self._metrics_server.listen(self._metrics_listeners)
        except ListenError:
            self._server.stop_listening()
            raise
        if self._listeners:
            self._listen_locally()
            self.management.start()

    def _listen_locally(self) -> None:
        """Serve the control socket; a node goes on without it, where its path cannot be used."""
        if self._control_path is None:
            return
        try:
            self._control.listen_on(open_local_socket(self._control_path, CONTROL_KEY))
        except ListenError as error:
            log.warning("no control socket: %s", error)
            return
        self._has_control = True
        log.info("listening socket=%s", self._control_path)

    async def stop(self) -> None:
        """Accept no client, and let requests under way end."""
        self._server.stop_listening()
        self._metrics_server.stop_listening()
        self._control.stop_listening()
        if self._has_control and self._control_path is not None:
            close_local_path(self._control_path)
        try:
            await self.management.stop()
        except Exception:
            log.exception("management did not stop in order")


def listen_on_all(server: Server, http_api: HttpApi) -> None:
    """Begin to serve clients and management, on all addresses or on none.

    A client that is accepted while the loop ends would be told nothing.

    Raises:
        ListenError: an address cannot be listened on.
    """
    server.listen()
    try:
        http_api.listen()
    except ListenError:
        server.stop_listening()
        raise


def _listeners(
    section: Sequence[HttpListenerSettings] | Sequence[MetricsListenerSettings],
) -> list[ListenerSettings]:
    return [
        ListenerSettings(address=where.address, port=where.port, tls=where.tls) for where in section
    ]


def control_path(name: str, data_dir: Path | None) -> Path | None:
    """Return the path of the control socket; None is none.

    Args:
        name: as the settings have it.
        data_dir: that a relative name is in; None: the node has none.
    """
    if not name:
        return None
    if Path(name).is_absolute():
        return Path(name)
    return None if data_dir is None else data_dir / name
