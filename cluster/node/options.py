"""What a node of a cluster is started with: one value, which the settings are made into."""

import socket
import ssl
from dataclasses import dataclass, field
from typing import Final

from cluster.links.settings import LinkSettings
from cluster.metadata.etcd.address import EtcdAddress
from cluster.metadata.records import FEATURE_LEVELS
from cluster.replication.timers import Timers

LEASE_TTL_MS: Final = 3_000
"""A node that was killed is gone for the others after this time and about half a second: with an
election that is well below 5 s. etcd as Debian starts it makes 2 s of anything below."""

LEASE_TTL_MS_MIN: Final = 2_000
LINKS: Final = "links"
"""The protocol of links among the addresses of a node."""
TLS_SUFFIX: Final = "-tls"
"""Behind the protocol of an address where clients speak TLS."""
UNIX_PREFIX: Final = "unix:"
"""Begins an address that is the path of a Unix socket; all others are ``host:port``."""


@dataclass(frozen=True, slots=True)
class LinkTls:
    """How links over TCP are encrypted.

    Attributes:
        accepting: of this node as a server; it asks for certificates where these must name nodes.
        dialing: of this node as a client.
        names_nodes: the other side's certificate must name its node.
    """

    accepting: ssl.SSLContext
    dialing: ssl.SSLContext
    names_nodes: bool = False


@dataclass(frozen=True, slots=True)
class NodeTimes:
    """How often a node does what it does again and again, in ms.

    Attributes:
        turn_ms: between two turns of the replication core.
        stamp_ms: between two raises of the stamp (R20).
        retry_ms: before the store is asked again that did not answer; twice as long each time.
        retry_max_ms: the longest such wait.
        audit_ms: between two looks at all queues, for what a lost answer left undone.
        hand_over_ms: how long a clean stop waits for its queues to be led by others.
    """

    turn_ms: int = 25
    stamp_ms: int = 5_000
    retry_ms: int = 50
    retry_max_ms: int = 2_000
    audit_ms: int = 2_000
    hand_over_ms: int = 2_000


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """All that a node is told of its cluster.

    Attributes:
        cluster: its name, alike on all nodes.
        node: of this one, which no other node of the cluster has.
        etcd: the metadata store.
        secret: of the cluster, by which nodes prove to each other that they belong to it; empty
            only where certificates name the nodes.
        listening: bound sockets for links, of TCP or Unix, not blocking; the node closes them.
        addresses: where others reach this node, by protocol: ``links`` must be there, ``amqp``,
            ``http`` and ``stream`` are told to whoever asks, and with ``TLS_SUFFIX`` the same for
            TLS. ``host:port``, and for links also ``unix:<path>``.
        zone: where the node stands, such as a rack; empty where that does not matter.
        release: of HareMQ, as others see it.
        tls: of links; None: they are not encrypted.
        lease_ttl_ms: after which a silent node is gone for the others.
        lease_margin_ms: by how much earlier its own clock says so.
        timers: of the replication core.
        links: bounds and times of links.
        times: what the node does again and again.
        requests_max: requests to the store that are under way at a time.
        levels: the least and the greatest feature level that it knows.
    """

    cluster: str
    node: str
    etcd: EtcdAddress
    secret: bytes = field(repr=False)
    listening: tuple[socket.socket, ...]
    addresses: tuple[tuple[str, str], ...]
    zone: str = ""
    release: str = ""
    tls: LinkTls | None = None
    lease_ttl_ms: int = LEASE_TTL_MS
    lease_margin_ms: int = 1_000
    timers: Timers = field(default_factory=Timers)
    links: LinkSettings = field(default_factory=LinkSettings)
    times: NodeTimes = field(default_factory=NodeTimes)
    requests_max: int = 16
    levels: tuple[int, int] = FEATURE_LEVELS

    def __post_init__(self) -> None:
        """Refuse what could not work, with a text for the operator.

        Raises:
            ValueError: names that are missing, a lease that is too short, links without trust.
        """
        if not self.cluster or not self.node:
            raise ValueError("expected the names of the cluster and of this node, got none")
        if self.lease_ttl_ms < LEASE_TTL_MS_MIN:
            raise ValueError(
                f"expected a lease of {LEASE_TTL_MS_MIN} ms or more, got {self.lease_ttl_ms}"
            )
        if not 0 <= self.lease_margin_ms < self.lease_ttl_ms:
            raise ValueError("expected a margin below the time of the lease")
        if LINKS not in dict(self.addresses):
            raise ValueError("expected the address under which other nodes reach the links")
        if not self.secret and not (self.tls is not None and self.tls.names_nodes):
            raise ValueError("expected a secret of the cluster, or certificates that name nodes")
        if self.tls is not None and self.tls.names_nodes and self._is_on_unix_socket():
            raise ValueError("expected links over TCP, as a Unix socket shows no certificate")
        if self.requests_max < 1:
            raise ValueError("expected room for a request to the store")

    def _is_on_unix_socket(self) -> bool:
        return dict(self.addresses)[LINKS].startswith(UNIX_PREFIX)
