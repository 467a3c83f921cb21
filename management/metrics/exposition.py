"""The text of an endpoint, in pieces: what is there is collected, and written group by group.

    endpoint → place → groups → lines, in pieces

Messages go on between two slices, and between two pieces a client reads as fast as it can. An
answer that takes longer than ``SCRAPE_MAX_MS`` ends without its end.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from management.call import Services
from management.metrics.endpoints import About, Endpoint, Groups, Scrape, groups_of
from management.metrics.family import Group
from management.metrics.node import permanent_id
from management.metrics.selection import Selection
from management.metrics.sources import Sources
from management.metrics.text import written
from management.node import Node

SCRAPE_MAX_MS: Final = 60_000
"""Longest time of a scrape: Prometheus gives up after ten seconds unless told otherwise."""

PIECE_CHARACTERS: Final = 32_768
"""About how large the pieces of an answer are."""

INTERNAL_CLUSTER_ID: Final = "internal_cluster_id"
"""The global parameter in which RabbitMQ keeps the name that a cluster has for ever."""


async def exposed(
    services: Services,
    endpoint: Endpoint,
    selection: Selection,
    started_s: float,
    more: Sequence[Group] = (),
) -> AsyncIterator[bytes]:
    """Yield the text of an endpoint.

    Args:
        services: the node, whose slices are used.
        endpoint: what is shown.
        selection: what of it.
        started_s: when the process started, since 1970.
        more: what is shown behind it.

    Raises:
        TimeoutError: it takes too long.
    """
    node = services.node
    began_ms = node.now_ms()
    gathered: list[str] = []
    gathered_characters = 0
    await node.slices.begin()
    scrape = Scrape(_about(services, started_s), Sources(node, selection), selection)
    async for group in _and(groups_of(endpoint, scrape), more):
        for lines in written(group, endpoint.prefix):
            gathered.append(lines)
            gathered_characters += len(lines)
            if gathered_characters >= PIECE_CHARACTERS:
                yield _octets(gathered)
                gathered, gathered_characters = [], 0
                if node.now_ms() - began_ms > SCRAPE_MAX_MS:
                    raise TimeoutError
                await node.slices.pause()
            elif node.slices.is_spent():
                await node.slices.pause()
    yield _octets(gathered)


def started_s(node: Node) -> float:
    """Return when a node began to listen, since 1970; now where nobody knows."""
    view = node.views.node()
    uptime_ms = 0 if view.resources is None else view.resources.uptime_ms
    return (view.wall_ms - uptime_ms) / 1_000


def _about(services: Services, started_s: float) -> About:
    identity = services.identity
    given = [
        each.value
        for each in services.node.views.global_parameters()
        if each.name == INTERNAL_CLUSTER_ID
    ]
    cluster_id = permanent_id(identity, given[0] if given else None)
    return About(identity, services.cluster_name(), cluster_id, started_s)


async def _and(groups: Groups, more: Sequence[Group]) -> Groups:
    async for group in groups:
        yield group
    for group in more:
        yield group


def _octets(lines: list[str]) -> bytes:
    """Return lines as UTF-8; octets of a name that are none stand as a replacement character."""
    return "".join(lines).encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode()
