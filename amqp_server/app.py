"""The composition root: builds the broker from the settings, runs it, and stops it.

The only module that may import every other one. A start reads the stored definitions, then makes
default users and vhosts, applies the definitions file, recovers messages, and opens the listeners.
A stop closes the listeners, the connections (320), the disk and the loop. SIGHUP reads the TLS
files again.
"""

import asyncio
import gc
import logging
import secrets
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import uvloop

from amqp_server import exit_status
from amqp_server.alarm_monitors import disk_monitor, memory_monitor
from amqp_server.banner import say_ready, say_start
from amqp_server.broker.access.rights import new_user
from amqp_server.broker.access.users import Users
from amqp_server.broker.announcing.event_exchange import EventExchange
from amqp_server.broker.backing import Backing
from amqp_server.broker.broker import Broker
from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.definitions.document import Document
from amqp_server.broker.queue import memory_log
from amqp_server.broker.turn import Turn
from amqp_server.clustering.node import ClusteredNode
from amqp_server.clustering.running import begun, behind, disk_of_cluster, watched_minority
from amqp_server.definitions_file import load_document, read_document
from amqp_server.federation.moving import begun_moving
from amqp_server.http_api import HttpApi, listen_on_all
from amqp_server.memory_shares import memory_rules, node_limits
from amqp_server.net.descriptors import (
    Descriptors,
    open_count,
    raise_limit,
    shared_out,
)
from amqp_server.net.disk_monitor import DiskMonitor
from amqp_server.net.freed_memory import keep_freed_memory
from amqp_server.net.log_output import LogOutput, begin_logging
from amqp_server.net.loop_lag import begun_lag
from amqp_server.net.reactor import Reactor
from amqp_server.net.readiness import tell_stopping
from amqp_server.net.resources import Resources
from amqp_server.net.server import Server
from amqp_server.net.storage import Storage
from amqp_server.net.timers import now_ms, wall_offset_ms
from amqp_server.protocols import connections_of
from amqp_server.settings.schema import Settings
from amqp_server.stored_node import StoredNode
from persistence.kernels import verify
from queues.options import Durability

log = logging.getLogger(__name__)

NS_PER_US: Final = 1_000
SOCKETS_PER_LISTENER: Final = 2
"""The name of an address may mean two addresses, one of each family."""

COLLECTOR_THRESHOLDS: Final = (4_000, 0, 0)
"""Container objects made before a collection. Each second one includes the middle generation, each
third one the oldest too. That is some 12,000 objects and takes 7 ms. The collector never walks the
objects that survive it again, so a smaller number makes pauses shorter and no more work."""

OLDEST_GENERATION: Final = 2


def run(settings: Settings, config_file: Path | None = None) -> int:
    """Run a node until SIGTERM or SIGINT.

    Args:
        settings: of the node.
        config_file: the file they were read from, for the log; None means the defaults.

    Returns:
        The exit status; see ``exit_status``.
    """
    log_output = begin_logging(
        sys.stderr, settings.net.log_lines_per_kind_max, settings.net.log_form
    )
    verify()
    keep_freed_memory()
    say_start(settings, config_file)
    # Objects made at a start stay. Walking them again and again would double the time of a start.
    gc.disable()
    try:
        return _run(settings, log_output)
    except exit_status.EXPECTED_ERRORS as error:
        for line in str(error).splitlines() or [repr(error)]:
            log.error("cannot start: %s", line)  # noqa: TRY400 — for the operator to mend, not a bug
        return exit_status.status_of(error)
    finally:
        if _let_be in gc.callbacks:
            gc.callbacks.remove(_let_be)
        gc.enable()


def _run(settings: Settings, log_output: LogOutput | None) -> int:
    path = settings.broker.data_dir
    descriptors = _descriptors(settings)
    node = (
        None if path is None else StoredNode(path, settings.persistence, descriptors.segments_max)
    )
    try:
        # The broker of a cluster is made of what the store has, once the loop runs.
        is_clustered = settings.cluster.is_clustered
        broker = None if is_clustered else build_broker(settings, node)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(broker, settings, node, descriptors, log_output))
    finally:
        if node is not None:
            node.close()


def build_broker(settings: Settings, node: StoredNode | None = None) -> Broker:
    """Return a broker with the stored definitions and those of the settings and their file.

    Args:
        settings: of the node.
        node: its disk; None keeps everything in memory.

    Raises:
        DefinitionsError: the definitions cannot be read, or some of them would be left out and the
            settings do not allow that; the text says where.
    """
    broker = _bare_broker(settings, _backing(settings, node), _turn(settings))
    if node is not None:
        node.restore(broker, now_ms())
    document = read_document(settings.broker, broker.users)
    if node is None or not node.has_definitions:
        if node is not None and not node.is_new:
            log.error("no definitions are left: default vhost and user are made as for a new node")
        _add_defaults(broker, document)
    load_document(broker, document, now_ms())
    if node is not None:
        node.recover_queues(broker, now_ms())
    EventExchange(broker).begin()
    return broker


def _turn(settings: Settings) -> Turn:
    budget = TurnBudget(time.perf_counter_ns, settings.net.turn_us * NS_PER_US)
    return Turn(settings.queues.deliveries_per_turn_max, budget)


def _bare_broker(settings: Settings, backing: Backing, turn: Turn) -> Broker:
    """Return a broker without vhosts."""
    return Broker(
        settings.broker,
        Users(settings.broker.loopback_users, backing.journal),
        turn,
        secrets.token_bytes,
        wall_offset_ms(),
        backing=backing,
        limits=node_limits(settings),
    )


def _add_defaults(broker: Broker, document: Document) -> None:
    """Make the default vhost and user, as RabbitMQ does at a node's first start."""
    section = broker.settings
    broker.add_vhost(section.default_vhost)
    if section.default_user and not document.names_users:
        user = new_user(
            section.default_user,
            section.default_pass,
            secrets.token_bytes,
            section.default_user_tags,
        )
        rights = section.default_permissions
        broker.users.put(user)
        broker.users.set_permissions(
            user.name, section.default_vhost, rights.configure, rights.write, rights.read
        )


async def _serve(
    broker: Broker | None,
    settings: Settings,
    node: StoredNode | None,
    descriptors: Descriptors,
    log_output: LogOutput | None,
) -> int:
    loop = asyncio.get_running_loop()
    if log_output is not None:
        log_output.attach(loop)
    clustered = None
    if broker is None:
        clustered, broker = _clustered(settings, node)
    try:
        return await _run_node(
            _Run(loop, broker, settings, node, descriptors, log_output, clustered)
        )
    finally:
        if log_output is not None:
            log_output.detach()


def _clustered(settings: Settings, node: StoredNode | None) -> tuple[ClusteredNode, Broker]:
    """Return a node of a cluster that is not begun, and its broker.

    Raises:
        DataDirectoryError: the disk has no place for replicas, or has a single node's definitions.
    """
    turn = _turn(settings)
    clustered = ClusteredNode(
        settings, disk_of_cluster(settings, node), turn, memory_rules(settings)
    )
    return clustered, _bare_broker(settings, clustered.backing, turn)


class _Run(NamedTuple):
    """What a run of a node begins with; ``clustered`` is None for a node by itself."""

    loop: asyncio.AbstractEventLoop
    broker: Broker
    settings: Settings
    node: StoredNode | None
    descriptors: Descriptors
    log_output: LogOutput | None
    clustered: ClusteredNode | None


async def _run_node(run: _Run) -> int:
    loop, broker, settings, node, *_, clustered = run
    net = settings.net
    stop = asyncio.Event()
    disk = None if node is None else disk_monitor(broker, settings, node.free_bytes)
    storage = None if node is None or disk is None else _storage(loop, node, disk, stop, settings)
    if node is not None:
        node.commit.limit_unwritten(
            settings.persistence.pending_bytes_max,
            lambda is_behind: broker.congestion.set(is_on=is_behind),
        )
    reactor = Reactor(
        loop,
        broker,
        read_buffer_bytes=net.read_buffer_bytes,
        busy_poll_us=net.busy_poll_us,
        write_budget=TurnBudget(time.perf_counter_ns, net.turn_us * NS_PER_US),
        before_drain=None if storage is None else behind(clustered, storage.input_ended),
        after_turn=None if storage is None else behind(clustered, storage.turn_ended),
    )
    # Before anybody can see that the node accepts: a signal would end it with the default action.
    _on_stop_signals(lambda *_: loop.call_soon_threadsafe(stop.set))
    if storage is not None and disk is not None:
        storage.on_waited(reactor.resume)
        reactor.deadlines.watch(disk)
        reactor.deadlines.watch(storage)
    if clustered is None or await begun(clustered, broker, reactor, stop):
        await _serve_until_stopped(run, reactor, disk, stop)
    if clustered is not None:
        await clustered.stop()
    if node is not None and storage is not None:
        node.note_deliveries(broker)
        storage.stop()
    reactor.close()
    log.info("stopped")
    if storage is not None and storage.failure:
        return exit_status.DISK_FAILED
    return exit_status.UNAVAILABLE if clustered and clustered.has_failed else exit_status.OK


async def _serve_until_stopped(
    run: _Run, reactor: Reactor, disk: DiskMonitor | None, stop: asyncio.Event
) -> None:
    """Let clients in until the node is to stop, then have them leave."""
    loop, broker, settings, _, descriptors, log_output, clustered = run
    server = Server(
        loop, reactor, connections_of(broker, settings), settings.net, descriptors.sockets_max
    )
    http_api = HttpApi(
        loop,
        broker,
        reactor,
        settings,
        server.tls,
        log_output,
        peers=None if clustered is None else clustered.peers,
    )
    loop.add_signal_handler(signal.SIGHUP, server.reload_certificates)
    listen_on_all(server, http_api)
    watching = watched_minority(clustered, settings, server)
    moving = begun_moving(loop, broker, server, reactor.request_turn)
    log.info("file descriptors limit=%d sockets_max=%d segments_max=%d", *descriptors)
    memory = memory_monitor(broker, settings)
    reactor.deadlines.watch(memory)
    broker.look_at_lag = begun_lag(loop)
    broker.look_at_resources = Resources(
        memory, disk, descriptors, server, now_ms, lambda: http_api.bound
    ).look
    reactor.request_turn()  # recovered messages may have expired
    _calm_collector()
    say_ready([*server.bound, *http_api.bound])
    await stop.wait()
    log.info("stopping")
    tell_stopping()
    _on_stop_signals(signal.SIG_IGN)
    watching.cancel()
    await moving.stop()
    await http_api.stop()
    await server.stop()


def _descriptors(settings: Settings) -> Descriptors:
    """Raise the limit of file descriptors as far as allowed; return how they are shared out."""
    listeners_count = SOCKETS_PER_LISTENER * len(settings.net.listeners)
    return shared_out(
        raise_limit(), open_count() + listeners_count, settings.persistence.open_segments_max
    )


def _storage(
    loop: asyncio.AbstractEventLoop,
    node: StoredNode,
    disk: DiskMonitor,
    stop: asyncio.Event,
    settings: Settings,
) -> Storage:
    return Storage(
        loop,
        node.commit,
        node.wal,
        node.store,
        disk,
        on_failure=stop.set,
        settled_sync_interval_ms=settings.persistence.settled_sync_interval_ms,
    )


def _let_be(phase: str, info: dict[str, int]) -> None:
    """Exclude objects that survived three collections from all later ones.

    A full collection walks all objects: 0.4 s for 20,000 queues. It finds nothing, because queues,
    channels and connections leave no cycles when they end (tests count that). A frozen object is
    still freed with its last reference. Only a cycle of old objects, which a bug leaves, is not
    found.
    """
    if phase == "stop" and info["generation"] == OLDEST_GENERATION:
        gc.freeze()


def _calm_collector() -> None:
    """Exclude objects built at start, and old ones, from the cyclic collector.

    Messages hold no cycles, so walking the objects of a long queue finds nothing.
    """
    gc.collect()
    gc.freeze()
    gc.callbacks.append(_let_be)
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    gc.enable()


def _on_stop_signals(handler: Callable[..., object] | signal.Handlers) -> None:
    """Set what SIGTERM and SIGINT do.

    The loop does not set them. It would restore the default action when it is closed, and a second
    signal would then change the exit status of a clean stop.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


def _backing(settings: Settings, node: StoredNode | None) -> Backing:
    memory = memory_rules(settings)
    durability = Durability(settings.persistence.durability)
    if node is None:
        return Backing(
            make_log=partial(memory_log, wall_offset_ms=wall_offset_ms),
            default_durability=durability,
            memory=memory,
        )
    return Backing(
        journal=node.journal,
        make_log=node.make_log,
        default_durability=durability,
        memory=memory,
    )
