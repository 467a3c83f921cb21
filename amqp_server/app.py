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
from typing import Final

import uvloop

from amqp_server import exit_status
from amqp_server.banner import say_ready, say_start
from amqp_server.broker.access.rights import new_user
from amqp_server.broker.access.users import Users
from amqp_server.broker.alarms import Resource
from amqp_server.broker.announcing.event_exchange import EventExchange
from amqp_server.broker.backing import Backing
from amqp_server.broker.broker import Broker
from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.definitions.document import Document
from amqp_server.broker.node_budget import NodeLimits
from amqp_server.broker.queue import memory_log
from amqp_server.broker.turn import Turn
from amqp_server.definitions_file import load_document, read_document
from amqp_server.federation.moving import begun_moving
from amqp_server.http_api import HttpApi, listen_on_all
from amqp_server.net.descriptors import (
    Descriptors,
    open_count,
    raise_limit,
    shared_out,
)
from amqp_server.net.disk_monitor import DiskMonitor
from amqp_server.net.freed_memory import freed_memory_of_heap, keep_freed_memory
from amqp_server.net.log_output import LogOutput, begin_logging
from amqp_server.net.loop_lag import begun_lag
from amqp_server.net.memory_monitor import MemoryMonitor, resident_bytes, total_bytes
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
from queues.memory import MemoryRules
from queues.options import Durability
from queues.tail import NodeMemory

log = logging.getLogger(__name__)

NS_PER_US: Final = 1_000
SOCKETS_PER_LISTENER: Final = 2
"""The name of an address may mean two addresses, one of each family."""

READY_SHARE_OF_WATERMARK: Final = 0.4
"""The share of the memory watermark above which queues spill ready messages earlier."""

UNACKED_SHARE_OF_WATERMARK: Final = 0.3
"""The share of it that unsettled deliveries may take before the broker delivers less."""

HELD_SHARE_OF_WATERMARK: Final = 0.1
"""The share of it for messages half received, and the share for open transactions."""

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
        broker = build_broker(settings, node)
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
    section = settings.broker
    backing = _backing(settings, node)
    broker = Broker(
        section,
        Users(section.loopback_users, backing.journal),
        Turn(
            settings.queues.deliveries_per_turn_max,
            TurnBudget(time.perf_counter_ns, settings.net.turn_us * NS_PER_US),
        ),
        secrets.token_bytes,
        wall_offset_ms(),
        backing=backing,
        limits=_node_limits(settings),
    )
    if node is not None:
        node.restore(broker, now_ms())
    document = read_document(section, broker.users)
    if node is None or not node.has_definitions:
        if node is not None and not node.is_new:
            log.error("no definitions are left: default vhost and user are made as for a new node")
        _add_defaults(broker, document)
    load_document(broker, document, now_ms())
    if node is not None:
        node.recover_queues(broker, now_ms())
    EventExchange(broker).begin()
    return broker


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
    broker: Broker,
    settings: Settings,
    node: StoredNode | None,
    descriptors: Descriptors,
    log_output: LogOutput | None,
) -> int:
    loop = asyncio.get_running_loop()
    if log_output is not None:
        log_output.attach(loop)
    try:
        return await _run_node(loop, broker, settings, node, descriptors, log_output)
    finally:
        if log_output is not None:
            log_output.detach()


async def _run_node(
    loop: asyncio.AbstractEventLoop,
    broker: Broker,
    settings: Settings,
    node: StoredNode | None,
    descriptors: Descriptors,
    log_output: LogOutput | None,
) -> int:
    net = settings.net
    stop = asyncio.Event()
    disk = None if node is None else _disk_monitor(broker, settings, node)
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
        before_drain=None if storage is None else storage.input_ended,
        after_turn=None if storage is None else storage.turn_ended,
    )
    server = Server(loop, reactor, connections_of(broker, settings), net, descriptors.sockets_max)
    http_api = HttpApi(loop, broker, reactor, settings, server.tls, log_output)
    # Before anybody can see that the node accepts: a signal would end it with the default action.
    _on_stop_signals(lambda *_: loop.call_soon_threadsafe(stop.set))
    loop.add_signal_handler(signal.SIGHUP, server.reload_certificates)
    listen_on_all(server, http_api)
    moving = begun_moving(loop, broker, server, reactor.request_turn)
    log.info("file descriptors limit=%d sockets_max=%d segments_max=%d", *descriptors)
    memory = _memory_monitor(broker, settings)
    reactor.deadlines.watch(memory)
    broker.look_at_lag = begun_lag(loop)
    broker.look_at_resources = Resources(
        memory, disk, descriptors, server, now_ms, lambda: http_api.bound
    ).look
    if storage is not None and disk is not None:
        storage.on_waited(reactor.resume)
        reactor.deadlines.watch(disk)
        reactor.deadlines.watch(storage)
    reactor.request_turn()  # recovered messages may have expired
    _calm_collector()
    say_ready([*server.bound, *http_api.bound])
    await stop.wait()
    log.info("stopping")
    tell_stopping()
    _on_stop_signals(signal.SIG_IGN)
    await moving.stop()
    await http_api.stop()
    await server.stop()
    if node is not None and storage is not None:
        node.note_deliveries(broker)
        storage.stop()
    reactor.close()
    log.info("stopped")
    return exit_status.DISK_FAILED if storage is not None and storage.failure else exit_status.OK


def _descriptors(settings: Settings) -> Descriptors:
    """Raise the limit of file descriptors as far as allowed; return how they are shared out."""
    listeners_count = SOCKETS_PER_LISTENER * len(settings.net.listeners)
    return shared_out(
        raise_limit(), open_count() + listeners_count, settings.persistence.open_segments_max
    )


def _disk_monitor(broker: Broker, settings: Settings, node: StoredNode) -> DiskMonitor:
    limit_bytes = settings.broker.disk_free_limit_bytes
    return DiskMonitor(limit_bytes, partial(_on_disk, broker), now_ms(), node.free_bytes)


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
    memory = _memory_rules(settings)
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


def _memory_rules(settings: Settings) -> MemoryRules:
    watermark_bytes = _memory_bytes_shared(settings)
    limit_bytes = settings.queues.memory_bytes or int(watermark_bytes * READY_SHARE_OF_WATERMARK)
    return MemoryRules(NodeMemory(limit_bytes), settings.queues.memory_per_queue_bytes)


def _node_limits(settings: Settings) -> NodeLimits:
    section, protocol = settings.broker, settings.protocol
    share_bytes = int(_memory_bytes_shared(settings) * HELD_SHARE_OF_WATERMARK)

    def unless_set(limit_bytes: int, for_one_bytes: int) -> int:
        return limit_bytes or max(share_bytes, for_one_bytes * 5 // 4)

    return NodeLimits(
        assembling_bytes=unless_set(section.assembling_bytes_max, protocol.max_message_size_bytes),
        tx_bytes=unless_set(section.tx_bytes_max, protocol.tx_bytes_max),
        unacked_bytes=section.unacked_bytes_max
        or int(_memory_bytes_shared(settings) * UNACKED_SHARE_OF_WATERMARK),
        arguments_bytes=unless_set(section.consumer_arguments_bytes_max, 0),
    )


def _memory_bytes_shared(settings: Settings) -> int:
    """Return the memory of which some limits are a share (bytes)."""
    return _memory_watermark_bytes(settings) or total_bytes()


def _memory_watermark_bytes(settings: Settings) -> int:
    section = settings.broker
    return section.memory_high_watermark_bytes or int(
        total_bytes() * section.memory_high_watermark_ratio
    )


def _memory_monitor(broker: Broker, settings: Settings) -> MemoryMonitor:
    watermark_bytes = _memory_watermark_bytes(settings)
    return MemoryMonitor(
        watermark_bytes,
        partial(_on_memory, broker),
        now_ms(),
        resident_bytes,
        freed_memory_of_heap(),
    )


def _on_disk(broker: Broker, is_low: bool, at_ms: int) -> None:  # noqa: FBT001 — the port's
    broker.alarms.set(Resource.DISK, is_low=is_low, now_ms=at_ms)


def _on_memory(broker: Broker, is_low: bool, at_ms: int) -> None:  # noqa: FBT001 — the port's
    broker.alarms.set(Resource.MEMORY, is_low=is_low, now_ms=at_ms)
