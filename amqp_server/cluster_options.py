"""What a node of a cluster is started with, made of its settings."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from amqp_server import __version__
from amqp_server.broker.protocol_counts import STREAM
from amqp_server.cluster_files import etcd_address_of, link_contexts_of, secret_of
from amqp_server.net.listener import open_sockets
from amqp_server.net.local_socket import open_local_socket
from amqp_server.net.settings import ListenerSettings
from amqp_server.settings.schema import Settings
from cluster.node.options import LINKS, TLS_SUFFIX, ClusterOptions, LinkTls
from cluster.placement.asking import ReplicaRules
from cluster.settings import ANY_HOSTS, UNIX_PREFIX, host_and_port, is_unix
from management.settings import HttpListenerSettings

LISTEN_KEY: Final = "cluster.links.listen"
LINKS_BACKLOG: Final = 128


def options_of(settings: Settings) -> ClusterOptions:
    """Return the options of a node, with the sockets of its links open.

    Args:
        settings: of the node; ``settings.cluster.is_clustered`` holds.

    Raises:
        ClusterFilesError: a file cannot be used.
        ListenError: the address of the links cannot be listened on.
    """
    section = settings.cluster
    assert section.is_clustered, "a node that is alone has no options of a cluster"
    tls = None
    if section.links.tls is not None:
        contexts = link_contexts_of(section.links.tls)
        tls = LinkTls(contexts.accepting, contexts.dialing, section.links.tls.names_nodes)
    secret, etcd = secret_of(section), etcd_address_of(section.etcd)
    return ClusterOptions(
        cluster=section.name,
        node=settings.broker.node_name,
        etcd=etcd,
        secret=secret,
        listening=_opened(section.links.listen),
        addresses=tuple(addresses_of(settings)),
        zone=section.zone,
        release=__version__,
        tls=tls,
        lease_ttl_ms=section.lease_ttl_ms,
        lease_margin_ms=section.lease_ttl_ms // 3,
    )


def rules_of(settings: Settings) -> ReplicaRules:
    """Return what holds for queues that do not say themselves how they are replicated."""
    section = settings.cluster.replication
    return ReplicaRules(section.replicas, section.min_isr)


def addresses_of(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield where this node is reached: links, and the first listener of each kind of client.

    One that speaks TLS is another kind. A listener on all addresses is told by the host of the
    links, or else by this host's name.
    """
    links = settings.cluster.links
    reached = links.advertise or links.listen
    host = socket.gethostname() if is_unix(reached) else host_and_port(reached)[0]
    yield LINKS, reached
    told = set[str]()
    for protocol, where in _listening(settings):
        kind = protocol + TLS_SUFFIX if where.tls else protocol
        if kind in told:
            continue
        told.add(kind)
        shown = host if where.address in ANY_HOSTS else where.address
        port = where.port
        if protocol == STREAM:
            stream = settings.stream_protocol.advertised(is_tls=where.tls)
            shown, port = stream.host or shown, stream.port or port
        yield kind, f"[{shown}]:{port}" if ":" in shown else f"{shown}:{port}"


def _listening(settings: Settings) -> Iterator[tuple[str, ListenerSettings | HttpListenerSettings]]:
    for each in settings.net.listeners:
        yield each.protocol, each
    for management in settings.management.listeners:
        yield "http", management


def _opened(listen: str) -> tuple[socket.socket, ...]:
    if is_unix(listen):
        return (open_local_socket(Path(listen.removeprefix(UNIX_PREFIX)), LISTEN_KEY),)
    host, port = host_and_port(listen)
    where = ListenerSettings(address=host, port=port)
    return tuple(open_sockets(where, LINKS_BACKLOG, key=LISTEN_KEY))
