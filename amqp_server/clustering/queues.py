"""The mirrored queues of a node: front halves for its clients, engines of what it leads.

    a definition is applied ─▶ make_engine ─▶ FrontQueue ─┬─ led here ───▶ the engine, over its log
    the core leads, with a log ─▶ serve ──────────────────┤
    the store says who leads ─▶ leaders_changed ──────────┴─ led there ──▶ a link to that node

A front half that nobody uses has no way to a leader on another node: with many queues most of them
are used on few nodes. The first consumer, publish or question opens one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, cast

from amqp_server.broker.events import Event, EventKind
from amqp_server.broker.queue import QueueIdentity, local_engine
from amqp_server.broker.steps import Steps, finish_or_later
from amqp_server.broker.turn import Turn
from amqp_server.clustering.mirror_readings import MirrorReadings
from amqp_server.clustering.unmirrored_log import UnmirroredLog, UnmirroredTaking
from cluster.definitions.waiting_queues import exchange_behind
from cluster.fronts.front_queue import FrontQueue
from cluster.fronts.leader_half import LeaderHalf, LedQueues
from cluster.fronts.limits import FrontNode
from cluster.fronts.mirror_readers import MirrorReading
from cluster.fronts.remote_way import LeaderPipe
from cluster.fronts.stream_front import StreamFront
from cluster.mirrored.log import MirroredLog
from cluster.mirrored.stream_log import MirroredStreamLog
from cluster.mirrored.submitting import TakingQueue, submit
from persistence.log_form import LogForm
from persistence.queue_recovery import RecoveredQueue
from queues.kinds import QueueKind
from queues.memory import MemoryRules
from queues.ports import EngineParts, QueueEngine, WakeUp
from queues.tail import QueueMemory

UNMIRRORED_EPOCH = 1
"""Of a queue that is on one node alone, which is its leader for ever."""


class Leaders(Protocol):
    """Who leads what, as far as this node knows."""

    def leader_of(self, queue_id: str) -> tuple[str, int] | None:
        """Return the node that leads a mirrored queue, and the epoch; None: nobody, or unknown."""

    def owner_of(self, vhost: str, name: str) -> str | None:
        """Return the node that a transient queue ends with; None for all others."""


class Reach(Protocol):
    """The links of this node's front halves to leaders."""

    def pipe_to(self, node: str) -> LeaderPipe | None:
        """Return the link to a node; without one it is dialled, and ``pipe_opened`` follows."""


class _TellsDeletion(FrontQueue):
    """A front half that says when its queue is about to go."""

    on_deleted: Callable[[str], None]

    def delete(self) -> None:
        # First: its end asks for a drain, and must not look for a leader.
        self.on_deleted(self.queue)
        super().delete()


class _Front(_TellsDeletion):
    """The front half of a queue."""


class _StreamFront(_TellsDeletion, StreamFront):
    """The front half of a stream."""


@dataclass(slots=True, eq=False)
class _Mirrored:
    """A queue in the tables of this node.

    Attributes:
        front: its front half.
        kind, parts: what an engine is made of, where this node leads.
        owner: the node that it ends with; None where it is mirrored.
        engine, memory: where this node leads, and what its messages take.
        pipe: the way to the leader's node, where another one leads.
        is_used: its front half has something to say.
    """

    vhost: str
    name: str
    front: FrontQueue
    kind: QueueKind
    parts: EngineParts[Any]
    owner: str | None
    engine: QueueEngine | None = None
    memory: QueueMemory | None = None
    pipe: LeaderPipe | None = None
    is_used: bool = False


class MirroredQueues:
    """Implements ``cluster.node.ports.Broker`` and ``ClusterListener``.

    Args:
        node: the name of this node.
        turn: the broker's.
        memory: how much of the messages stays in memory.

        wake: asks for a turn where none runs.

    Attributes:
        led: the leader halves.
        front_node: what all front halves share.
        leaders, reach: who leads, and the way there. All three are set before the first definition
            is applied.
        readings: the streams that are read at mirrors of this node.
        on_led_no_more: told vhost and name of a queue whose engine here is none any more.
        on_led_here: told those of a stream that is led here, and was read at the mirror.
    """

    front_node: FrontNode
    leaders: Leaders
    reach: Reach

    def __init__(
        self, node: str, turn: Turn, memory: MemoryRules, wake: Callable[[], None]
    ) -> None:
        self.led = LedQueues()
        self._wake = wake
        self._is_pointing = False
        self._node = node
        self._turn = turn
        self._memory = memory
        self._queues: dict[str, _Mirrored] = {}
        # Of queues that are led here and not in the tables yet.
        self._logs: dict[str, tuple[MirroredLog, RecoveredQueue]] = {}
        self._unmirrored_ids: dict[tuple[str, str], str] = {}
        self._waiting_ids: dict[tuple[str, str], str] = {}
        self._waiting_for: dict[str, dict[str, None]] = {}
        self.readings = MirrorReadings(turn)
        self.on_led_no_more: Callable[[str, str], None] = _tell_nobody
        self.on_led_here: Callable[[str, str], None] = _tell_nobody

    # -- for the broker: see ``amqp_server.broker.queue.EngineFactory`` ----------------------------

    def make_engine(self, queue: QueueIdentity, parts: EngineParts[Any]) -> QueueEngine:
        """Return the engine of a new queue: the front half of one of the cluster."""
        queue_id = queue.stored_id
        if not queue_id:
            return local_engine(queue, parts)
        owner = self.leaders.owner_of(queue.vhost_name, queue.name)
        if owner == self._node:
            return self._unmirrored(queue, parts)
        wake_up = partial(self._woken, queue_id, parts.wake_up)
        make = _StreamFront if queue.kind.log_form is LogForm.STREAM else _Front
        front = make(queue_id, parts.options, self.front_node, wake_up)
        front.on_deleted = self._deleted
        if isinstance(front, _StreamFront) and not owner:
            front.find_mirror = partial(self._find_mirror, queue_id)
        self._queues[queue_id] = made = _Mirrored(
            queue.vhost_name, queue.name, front, queue.kind, parts, owner
        )
        if queue_id in self._logs:
            self._lead(made)
        return front

    def _unmirrored(self, queue: QueueIdentity, parts: EngineParts[Any]) -> QueueEngine:
        """Return the engine of a transient queue of this node, and serve other nodes from it."""
        engine = local_engine(queue, parts)
        taking = UnmirroredTaking(engine)
        take = partial(submit, UnmirroredLog(), taking)
        half = LeaderHalf(queue.stored_id, UNMIRRORED_EPOCH, engine, take, self._turn.resume)
        self.led.begin(half)
        exchange = exchange_behind(queue.name)
        if exchange is None:
            self._unmirrored_ids[queue.vhost_name, queue.name] = queue.stored_id
        else:
            self._waiting_ids[queue.vhost_name, exchange] = queue.stored_id
        return engine

    def queue_deleted(self, event: Event) -> None:
        """A queue is gone from the tables: a transient one of this node is served no more."""
        queue_id = self._unmirrored_ids.pop((event.vhost, event.name), None)
        if queue_id is not None:
            self.led.end(queue_id)

    def exchange_deleted(self, event: Event) -> None:
        """Serve what waits behind a transient exchange no more: it is gone, or all its vhost is."""
        is_vhost = event.kind is EventKind.VHOST_DELETED
        for each in tuple(self._waiting_ids) if is_vhost else ((event.vhost, event.name),):
            if each[0] == event.vhost and each in self._waiting_ids:
                self.led.end(self._waiting_ids.pop(each))

    # -- for the core: see ``cluster.node.ports.Broker`` -------------------------------------------

    def serve(self, queue_id: str, log: MirroredLog, found: RecoveredQueue) -> None:
        """This node leads a queue from now on, with these messages."""
        self._logs[queue_id] = log, found
        known = self._queues.get(queue_id)
        if known is not None:
            self._lead(known)

    def stop(self, queue_id: str) -> None:
        """This node leads a queue no more; its engine is forgotten, and the log says nothing."""
        self._logs.pop(queue_id, None)
        known = self._queues.get(queue_id)
        if known is not None and known.engine is not None:
            self.led.end(queue_id)
            self._forget_engine(known)
            self._point(known)
        self._wake()

    # -- for the cluster: see ``cluster.node.ports.ClusterListener`` -------------------------------

    def leaders_changed(self, queue_ids: tuple[str, ...]) -> None:
        """Leader or state of these queues is another one, or they are gone."""
        finish_or_later(self._pointing(queue_ids), self._turn)
        self._wake()

    def nodes_changed(self, names: tuple[str, ...]) -> None:
        """Nodes came or went: links are dialled anew by whoever dials them."""

    # -- for the links -----------------------------------------------------------------------------

    def front_of(self, queue_id: str) -> FrontQueue | None:
        """Return the front half of a queue; None where the queue is not known."""
        known = self._queues.get(queue_id)
        return None if known is None else known.front

    def pipe_opened(self, node: str, pipe: LeaderPipe) -> None:
        """A link to a node is there: open the queues that wait for it."""
        finish_or_later(self._pointing(tuple(self._waiting_for.pop(node, {}))), self._turn)
        self._wake()
        del pipe

    def pipe_ended(self, pipe: LeaderPipe) -> None:
        """A link has ended: what was on its way over it is lost.

        Until a front half is told, what it puts into the pipe goes nowhere, and comes again.
        """
        cut_off = [known for known in self._queues.values() if known.pipe is pipe]
        finish_or_later(self._leaving(pipe, cut_off), self._turn)
        self._wake()

    # -- inside ------------------------------------------------------------------------------------

    def _pointing(self, queue_ids: Iterable[str]) -> Steps[None]:
        """Let front halves find their leaders, one after another."""
        for queue_id in queue_ids:
            known = self._queues.get(queue_id)
            if known is not None and known.engine is None:
                self._point(known)
            yield

    def _leaving(self, pipe: LeaderPipe, cut_off: Iterable[_Mirrored]) -> Steps[None]:
        """Tell front halves that a pipe has ended, one after another."""
        for known in cut_off:
            if known.pipe is pipe and self._queues.get(known.front.queue) is known:
                known.pipe = None
                known.front.pipe_ended(pipe)
                self._point(known)
            yield

    def _lead(self, known: _Mirrored) -> None:
        """Make the engine of a queue that this node leads now."""
        queue_id = known.front.queue
        # Once: what was found has all messages that are in memory.
        log, found = self._logs.pop(queue_id)
        now_ms = max(self._turn.now_ms, 1)
        self._forget_engine(known)
        known.memory = self._memory.of_queue(spills_early=True)
        is_stream = known.kind.log_form is LogForm.STREAM
        parts = known.parts._replace(
            log=MirroredStreamLog(log) if is_stream else log,
            memory=known.memory,
            now_ms=now_ms,
            options=known.front.options,
            wake_up=partial(self._woken, queue_id, known.parts.wake_up),
        )
        known.engine = engine = known.kind.make_mirrored(parts)
        engine.recover(found, now_ms)
        log.on_admitted = partial(self._go_on, known)
        known.pipe = None
        epoch = log.led.lead.epoch
        take = partial(submit, log, cast("TakingQueue", engine))
        self.led.begin(LeaderHalf(queue_id, epoch, engine, take, self._turn.resume))
        known.front.lead_here(engine, take, epoch)
        if self.readings.leave(queue_id):
            self.on_led_here(known.vhost, known.name)
        self._wake()

    def _go_on(self, known: _Mirrored) -> None:
        """A move has come to nothing (R22), or the lease counts again (R17): publishes go on."""
        known.front.go_on()
        self.led.go_on(known.front.queue)
        self._wake()

    def _find_mirror(self, queue_id: str) -> MirrorReading | None:
        """Return a stream as it is read at the mirror of this node, where it can be."""
        known = self._queues[queue_id]
        if known.engine is not None:
            return None
        parts = known.parts._replace(
            options=known.front.options, wake_up=partial(self._reader_woken, known.parts.wake_up)
        )
        return self.readings.find(queue_id, known.vhost, parts, _EndOfReading(self, known))

    def _reader_woken(self, wake_up: WakeUp) -> None:
        """Readers at the mirror have something to read; the way to the leader is not needed."""
        wake_up()
        self._wake()

    def _forget_engine(self, known: _Mirrored) -> None:
        """Let go of an engine whose leadership is over; its messages are the next leader's."""
        if known.engine is not None:
            self.on_led_no_more(known.vhost, known.name)
        memory, known.memory, known.engine = known.memory, None, None
        if memory is not None:
            memory.add(-memory.used_bytes)

    def _point(self, known: _Mirrored) -> None:
        """Let the front half of a queue that is led elsewhere find its leader."""
        self._is_pointing = True
        try:
            self._point_at(known)
        finally:
            self._is_pointing = False

    def _point_at(self, known: _Mirrored) -> None:
        leader = self._leader_of(known)
        if leader is None or leader[0] == self._node:
            known.pipe = None
            known.front.lead_nowhere()
            return
        if not known.is_used:
            return
        node, epoch = leader
        pipe = self.reach.pipe_to(node)
        if pipe is None:
            known.pipe = None
            known.front.lead_nowhere()
            self._waiting_for.setdefault(node, {})[known.front.queue] = None
        elif pipe is not known.pipe or epoch > known.front.epoch:
            known.pipe = pipe
            known.front.lead_there(pipe, epoch)

    def _leader_of(self, known: _Mirrored) -> tuple[str, int] | None:
        if known.owner is None:
            return self.leaders.leader_of(known.front.queue)
        return (known.owner, UNMIRRORED_EPOCH) if known.owner else None

    def _woken(self, queue_id: str, wake_up: WakeUp) -> None:
        """A queue has something to do: before this turn ends, or in one that is asked for."""
        wake_up()
        known = self._queues.get(queue_id)
        if known is not None and not known.is_used and not self._is_pointing:
            known.is_used = True
            if known.engine is None:
                self._point(known)
        self._wake()

    def _deleted(self, queue_id: str) -> None:
        self._queues.pop(queue_id, None)
        for waiting in self._waiting_for.values():
            waiting.pop(queue_id, None)
        self.led.end(queue_id)
        self.readings.leave(queue_id)
        self.front_node.forget(queue_id)


class _EndOfReading:
    """Tells the readers of a mirror that they have to go on elsewhere."""

    def __init__(self, queues: MirroredQueues, known: _Mirrored) -> None:
        self._queues = queues
        self._known = known

    def lost(self) -> None:
        known = self._known
        cast("StreamFront", known.front).mirror_lost()
        self._queues.on_led_no_more(known.vhost, known.name)

    def unread(self) -> bool:
        return cast("StreamFront", self._known.front).mirror_unread()


def _tell_nobody(_vhost: str, _name: str) -> None:
    """Until the node has clients."""
