"""The cluster: machines, links, store and ghost, and how what a core asks for is done."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from cluster.replication.core import ReplicationCore
from cluster.replication.frames import Ends, Got, LeaderFrame, MirrorFrame
from cluster.replication.identity import DiskIdentity
from cluster.replication.inputs import Input, LeaseGranted, StoreSeen
from cluster.replication.ready import Ready, Role
from cluster.replication.rules import Rules
from cluster.replication.state import QueueOptions, QueueState, ReplicaId
from cluster.replication.timers import Timers
from tests.simulation import shortages
from tests.simulation.content import Record, StoredLog
from tests.simulation.ghost import Ghost, Promises
from tests.simulation.machine import Machine
from tests.simulation.store import MARGIN, TTL, Store
from tests.simulation.violation import ViolationError

CATCH_UP_COUNT = 2
STILL_MAX = 3
"""Ticks that a queue stands still before a planned move."""
UNKNOWN = QueueOptions(())
"""How a stored queue is replicated, before a read has said so."""
ETCD = "etcd"


@dataclass(slots=True)
class Conn:
    """One connection of a leader's node to a mirror's: frames down, answers up, both in order."""

    down: deque[LeaderFrame] = field(default_factory=deque)
    up: deque[MirrorFrame] = field(default_factory=deque)


@dataclass(slots=True)
class FrontEnd:
    """Of its messages for one queue: ``made`` counts them, ``open`` wait for an answer.

    ``epoch`` is the highest of a leader that it has submitted to; ``answers`` are confirms on
    their way to it.
    """

    made: int = 0
    open: list[int] = field(default_factory=list)
    confirmed: list[int] = field(default_factory=list)
    epoch: int = 0
    answers: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What a test plants outside of the core's rules, in the shell."""

    mixed_snapshot: bool = False
    wall_clock_lease: bool = False
    snapshot_without_fronts: bool = False
    front_goes_back: bool = False
    options_are_not_read: bool = False
    elects_by_old_options: bool = False
    drops_what_is_not_listed: bool = False
    anew_as_member: bool = False
    anew_once_answered: bool = False
    short_leaves_alone: bool = False
    short_leaves_silently: bool = False
    lets_go_while_open: bool = False


class Cluster:
    """``left`` says how often an event of a kind may still happen; a kind without is free."""

    def __init__(
        self,
        nodes: str,
        queues: Mapping[str, QueueOptions],
        left: Mapping[str, int] | None = None,
        *,
        rules: Rules | None = None,
        mistakes: Mistakes | None = None,
        reads_at_once: bool = True,
        timers: Timers | None = None,
    ) -> None:
        self.queues = dict(queues)
        self.left = dict(left or {})
        self.rules = rules or Rules()
        self.mistakes = mistakes or Mistakes()
        self.reads_at_once = reads_at_once
        self.timers = timers
        self.now = 0
        self.conns: dict[tuple[str, str], Conn] = {}
        self.cuts: set[tuple[str, str]] = set()
        self.store = Store()
        self.store.now.options = dict(queues)
        self.fronts: dict[tuple[str, str], FrontEnd] = {}
        self.ghost = Ghost({queue: Promises() for queue in queues}, {}, dict.fromkeys(nodes, 0))
        self.machines: dict[str, Machine] = {}
        for name in nodes:
            self.store.now.members[name] = ("0", 0)
            empty = {queue: StoredLog() for queue in self.queues_of(name)}
            machine = Machine(name, empty, DiskIdentity("0", 0))
            self.machines[name] = machine
            self.boot(machine, machine.stamped)
            self.register(name)
        self.store.now.controller = (nodes[0], self.store.now.live[nodes[0]].incarnation)
        for queue, options in self.queues.items():
            first = options.replicas[0]
            members = frozenset(ReplicaId(name, "0") for name in options.replicas)
            incarnation = self.store.now.live[first].incarnation
            self.store.put(queue, QueueState(first, incarnation, 1, members), options)

    def queues_of(self, name: str) -> list[str]:
        return [queue for queue in self.queues if name in self.options(queue).replicas]

    def options(self, queue: str) -> QueueOptions:
        """How a queue is replicated now."""
        return self.store.now.options[queue]

    def new_core(self, machine: Machine, identity: DiskIdentity) -> ReplicationCore:
        core = ReplicationCore(
            machine.name,
            identity,
            rules=self.rules,
            catch_up_count_max=CATCH_UP_COUNT,
            lease_margin_ms=MARGIN,
            still_max_ms=STILL_MAX,
            timers=self.timers,
        )
        core.tick(self.clock(machine))
        for queue, log in machine.disk.items():
            core.add_replica(queue, UNKNOWN, log.stored())
        return core

    def boot(self, machine: Machine, identity: DiskIdentity) -> None:
        """Start a node on what is on its disk."""
        machine.boot(self.new_core(machine, identity))
        shortages.watch_over(self, machine)

    def clock(self, machine: Machine) -> int:
        """A node's monotonic clock; with a mistake, the wall clock that may jump."""
        return self.now + (machine.skew if self.mistakes.wall_clock_lease else 0)

    def register(self, name: str) -> None:
        """A node takes a new live key, and with it an incarnation."""
        machine = self.machines[name]
        incarnation = self.store.register(machine.replica, self.now + TTL)
        self.see_store(name)
        self.step(name, LeaseGranted(incarnation, self.clock(machine), TTL))

    def reaches_store(self, name: str) -> bool:
        return self.store.up and (name, ETCD) not in self.cuts

    def see_store(self, name: str) -> bool:
        """The head of an answer of the store: whether the node still believes it (R20)."""
        machine, now = self.machines[name], self.store.now
        machine.core.step(StoreSeen(now.revision, *now.members[name]))
        return not machine.frozen

    def step(self, name: str, happened: Input, what: tuple[object, ...] = ()) -> None:
        """Hand an input to a core, and do all that it asks for."""
        machine = self.machines[name]
        machine.core.tick(self.clock(machine))
        if not machine.core.is_idle():
            self.carry_out(machine)
        shortages.obeys(self, machine, happened)
        self.carry_out(machine, what)

    def carry_out(self, machine: Machine, what: tuple[object, ...] = ()) -> None:
        ready = machine.core.ready()
        for write in ready.writes:
            machine.write(write)
        self._hand_over_frames(machine, ready)
        for transaction in ready.transactions:
            by_timer = (transaction.change.value, f"#{machine.boots}.{transaction.number}")
            self.store.submit(machine.name, transaction, what or by_timer)
        self._note_roles(machine, ready)
        for queue, committed in ready.committed.items():
            self._check_committed(machine, queue, committed.epoch, committed.index)
        for request in ready.reads:
            machine.reads.append(
                machine.read(
                    request,
                    mixed=self.mistakes.mixed_snapshot,
                    without_fronts=self.mistakes.snapshot_without_fronts,
                )
            )
        while self.reads_at_once and (at := machine.next_read()) is not None:
            self.step(machine.name, machine.reads.pop(at))

    def _hand_over_frames(self, machine: Machine, ready: Ready) -> None:
        name = machine.name
        for mirror, frame in ready.to_mirrors:
            self.conns[name, mirror].down.append(frame)
        for leader, answer in ready.to_leaders:
            self.conns[leader, name].up.append(answer)
            if isinstance(answer, Ends | Got):
                key = (machine.replica, answer.queue)
                self.ghost.answered[key] = max(self.ghost.answered.get(key, 0), answer.epoch)

    def _note_roles(self, machine: Machine, ready: Ready) -> None:
        for queue, role in ready.roles.items():
            lead = machine.lead(queue)
            machine.out.pop(queue, None)
            machine.waiting = [each for each in machine.waiting if each[0] != queue]
            if lead is None:
                machine.shown.pop(queue, None)
                continue
            writer = (machine.name, machine.boots)
            self.ghost.queues[queue].note_writer(queue, lead.epoch, writer)
            if role is Role.LEADER_ELECT or queue not in machine.shown:
                machine.shown[queue] = min(lead.commit, lead.epoch_start - 1)

    def _check_committed(self, machine: Machine, queue: str, epoch: int, index: int) -> None:
        promises, log = self.ghost.queues[queue], machine.written[queue]
        lead = machine.lead(queue)
        assert lead is not None
        first = max(log.base, machine.shown[queue]) + 1
        news = {i: log.at(i) for i in range(first, index + 1)}
        if epoch < promises.top_epoch:
            unknown = any(promises.committed.get(i) != record for i, record in news.items())
            if unknown or lead.replica.options.lease_guard:
                raise ViolationError(f"I2 {queue}: {machine.name} confirms in {epoch}, deposed")
        if machine.shown[queue] < lead.epoch_start and epoch > promises.top_epoch:
            promises.note_serving(queue, epoch, log)
        present = self.store.now.states[queue][0]
        outside = present.in_sync_set - lead.waited_for()
        if present.epoch == epoch and outside and not self.ghost.store_went_back:
            raise ViolationError(f"I8 {queue}: {machine.name} confirms without {sorted(outside)}")
        is_known = lead.revision == self.store.now.states[queue][1]
        if is_known and len(lead.waited_for()) < self.options(queue).min_isr:
            raise ViolationError(f"I9 {queue}: {machine.name} confirms with fewer than min_isr")
        for i, record in news.items():
            promises.note_committed(queue, i, record)
        self.ghost.confirmed_count += len(news)
        machine.shown[queue] = index
        self.confirm_published(machine, queue, index)

    def confirm_published(self, machine: Machine, queue: str, index: int) -> None:
        """A leader has committed so far: who waits for it is confirmed, and it must be there."""
        promises = self.ghost.queues[queue]
        waiting, machine.waiting = machine.waiting, []
        for each in waiting:
            if each[0] != queue or each[3] > index:
                machine.waiting.append(each)
                continue
            _, front, number, _ = each
            if (front, number) not in promises.places:
                raise ViolationError(f"R23 {queue}: {front}'s {number} is confirmed, in no log")
            if queue in self.queues:
                self.fronts[front, queue].answers.append(number)

    def publish(self, name: str, queue: str, count: int) -> None:
        """Publish a run of messages, each with a name of its own."""
        first = self.ghost.message_count + 1
        self.ghost.message_count += count
        self.append(name, queue, "E", *(f"m{number}" for number in range(first, first + count)))

    def append(self, name: str, queue: str, kind: str, *arguments: object) -> None:
        machine = self.machines[name]
        lead = machine.lead(queue)
        assert lead is not None
        self.ghost.queues[queue].note_writer(queue, lead.epoch, (name, machine.boots))
        payload = tuple(Record(lead.epoch, kind, each) for each in arguments)
        if kind == "S":
            machine.core.append_settlement(queue, len(payload), payload)
        else:
            machine.core.append(queue, len(payload), payload)
        self.carry_out(machine)

    def check(self) -> None:
        """I1, I9: what was confirmed is on the disks of the members that the store names."""
        for queue in self.queues:
            promises, options = self.ghost.queues[queue], self.options(queue)
            if self.ghost.store_went_back:
                continue
            members = self.store.now.states[queue][0].in_sync_set
            promises.note_members(queue, len(members), options.min_isr)
            if not promises.confirmed:
                continue
            there = [
                machine
                for machine in self.machines.values()
                if machine.replica in members and machine.disk and not machine.swapped
            ]
            for machine in there:
                self._check_disk(machine, queue)
            # A min_isr that was raised promises nothing before the set has reached it.
            if not there and promises.full_since > 1:
                raise ViolationError(f"I9 {queue}: no member of {sorted(members)} has its disk")

    def _check_disk(self, machine: Machine, queue: str) -> None:
        promises, log = self.ghost.queues[queue], machine.disk.get(queue, StoredLog())
        for index, record in promises.confirmed.items():
            if not log.holds(index, record, promises.acked):
                raise ViolationError(
                    f"I1 {queue}[{index}] {record} is confirmed, not on the disk of {machine.name}"
                )
