"""Replicas that are damaged and begin anew, and nodes whose disk is nearly full.

The decisions are the product's: ``cluster.mirrored.damages``, ``sparing`` and ``emptying``, on the
core of a machine. Of a queue one replica is damaged at a time, so another one has what it lacks.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from cluster.mirrored.damages import Damages
from cluster.mirrored.emptying import Emptying
from cluster.mirrored.sparing import KnownState, Sparing
from cluster.replication import inputs, membership
from cluster.replication.commands import living_members, promotion
from cluster.replication.core import ReplicationCore
from cluster.replication.election import is_due
from cluster.replication.frames import LetGo, Refused
from cluster.replication.inputs import Input
from cluster.replication.leadership import Leadership
from cluster.replication.state import QueueState
from persistence.replicas.log import ReplicaLog
from tests.simulation.content import SnapshotContent

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster, Mistakes
    from tests.simulation.machine import Machine

Add = Callable[..., None]

ERROR = OSError("octets of a test")
LATER_MS = (1_000, 5_000, 30_000)
"""By so much the clock goes on that a short node looks at."""

ROOM_BYTES = 1 << 30
SIZE = SimpleNamespace(
    records_bytes=1,
    state=SimpleNamespace(stored=SimpleNamespace(table=SimpleNamespace(size_bytes=0))),
    stream=SimpleNamespace(content=None),
)
"""What emptying looks at of a replica: its size. It asks for those that a leader let go only."""


class _Clock:
    """A core's node, whose time goes on by events."""

    def __init__(self, machine: "Machine") -> None:
        self._machine = machine

    def __getattr__(self, name: str) -> object:
        return getattr(self._machine.core.node, name)

    @property
    def now_ms(self) -> int:
        return self._machine.short_ms


class _Sizes(dict[str, SimpleNamespace]):
    def get(self, _queue: str, _default: object = None) -> SimpleNamespace:
        return SIZE


class WatchedDamages(Damages):
    """Those of a machine. ``mistakes`` may be planted."""

    def __init__(self, machine: "Machine", mistakes: "Mistakes") -> None:
        super().__init__(machine.core)
        self._mistakes = mistakes

    def note(self, queue: str, error: Exception) -> None:
        self._core.set_damaged(queue, is_damaged=True)

    def may_begin_anew(self, queue: str, state: QueueState) -> bool:
        node = self._core.node
        replica = node.replicas.get(queue)
        if queue not in self or replica is None:
            return False
        is_member = node.replica_id in state.in_sync_set
        if self._mistakes.anew_as_member and is_member:
            return replica.promised < state.epoch
        if self._mistakes.anew_once_answered and not is_member:
            return replica.promised <= state.epoch
        return super().may_begin_anew(queue, state)


class WatchedSparing(Sparing):
    """That of a machine. ``mistakes`` may be planted."""

    def __init__(self, core: ReplicationCore, emptying: Emptying, mistakes: "Mistakes") -> None:
        super().__init__(core, emptying)
        self._mistakes = mistakes

    def _is_spared(self, queue: str) -> bool:
        known = self.known(queue)
        if self._mistakes.short_leaves_alone and known is not None and self.is_short:
            return known.state.leader != self._core.node.name
        return super()._is_spared(queue)

    def tick(self) -> None:
        to_leaders = self._core.node.ready.to_leaders
        count = len(to_leaders)
        super().tick()
        if self._mistakes.short_leaves_silently:
            del to_leaders[count:]


def watch_over(cluster: "Cluster", machine: "Machine") -> None:
    """Give a machine that starts what looks after its disk; it begins with what is known anew."""
    core = cast("ReplicationCore", SimpleNamespace(node=_Clock(machine)))
    machine.damages = WatchedDamages(machine, cluster.mistakes)

    def begin_anew(queue: str, epoch: int) -> None:
        _begin_anew(cluster, machine.name, queue, epoch, is_let_go=True)

    replicas = cast("Mapping[str, ReplicaLog]", _Sizes())
    emptying = Emptying(core, replicas, begin_anew)
    emptying.room_bytes = lambda: 0 if machine.short else ROOM_BYTES
    machine.sparing = WatchedSparing(core, emptying, cluster.mistakes)
    machine.sparing.known = lambda queue: _known(cluster, machine, queue)
    machine.sparing.set_short(is_short=machine.short)


def _known(cluster: "Cluster", machine: "Machine", queue: str) -> KnownState | None:
    """Return what a machine knows of a queue: what the store had when it reached it last."""
    now = cluster.store.now
    if cluster.reaches_store(machine.name) and queue in now.states:
        state, _, options = cluster.store.read(queue)
        living = {key.replica for key in now.live.values()}
        machine.known[queue] = KnownState(state, options.min_isr, state.in_sync_set & living)
    return machine.known.get(queue)


def obeys(cluster: "Cluster", machine: "Machine", happened: Input) -> None:
    """Hand an input to a core as the shell around it does."""
    if machine.sparing.is_on and machine.sparing.refuses(happened):
        return
    machine.core.step(happened)
    if isinstance(happened, inputs.FrameFromMirror) and isinstance(happened.frame, Refused):
        queue, mirror = happened.frame.queue, happened.mirror
        lead = machine.lead(queue)
        if lead is not None and lead.epoch == happened.frame.promised:
            may = machine.core.may_let_go(queue, mirror)
            if cluster.mistakes.lets_go_while_open and mirror in machine.core.node.to_mirrors:
                may = all(each.node != mirror for each in lead.state.in_sync_set)
            if may:
                machine.core.node.ready.to_mirrors.append((mirror, LetGo(queue, lead.epoch)))


def _begin_anew(
    cluster: "Cluster", name: str, queue: str, epoch: int, *, is_let_go: bool = False
) -> None:
    machine = cluster.machines[name]
    machine.damages.forget(queue)
    happened = inputs.BeginAnew(queue, epoch, SnapshotContent(()), is_let_go)
    machine.core.step(happened)
    cluster.carry_out(machine)


# ---- what happens ----


def damage(cluster: "Cluster", name: str, queue: str) -> None:
    """Something of a replica cannot be read, and that is noticed."""
    cluster.machines[name].damages.note(queue, ERROR)


def anew(cluster: "Cluster", name: str, queue: str, at: int) -> None:
    """A node sees a state, maybe of a while ago, in which nobody counts on what is damaged."""
    state = cluster.store.now.history[queue][at][0]
    _begin_anew(cluster, name, queue, state.epoch)


def resign(cluster: "Cluster", name: str, queue: str, replica: str) -> None:
    """A leader whose replica is damaged gives the queue up, at once (R24)."""
    if cluster.see_store(name):
        target = next(
            key.replica
            for key in cluster.store.now.live.values()
            if f"{key.replica.node}{key.replica.disk}" == replica
        )
        incarnation = cluster.store.now.live[target.node].incarnation
        cluster.step(name, inputs.GiveUp(queue, target, incarnation), ("resign", replica))


def alone(cluster: "Cluster", name: str, queue: str) -> None:
    """An operator has a damaged leader go on without what it cannot read (R18)."""
    state, _, options = cluster.store.read(queue)
    new = promotion(state, name, cluster.store.live_nodes(), is_damaged=True)
    cluster.store.put(queue, new, replace(options, min_isr=1))


def short(cluster: "Cluster", name: str) -> None:
    """A disk is nearly full."""
    cluster.machines[name].short = True
    cluster.machines[name].sparing.set_short(is_short=True)


def roomy(cluster: "Cluster", name: str) -> None:
    """A disk has room again."""
    cluster.machines[name].short = False
    cluster.machines[name].sparing.set_short(is_short=False)


def later(cluster: "Cluster", name: str, passed_ms: int) -> None:
    """Time goes on for a node whose disk is nearly full, or was."""
    machine = cluster.machines[name]
    machine.short_ms += passed_ms
    machine.sparing.tick()
    cluster.carry_out(machine)


def is_damaged(machine: "Machine", queue: str) -> bool:
    """Return whether a node knows that something of its replica cannot be read."""
    return machine.up and queue in machine.damages


# ---- what may happen ----


def of_disk(cluster: "Cluster", machine: "Machine", add: Add) -> None:
    """Add what may happen to the disk of a node that runs."""
    name = machine.name
    for queue in cluster.queues:
        if queue not in machine.written:
            continue
        if queue not in machine.damages:
            if not any(is_damaged(each, queue) for each in cluster.machines.values()):
                add("damage", name, queue)
            continue
        for at in _states_without(cluster, machine, queue):
            add("anew", name, queue, at)
        lead = machine.lead(queue)
        if lead is not None and cluster.reaches_store(name) and not machine.frozen:
            _of_damaged(cluster, machine, lead, add)
    add("roomy" if machine.short else "short", name)
    if machine.sparing.is_on:
        for passed_ms in LATER_MS:
            add("later", name, passed_ms)


def _states_without(cluster: "Cluster", machine: "Machine", queue: str) -> Iterator[int]:
    """Yield places of states in which nobody counts on a damaged replica.

    What an operator has promoted since is not emptied: to know that, a node has to hear of it.
    """
    history = cluster.store.now.history[queue]
    promoted_at = max(
        (at for at, (state, _, _) in enumerate(history) if machine.replica in state.in_sync_set),
        default=-1,
    )
    for at, (state, _, _) in enumerate(history):
        is_of_before = at < promoted_at and not cluster.mistakes.anew_as_member
        if not is_of_before and machine.damages.may_begin_anew(queue, state):
            yield at


def is_emptied(machine: "Machine", queue: str) -> bool:
    """Return whether a replica is being replaced by nothing: its disk does not say so yet."""
    return not machine.written[queue].end and bool(machine.disk[queue].end)


def stands_still(cluster: "Cluster", name: str, queue: str) -> bool:
    """Return whether only an operator can have a queue go on: no member has all of it."""
    state, machine = cluster.store.now.states[queue][0], cluster.machines[name]
    live, is_gone = cluster.store.live_nodes(), queue in cluster.store.now.gone
    if is_gone or not is_damaged(machine, queue) or machine.damages.is_alone(queue):
        return False
    is_led = state.leader == name and not is_due(state, live)
    return is_led and living_members(state, live) == {machine.replica}


def _of_damaged(cluster: "Cluster", machine: "Machine", lead: Leadership, add: Add) -> None:
    if machine.damages.is_alone(lead.queue):
        return
    if stands_still(cluster, machine.name, lead.queue):
        add("alone", machine.name, lead.queue)
    for mirror in lead.replica.options.replicas:
        key = cluster.store.now.live.get(mirror)
        if key is not None and membership.may_give_up(machine.core.node, lead, key.replica):
            add("resign", machine.name, lead.queue, f"{mirror}{key.replica.disk}")
