"""Puts the parts of management together, for the node that starts it."""

import asyncio
import os
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from amqp_server.broker.admin import Admin
from amqp_server.broker.events import Events
from amqp_server.broker.views import Views
from management.access.login import Logins
from management.access.sessions import Sessions
from management.application import Application
from management.attention.board import Board
from management.bodies.queue_texts import QueueTexts
from management.call import Services
from management.forwarding import Peers
from management.identity import Identity
from management.live.hub import Hub
from management.live.listeners import Listeners
from management.live.log import NoLog, RecentLog
from management.live.pictures import Pictures
from management.metrics import scraping
from management.node import Node
from management.pages import Pages
from management.peer_rows import PeerRows
from management.places import Places
from management.relaying import Relays
from management.route_table import ROUTES
from management.samples.sampler import Sampler
from management.server import HttpServer
from management.settings import ManagementSettings
from management.slices import Slices
from management.web_ui import WebUi

PRODUCT: Final = "HareMQ"
METRICS_BODY_BYTES_MAX: Final = 1_024
"""Largest body of a request for metrics, which has none."""

STOP_GRACE_S: Final = 2.0
"""How long requests under way have when the node stops."""


class Management:
    """The management of a node.

    Attributes:
        node: the broker as management sees it.
        services: what handlers need.
        application: answers requests.
        server: drives the connections of clients.
        scraping: answers requests for metrics.
        metrics_server: the same, of those who scrape metrics.

    Args:
        settings: of management.
        views: of the broker.
        admin: its commands.
        events: of the broker.
        request_turn: has the loop make a turn.
        now_ms: the clock of instants.
        version: our own.
        node_name, cluster_name: of a node of a cluster, as the cluster knows them; empty: it is by
            itself, and is named after its host.
        data_dir, config_files: see ``Identity``.
        log: the last lines of the log; None where it goes elsewhere.
        settings_text: returns the settings in force, without secrets.
        peers: the other nodes of the cluster; None where there is none.
    """

    _sampling: asyncio.Task[None] | None = None

    def __init__(
        self,
        settings: ManagementSettings,
        views: Views,
        admin: Admin,
        events: Events,
        request_turn: Callable[[], None],
        now_ms: Callable[[], int],
        *,
        version: str,
        node_name: str = "",
        cluster_name: str = "",
        data_dir: str = "",
        config_files: tuple[str, ...] = (),
        log: RecentLog | None = None,
        settings_text: Callable[[], str] = str,
        peers: Peers | None = None,
    ) -> None:
        self.node = Node(views, admin, events, request_turn, now_ms, Slices(time.perf_counter_ns))
        identity = Identity(
            *_names(node_name, settings.cluster_name or cluster_name),
            settings.rabbitmq_version,
            PRODUCT,
            version,
            data_dir,
            config_files,
        )
        attention, queue_texts = Board(self.node, identity.node), QueueTexts(identity)
        sampler = Sampler(self.node, attention, queue_texts.forgetting)
        told = PeerRows(self.node, identity.node, peers)
        self.services = Services(
            self.node,
            Logins(self.node, _sessions(settings), frozenset({0, os.geteuid()})),
            identity,
            sampler,
            queue_texts,
            attention,
            Listeners(),
            Hub(self.node, Pictures(self.node, sampler, attention, told)),
            NoLog() if log is None else log,
            settings_text,
            settings.rates_mode,
            ROUTES,
            Places(scraping.SCRAPES_MAX, scraping.WAITING_MAX),
            told,
            Relays(peers),
            peers=peers,
        )
        slices = Slices(time.perf_counter_ns, scraping.SLICE_NS)
        self.scraping = scraping.Scraping(
            replace(self.services, node=Node(views, admin, events, request_turn, now_ms, slices)),
            views.node().wall_ms / 1000,
            needs_login=settings.metrics_login,
        )
        # Where users log in, metrics are for those who monitor, whatever the settings say.
        metrics = self.scraping.answering_to_monitors
        self.application = Application(self.services, settings, Pages(WebUi()), metrics)
        self.server = HttpServer(self.application, settings.body_bytes_max)
        self.metrics_server = HttpServer(self.scraping, METRICS_BODY_BYTES_MAX)

    def start(self) -> None:
        """Begin to look at the counters, unless the settings say not to."""
        if self.services.rates_mode != "none":
            self._sampling = asyncio.get_running_loop().create_task(self.services.sampler.run())

    async def stop(self) -> None:
        """Let requests under way end, and close the connections."""
        if self._sampling is not None:
            self._sampling.cancel()
        self.services.listeners.end()
        await self.services.told.stop()
        await self.services.relays.stop()
        await self.application.stop()
        await asyncio.gather(self.server.stop(STOP_GRACE_S), self.metrics_server.stop(STOP_GRACE_S))


def _names(node: str, cluster: str) -> tuple[str, str]:
    """Return the names of node and cluster; what has none is named after the host."""
    host = socket.gethostname().partition(".")[0]
    return node or f"rabbit@{host}", cluster or f"rabbit@{socket.getfqdn()}"


def _sessions(settings: ManagementSettings) -> Sessions:
    return Sessions(settings.sessions_max, settings.session_timeout_s * 1000)
