"""Finds what is wrong with the files that the settings name: certificates, definitions.

It writes nothing and does not listen. It applies definitions to a broker in memory.
"""

from dataclasses import replace
from pathlib import Path

from amqp_server import exit_status
from amqp_server.app import build_broker
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
    return problems


def listeners_of(settings: Settings) -> list[str]:
    """Return a line for each listener of a start: key, and the URI where clients connect.

    The scheme names the protocol.
    """
    return [
        f"net.listeners[{index}]: "
        + PROTOCOLS[where.protocol].uri(where.address, where.port, is_tls=where.tls)
        for index, where in enumerate(settings.net.listeners)
    ]


def _definitions_problems(settings: Settings, path: Path) -> list[str]:
    where = f"broker.load_definitions: {path}: "
    section = replace(settings.broker, data_dir=None, load_definitions_strict=True)
    try:
        build_broker(replace(settings, broker=section))
    except exit_status.EXPECTED_ERRORS as error:
        return [where + line.removeprefix(where) for line in str(error).splitlines()]
    return []
