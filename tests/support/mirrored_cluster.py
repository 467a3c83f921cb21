"""Three nodes with mirrored queues: cores, logs on disks in memory, classic queues on the leaders.

Links, metadata store and clock are virtual, and chance chooses what happens next. A ledger knows
what was promised, and looks at what each new leader begins with.
"""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from cluster.mirrored.log import MirroredLog
from cluster.mirrored.node import MirroredNode
from cluster.replication import inputs
from cluster.replication.core import ReplicationCore
from cluster.replication.election import candidates, is_due
from cluster.replication.frames import LeaderFrame, MirrorFrame
from cluster.replication.identity import DiskIdentity
from cluster.replication.ready import Ready, StateTransaction
from cluster.replication.state import LiveNode, QueueOptions, QueueState, ReplicaId
from cluster.replication.timers import Timers
from persistence.log_form import LogForm
from persistence.log_state import LogOptions
from persistence.queue_recovery import RecoveredQueue
from persistence.wal_file import SALT_BITS
from queues.batch import Batch
from queues.classic.queue import ClassicQueue
from queues.commits import SAFE_NOW, CommitPoint, is_ordered_by, is_safe, wait_for
from queues.moves import Dying
from queues.options import QueueOptions as Arguments
from queues.ports import EngineParts
from queues.tail import NodeMemory, QueueMemory
from tests.crash.stored_node import StoredNode, change_of, stored_slices
from tests.support.fault_fs import FaultFS
from tests.support.records import record

NAMES = "abc"
REPLICATED = QueueOptions(tuple(NAMES), 2)
MIRRORED = LogOptions(form=LogForm.MIRRORED)
QUEUE, DEAD = "jobs", "dead"
QUEUE_IDS = {QUEUE: 1, DEAD: 2}
NOW_MS = 1_000
TICK_MS = 50
TIMERS = Timers(
    lag_max_ms=400, missing_max_ms=200, answer_max_ms=10_000, attach_again_ms=50, looks_max=9
)
FOR_EVER_MS = 1 << 40
BUDGETS_BYTES = (1 << 20, 40)


class Ledger:
    """What was promised of one queue, message by message; a message is its number.

    ``confirmed`` must be there, unless it is ``leaving``: somebody has begun to settle it.
    ``gone`` has a settlement that is committed, and must not come back.
    """

    def __init__(self, *, may_repeat: bool) -> None:
        self.may_repeat = may_repeat
        self.published: set[int] = set()
        self.confirmed: set[int] = set()
        self.leaving: set[int] = set()
        self.gone: set[int] = set()

    def compare(self, found: list[int]) -> None:
        """Look at what a new leader begins with."""
        there = set(found)
        lost = self.confirmed - self.leaving - there
        assert not lost, f"confirmed and lost: {sorted(lost)}"
        assert there <= self.published, f"never published: {sorted(there - self.published)}"
        if not self.may_repeat:
            assert not there & self.gone, f"settled and back: {sorted(there & self.gone)}"
            assert found == sorted(there), f"order or count: {found}"


class Served:
    """A queue on its leader, with what clients hold of it."""

    def __init__(self, name: str, log: MirroredLog, found: RecoveredQueue, budget: int) -> None:
        self.log = log
        self.unacked: list[Batch] = []
        self.dying: Dying | None = None
        self.copied_to: Served | None = None
        options = Arguments(dead_letter_exchange="dead") if name == QUEUE else Arguments()
        memory = QueueMemory(NodeMemory(), budget, budget)
        parts = EngineParts(name, options, log, lambda _: None, lambda: None, NOW_MS, memory=memory)
        self.engine = ClassicQueue(parts)
        self.engine.recover(found, NOW_MS)


class Machine:
    """One node; ``shell`` is None while it is down. It is the ``Surroundings`` of its shell."""

    def __init__(self, name: str, cluster: "Cluster") -> None:
        self.name = name
        self.cluster = cluster
        self.disk = FaultFS()
        self.boots = 0
        self.served: dict[str, Served] = {}
        self.shell: MirroredNode | None = None
        self.start()

    @property
    def up(self) -> MirroredNode:
        assert self.shell is not None
        return self.shell

    def start(self) -> None:
        draw = self.cluster.draw
        is_new = self.boots == 0
        self.boots += 1
        salt = partial(draw.getrandbits, SALT_BITS)
        self.node = StoredNode(self.disk, salt, draw.randrange(10**6), draw.choice((600, 1 << 20)))
        core = ReplicationCore(self.name, DiskIdentity("0", 0), catch_up_count_max=3, timers=TIMERS)
        core.tick(self.cluster.now_ms)
        self.shell = MirroredNode(core, self.node.commit, self, records_bytes_max=2_000)
        for queue, queue_id in QUEUE_IDS.items():
            core.know_queue(queue, REPLICATED)
            if is_new:
                self.node.commit.append_definition(change_of(queue_id, MIRRORED))
                replica = self.node.store.new_replica_log(MIRRORED, queue_id)
            else:
                found = self.node.opened.replicas[queue_id]
                assert found.is_whole, "a crash loses no replica"
                replica = found.log
            self.shell.add_replica(queue, REPLICATED, replica)
        self.node.commit_group()

    def stop_now(self) -> None:
        """End without a word, as after a power cut or a kill."""
        draw = self.cluster.draw
        is_killed = draw.random() < 0.3
        self.disk = self.disk.killed() if is_killed else self.disk.crash(draw.randrange)
        self.shell = None
        self.served = {}

    # -- what the shell hands on -----------------------------------------------------------------

    def route(self, ready: Ready) -> None:
        for mirror, frame in ready.to_mirrors:
            if (self.name, mirror) in self.cluster.links:
                self.cluster.links[self.name, mirror].down.append(frame)
        for leader, answer in ready.to_leaders:
            if (leader, self.name) in self.cluster.links:
                self.cluster.links[leader, self.name].up.append(answer)

    def submit(self, transaction: StateTransaction) -> None:
        self.cluster.requests.append((self.name, self.boots, transaction))

    def read_state(self, queue: str) -> None:
        self.cluster.unread.add((self.name, queue))

    def serve(self, queue: str, log: MirroredLog, found: RecoveredQueue) -> None:
        self.cluster.ledgers[queue].compare(numbers_in(found))
        assert found.redeliver_below == found.next_position, "all may have been delivered"
        self.served[queue] = Served(queue, log, found, self.cluster.draw.choice(BUDGETS_BYTES))
        self.cluster.served_count += 1

    def stop(self, queue: str) -> None:
        del self.served[queue]


@dataclass(slots=True)
class Link:
    """Frames of a leader's node down, answers up."""

    down: deque[LeaderFrame] = field(default_factory=deque)
    up: deque[MirrorFrame] = field(default_factory=deque)


class Cluster:
    """All of it; ``step`` makes one thing happen.

    ``settles_first`` is a mistake: what died is settled before its copy is safe.
    """

    def __init__(self, seed: int, *, settles_first: bool = False) -> None:
        self.draw = random.Random(seed)
        self.settles_first = settles_first
        self.now_ms = 0
        self.links: dict[tuple[str, str], Link] = {}
        self.requests: list[tuple[str, int, StateTransaction]] = []
        self.unread: set[tuple[str, str]] = set()
        self.revision = 10
        self.live: dict[str, LiveNode] = {}
        self.states: dict[str, tuple[QueueState, int]] = {}
        self.ledgers = {QUEUE: Ledger(may_repeat=False), DEAD: Ledger(may_repeat=True)}
        self.served_count = 0
        self.published_count = 0
        self.moved_count = 0
        self.machines = {name: Machine(name, self) for name in NAMES}
        for machine in self.machines.values():
            self.register(machine)
        members = frozenset(ReplicaId(name, "0") for name in NAMES)
        for queue in QUEUE_IDS:
            self.put(queue, QueueState("a", self.live["a"].incarnation, 1, members))
        self.kinds: list[tuple[int, Callable[[], None]]] = [
            (6, self.publish),
            (16, self.get),
            (10, self.settle),
            (2, self.come_back),
            (6, self.reject),
            (1, self.purge),
            (6, self.move_dead),
            (60, self.sync),
            (120, self.carry),
            (12, self.tick),
            (10, self.connect),
            (20, self.answer_store),
            (10, self.read),
            (8, self.elect),
            (2, self.checkpoint),
            (1, self.reset),
            (1, self.kill),
            (1, self.expire),
            (4, self.start),
        ]

    def step(self) -> None:
        weights = [weight for weight, _ in self.kinds]
        self.draw.choices([kind for _, kind in self.kinds], weights)[0]()

    def heal(self, steps_max: int = 4_000) -> None:
        """Let everything come back, with nothing new; then all must be whole."""
        quiet = (
            self.publish, self.get, self.reject, self.purge, self.kill, self.reset, self.expire
        )  # fmt: skip
        self.kinds = [(weight, kind) for weight, kind in self.kinds if kind not in quiet]
        for _ in range(steps_max):
            if self.is_whole():
                self.take_all()
                return
            self.step()
        raise AssertionError(f"not whole after the heal: {self.states}")

    def take_all(self) -> None:
        """Take what the last leaders have: each message in its place."""
        for queue, ledger in self.ledgers.items():
            served = self.machines[self.states[queue][0].leader].served[queue]
            taken = list[int]()
            while (got := served.engine.get(NOW_MS)) is not None:
                taken += [int(each.body) for each in got[0].records]
            assert ledger.may_repeat or taken == sorted(taken), f"out of order: {taken}"
            held = [number for batch in served.unacked for number in numbers_of(batch.records)]
            ledger.compare(sorted(taken + held))

    def is_whole(self) -> bool:
        for queue in QUEUE_IDS:
            state = self.states[queue][0]
            machine = self.machines[state.leader]
            served = machine.served.get(queue)
            if len(state.in_sync_set) < len(NAMES) or served is None:
                return False
            lead = served.log.led.lead
            if lead.state != state or lead.commit < lead.replica.end or served.engine.moves.count:
                return False
        return True

    # -- nodes, links, store ---------------------------------------------------------------------

    def register(self, machine: Machine) -> None:
        self.revision += 1
        replica = ReplicaId(machine.name, "0")
        self.live[machine.name] = LiveNode(self.revision, replica)
        machine.up.step(inputs.LeaseGranted(self.revision, self.now_ms, FOR_EVER_MS))

    def put(self, queue: str, state: QueueState) -> None:
        self.revision += 1
        self.states[queue] = (state, self.revision)
        self.unread |= {(name, queue) for name in self.machines}

    def running(self) -> list[Machine]:
        return [machine for machine in self.machines.values() if machine.shell is not None]

    def sync(self) -> None:
        if machines := self.running():
            self.draw.choice(machines).node.commit_group()

    def carry(self) -> None:
        """A frame or an answer arrives."""
        if not self.links:
            return
        name, mirror = self.draw.choice(sorted(self.links))
        for _ in range(self.draw.choice((1, 1, 5))):
            link = self.links[name, mirror]
            if link.down and self.draw.random() < 0.6:
                frame = link.down.popleft()
                self.machines[mirror].up.step(inputs.FrameFromLeader(name, frame))
            elif link.up:
                answer = link.up.popleft()
                self.machines[name].up.step(inputs.FrameFromMirror(mirror, answer))

    def tick(self) -> None:
        self.now_ms += TICK_MS
        for machine in self.running():
            machine.up.tick(self.now_ms)

    def connect(self) -> None:
        pairs = [
            (one.name, two.name)
            for one in self.running()
            for two in self.running()
            if one is not two and (one.name, two.name) not in self.links
        ]
        if pairs:
            name, mirror = self.draw.choice(pairs)
            self.links[name, mirror] = Link()
            self.machines[name].up.step(inputs.MirrorConnected(mirror))
            self.machines[mirror].up.step(inputs.LeaderConnected(name))

    def reset(self) -> None:
        if self.links:
            self.disconnect(*self.draw.choice(sorted(self.links)))

    def disconnect(self, name: str, mirror: str) -> None:
        del self.links[name, mirror]
        if self.machines[name].shell is not None:
            self.machines[name].up.step(inputs.MirrorDisconnected(mirror))
        if self.machines[mirror].shell is not None:
            self.machines[mirror].up.step(inputs.LeaderDisconnected(name))

    def answer_store(self) -> None:
        """The store takes a transaction, and its outcome arrives."""
        if not self.requests:
            return
        name, boots, transaction = self.requests.pop(0)
        state, revision = self.states[transaction.queue]
        good = revision == transaction.expected_revision
        for other, incarnation in transaction.live:
            good &= other in self.live and self.live[other].incarnation == incarnation
        if good:
            assert transaction.new.epoch >= state.epoch
            self.put(transaction.queue, transaction.new)
        machine = self.machines[name]
        if machine.shell is not None and machine.boots == boots:
            number = transaction.number
            done = inputs.TransactionDone(number, self.revision)
            machine.up.step(done if good else inputs.TransactionRefused(number))

    def read(self) -> None:
        if not self.unread:
            return
        name, queue = self.draw.choice(sorted(self.unread))
        self.unread.discard((name, queue))
        machine = self.machines[name]
        if machine.shell is not None:
            machine.up.step(inputs.StateRead(queue, *self.states[queue]))

    def elect(self) -> None:
        if not (machines := self.running()):
            return
        machine, queue = self.draw.choice(machines), self.draw.choice(list(QUEUE_IDS))
        state, revision = self.states[queue]
        if is_due(state, self.live):
            able = candidates(machine.up.core.node, queue, state, self.live)
            if able:
                chosen = self.draw.choice(able)
                live = dict(self.live)
                machine.up.step(inputs.Elect(queue, state, revision, live, chosen))

    def checkpoint(self) -> None:
        if not (machines := self.running()):
            return
        node = self.draw.choice(machines).node
        made = node.store.begin_checkpoint()
        while not node.store.step(made, max_bytes=400):
            pass
        while node.commit.committed_lsn < made.snapshot.lsn:
            node.commit_group()
        for _ in node.store.persist(made):
            pass
        node.store.finish(made, None)

    def kill(self) -> None:
        """A node ends, and loses what was not on its disk; two of three are left at least."""
        machines = self.running()
        if len(machines) < len(NAMES) or len(self.live) < len(NAMES):
            return
        leaders = [self.machines[state.leader] for state, _ in self.states.values()]
        machine = self.draw.choice(machines + leaders)
        machine.stop_now()
        self.live.pop(machine.name, None)
        for pair in [pair for pair in self.links if machine.name in pair]:
            self.disconnect(*pair)

    def expire(self) -> None:
        """A node's lease ends while it lives, and thinks that it still leads."""
        state, _ = self.draw.choice(list(self.states.values()))
        if len(self.live) == len(NAMES):
            del self.live[state.leader]

    def start(self) -> None:
        for machine in self.running():
            if machine.name not in self.live:
                self.register(machine)
                return
        down = [machine for machine in self.machines.values() if machine.shell is None]
        if down:
            machine = self.draw.choice(down)
            machine.start()
            self.register(machine)
            self.unread |= {(machine.name, queue) for queue in QUEUE_IDS}

    # -- clients ---------------------------------------------------------------------------------

    def leader(self, queue: str) -> tuple[Machine, Served] | None:
        """A node that serves a queue; where a deposed one does too, any of them."""
        found = [
            (machine, machine.served[queue])
            for machine in self.running()
            if queue in machine.served
        ]
        return self.draw.choice(found) if found else None

    def publish(self) -> None:
        if (led := self.leader(QUEUE)) is None or not led[1].log.takes_publishes:
            return
        machine, served = led
        count = self.draw.choice((1, 1, 2, 10))
        first = self.published_count
        self.published_count += count
        numbers = range(first, first + count)
        run = [record(b"%d" % number, persistent=number % 5 > 0) for number in numbers]
        self.ledgers[QUEUE].published |= set(numbers)
        safe_at = served.engine.publish(run, NOW_MS).safe_at
        machine.up.carry_out()
        self.note(safe_at, self.ledgers[QUEUE].confirmed, set(numbers))

    def note(self, safe_at: CommitPoint, promised: set[int], numbers: set[int]) -> None:
        """Once this is safe it is promised; what failed never is."""

        def decided() -> None:
            if is_safe(safe_at):
                promised.update(numbers)

        wait_for(safe_at, decided)

    def get(self) -> None:
        """A client takes a message; only what is committed may be delivered (R16)."""
        if (led := self.leader(self.draw.choice(list(QUEUE_IDS)))) is None:
            return
        machine, served = led
        lead = served.log.led.lead
        core = machine.up.core
        if not core.may_deliver(lead.queue) or core.deliverable(lead.queue) < lead.replica.end:
            return
        for _ in range(self.draw.choice((1, 4))):
            taken = served.engine.get(NOW_MS)
            if taken is not None:
                served.unacked.append(taken[0])

    def some_unacked(self, queue: str) -> tuple[Machine, Served, Batch] | None:
        led = self.leader(queue)
        if led is None or not led[1].unacked:
            return None
        served = led[1]
        return *led, served.unacked.pop(self.draw.randrange(len(served.unacked)))

    def settle(self) -> None:
        if (found := self.some_unacked(self.draw.choice(list(QUEUE_IDS)))) is None:
            return
        machine, served, batch = found
        ledger = self.ledgers[served.log.led.lead.queue]
        numbers = numbers_of(batch.records)
        ledger.leaving |= numbers
        group = served.engine.commit_group
        lsn = served.engine.settle(batch.positions, batch.body_bytes)
        group = served.engine.commit_group
        machine.up.carry_out()
        self.note(CommitPoint(group, lsn), ledger.gone, numbers)

    def come_back(self) -> None:
        if (found := self.some_unacked(self.draw.choice(list(QUEUE_IDS)))) is not None:
            machine, served, batch = found
            served.engine.requeue([batch], NOW_MS)
            machine.up.carry_out()

    def reject(self) -> None:
        if (found := self.some_unacked(QUEUE)) is not None:
            machine, served, batch = found
            served.engine.reject([batch], NOW_MS)
            machine.up.carry_out()

    def purge(self) -> None:
        if self.draw.random() < 0.7 or (led := self.leader(QUEUE)) is None:
            return
        machine, served = led
        held = {number for batch in served.unacked for number in numbers_of(batch.records)}
        self.ledgers[QUEUE].leaving |= self.ledgers[QUEUE].published - held
        served.engine.purge()
        machine.up.carry_out()

    def move_dead(self) -> None:
        """Copy what died into the other queue, and settle it once the copy is safe there."""
        dead = self.leader(DEAD)
        for machine in self.running():
            served = machine.served.get(QUEUE)
            if served is None or dead is None or not dead[1].log.takes_publishes:
                continue
            target_machine, target = dead
            dying = served.dying
            if dying is None:
                dying = served.engine.moves.take(4)
            elif self.is_serving(served.copied_to):
                continue
            if dying is None:
                continue
            served.dying, served.copied_to = dying, target
            numbers = numbers_of(dying.records)
            ledger = self.ledgers[DEAD]
            ledger.published |= numbers
            safe_at = target.engine.publish(dying.records, NOW_MS).safe_at
            assert not is_ordered_by(served.engine.commit_group, safe_at), "it has to wait"
            self.note(safe_at, ledger.confirmed, numbers)
            waits_for = SAFE_NOW if self.settles_first else safe_at
            wait_for(waits_for, partial(self.copied, machine, served, target, waits_for))
            target_machine.up.carry_out()
            machine.up.carry_out()

    def is_serving(self, served: Served | None) -> bool:
        """Whether copies there may still be confirmed: the node that was asked goes on."""
        return any(served in machine.served.values() for machine in self.running())

    def copied(
        self, machine: Machine, served: Served, target: Served, safe_at: CommitPoint
    ) -> None:
        dying = served.dying
        if served.copied_to is not target or dying is None:
            return
        if not is_safe(safe_at):
            served.copied_to = None
            return
        if machine.served.get(QUEUE) is not served:
            return
        served.dying = None
        self.ledgers[QUEUE].leaving |= numbers_of(dying.records)
        served.engine.moved(dying)
        self.moved_count += 1
        machine.up.carry_out()


def numbers_in(found: RecoveredQueue) -> list[int]:
    """Return the messages that a queue begins with, in their order."""
    slices = [each for lane in found.lanes for each in lane.unstored]
    slices += stored_slices(found.log, 0)
    messages = {
        position: int(each.body)
        for piece in slices
        for position, each in zip(piece.positions, piece.records, strict=True)
    }
    assert len(messages) == found.message_count, "what is stored is counted once"
    return [messages[position] for position in sorted(messages)]


def numbers_of(records: object) -> set[int]:
    return {int(each.body) for each in records}  # type: ignore[attr-defined]
