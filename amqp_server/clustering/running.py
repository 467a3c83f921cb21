"""How a start and a stop of a node deal with its cluster: what the composition root asks for."""

import asyncio
import logging
from collections.abc import Callable

from amqp_server.broker.announcing.event_exchange import EventExchange
from amqp_server.broker.broker import Broker
from amqp_server.clustering.minority import Entrance, MinorityWatch
from amqp_server.clustering.node import ClusteredNode
from amqp_server.net.reactor import Reactor
from amqp_server.settings.schema import Settings
from amqp_server.stored_node import StoredNode
from persistence.errors import DataDirectoryError

log = logging.getLogger(__name__)


def disk_of_cluster(settings: Settings, disk: StoredNode | None) -> StoredNode:
    """Return the disk of a node that belongs to a cluster.

    Raises:
        DataDirectoryError: there is none, or it has the definitions of a node by itself; the text
            says what to do.
    """
    if disk is None:
        raise DataDirectoryError("a node of a cluster needs a disk: set broker.data_dir")
    if disk.is_of_single_node:
        raise DataDirectoryError(
            f"data directory {settings.broker.data_dir}: expected one of a cluster's node, found"
            " the definitions of a node by itself; start with another data directory, then import"
            " these definitions (`haremq definitions export` on the old one) and move the messages"
            " by `haremq migrate`"
        )
    if settings.broker.load_definitions is not None:
        raise DataDirectoryError(
            "broker.load_definitions: a cluster has its definitions in the metadata store; import"
            " the file over the HTTP API of one node instead"
        )
    return disk


def behind(clustered: ClusteredNode | None, call: Callable[[], None]) -> Callable[[], None]:
    """Return the same call, but behind what the node's core asks for."""
    if clustered is None:
        return call
    carry_out = clustered.carry_out

    def carry_out_and_call() -> None:
        carry_out()
        call()

    return carry_out_and_call


async def begun(
    clustered: ClusteredNode, broker: Broker, reactor: Reactor, stop: asyncio.Event
) -> bool:
    """Take part in the cluster; return False where the node is to stop before that is done.

    It waits for the metadata store as long as that takes. Once the node takes part, ``stop`` is
    set when it cannot go on.

    Raises:
        Exception: what keeps the node out, see ``ClusteredNode.start``.
    """
    starting = asyncio.ensure_future(clustered.start(broker, reactor))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return False
    stopping.cancel()
    starting.result()
    EventExchange(broker).begin()
    failing = asyncio.ensure_future(clustered.failed())
    failing.add_done_callback(lambda done: _note_failure(done, clustered, stop))
    return True


def watched_minority(
    clustered: ClusteredNode | None, settings: Settings, entrance: Entrance
) -> "asyncio.Future[None]":
    """Begin to send clients away while too few nodes are heard, if the settings say so.

    Returns:
        What is to be cancelled before the node stops.
    """
    loop = asyncio.get_running_loop()
    if clustered is None or not settings.cluster.pause_minority:
        return loop.create_future()
    return loop.create_task(MinorityWatch(clustered.node, entrance).run())


def _note_failure(
    done: "asyncio.Future[None]", clustered: ClusteredNode, stop: asyncio.Event
) -> None:
    if not done.cancelled() and done.exception() is not None:
        log.critical("the node takes no part in the cluster any more: %s", done.exception())
        clustered.has_failed = True
        stop.set()
