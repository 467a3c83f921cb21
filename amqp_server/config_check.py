"""Finds what is wrong with the files that the settings name: certificates, definitions, secrets.

It writes nothing, does not listen and asks nobody, etcd neither. It applies definitions to a broker
in memory.
"""

from dataclasses import replace
from pathlib import Path

from amqp_server import exit_status
from amqp_server.app import build_broker
from amqp_server.banner import web_uri
from amqp_server.cluster_files import problems_of_cluster
from amqp_server.net.timers import wall_ms
from amqp_server.net.tls_check import tls_problems
from amqp_server.protocols import PROTOCOLS
from amqp_server.settings.schema import Settings


def problems_of(settings: Settings) -> list[str]:
    """Return a line for each problem, key and file in front; empty if there is none.

    An item of the definitions that a start would leave out is a problem too.
    """
    problems = []
    if settings.net.tls is not None:
        problems += tls_problems(settings.net.tls, wall_ms() / 1000)
    if settings.broker.load_definitions is not None:
        problems += _definitions_problems(settings, settings.broker.load_definitions)
    return [*problems, *problems_of_cluster(settings.cluster, settings.broker.node_name)]


def listeners_of(settings: Settings) -> list[str]:
    """Return a line for each listener of a start: key, and the URI where clients connect.

    The scheme names the protocol.
    """
    section = settings.management
    uris = {
        "net.listeners": [
            PROTOCOLS[where.protocol].uri(where.address, where.port, is_tls=where.tls)
            for where in settings.net.listeners
        ],
        "management.listeners": [
            web_uri(where.address, where.port, is_tls=where.tls) for where in section.listeners
        ],
        "management.metrics_listeners": [
            web_uri(where.address, where.port, is_tls=where.tls) + "/metrics"
            for where in section.metrics_listeners
        ],
    }
    lines = [
        f"{key}[{index}]: {uri}" for key, found in uris.items() for index, uri in enumerate(found)
    ]
    if settings.cluster.is_clustered:
        lines.append(f"cluster.links.listen: {settings.cluster.links.listen}")
    return lines


def _definitions_problems(settings: Settings, path: Path) -> list[str]:
    where = f"broker.load_definitions: {path}: "
    section = replace(settings.broker, data_dir=None, load_definitions_strict=True)
    try:
        build_broker(replace(settings, broker=section))
    except exit_status.EXPECTED_ERRORS as error:
        return [where + line.removeprefix(where) for line in str(error).splitlines()]
    return []
