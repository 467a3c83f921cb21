"""A node with mirrored queues: a core, a log on a disk in memory, classic queues where it leads.

What the nodes share is virtual. A ledger knows what was promised of a queue, and looks at what each
new leader begins with.
"""

import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from cluster.mirrored.log import MirroredLog
from cluster.mirrored.node import MirroredNode
from cluster.replication.core import ReplicationCore
from cluster.replication.frames import LeaderFrame, MirrorFrame
from cluster.replication.identity import DiskIdentity
from cluster.replication.ready import Change, Ready, StateTransaction
from cluster.replication.state import LiveNode, QueueOptions, QueueState
from cluster.replication.timers import Timers
from persistence.log_form import LogForm
from persistence.log_state import LogOptions
from persistence.queue_recovery import RecoveredQueue
from persistence.slices import Slice
from persistence.wal_file import SALT_BITS
from queues.batch import Batch
from queues.classic.mirrored_queue import MirroredQueue
from queues.effects import Effect
from queues.log_port import KeepingLog
from queues.moves import Dying
from queues.options import QueueOptions as Arguments
from queues.ports import EngineParts
from queues.tail import NodeMemory, QueueMemory
from tests.crash.stored_node import LIMITS, StoredNode, change_of, stored_slices
from tests.support.consumer import FakeConsumer
from tests.support.fault_fs import FaultFS

NAMES = "abc"
REPLICATED = QueueOptions(tuple(NAMES), 2)
MIRRORED = LogOptions(form=LogForm.MIRRORED)
QUEUE, DEAD = "jobs", "dead"
QUEUE_IDS = {QUEUE: 1, DEAD: 2}
NOW_MS = 1_000
TICK_MS = 50
TIMERS = Timers(
    lag_max_ms=400,
    missing_max_ms=200,
    idle_max_ms=2_000,
    answer_max_ms=10_000,
    attach_again_ms=50,
    looks_max=9,
)
FOR_EVER_MS = 1 << 40
BUDGETS_BYTES = (1 << 20, 40)
TAKEN_BYTES_MAX = 300


class Ledger:
    """What was promised of one queue, message by message; a message is its number.

    ``confirmed`` must be there, unless it is ``leaving``: somebody has begun to settle it.
    ``seen`` was delivered, so it was committed, and is as safe as what is confirmed.
    ``gone`` has a settlement that is committed, and must not come back.
    """

    def __init__(self, numbered: Mapping[int, tuple[str, int, int]], *, may_repeat: bool) -> None:
        self.may_repeat = may_repeat
        self._numbered = numbered
        self.published: set[int] = set()
        self.confirmed: set[int] = set()
        self.seen: set[int] = set()
        self.leaving: set[int] = set()
        self.gone: set[int] = set()

    def compare(self, found: list[int]) -> None:
        """Look at what a new leader begins with."""
        there = set(found)
        lost = (self.confirmed | self.seen) - self.leaving - there
        assert not lost, f"confirmed or delivered, and lost: {sorted(lost)}"
        assert there <= self.published, f"never published: {sorted(there - self.published)}"
        if not self.may_repeat:
            assert not there & self.gone, f"settled and back: {sorted(there & self.gone)}"
            self.hold_order(found)

    def hold_order(self, found: list[int]) -> None:
        """Assert that messages are there once, and those of a front end in its order."""
        assert len(found) == len(set(found)), f"more than once: {found}"
        by_front: dict[tuple[str, int], list[int]] = {}
        for each in found:
            name, incarnation, number = self._numbered[each]
            by_front.setdefault((name, incarnation), []).append(number)
        for front, numbers in by_front.items():
            assert numbers == sorted(numbers), f"out of order, of {front}: {numbers}"


@dataclass(slots=True)
class FrontEnd:
    """A process that numbers messages, and submits them until they are confirmed (R23)."""

    name: str
    incarnation: int = 1
    epoch: int = 0
    bodies: dict[int, int] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)

    @property
    def made(self) -> int:
        return len(self.bodies)


class Served:
    """A queue on its leader, with what clients hold of it.

    ``wakes`` counts the calls for a drain.
    """

    def __init__(
        self, machine: "Machine", name: str, log: MirroredLog, found: RecoveredQueue
    ) -> None:
        draw = machine.cluster.draw
        self.machine = machine
        self.name = name
        self.log = log
        self.wakes = 0
        self.unacked: list[Batch] = []
        self.settling: set[int] = set()
        self.acked: set[int] = set()
        self.dying: Dying | None = None
        self.copied_to: Served | None = None
        self.consumer = Taker(self) if draw.random() < 0.5 else None
        budget = draw.choice(BUDGETS_BYTES)
        memory = QueueMemory(NodeMemory(), budget, budget)
        parts = EngineParts[KeepingLog](
            name,
            machine.cluster.options_of(name),
            log,
            self.note_effect,
            self.wake_up,
            NOW_MS,
            memory=memory,
        )
        self.engine = machine.cluster.make_engine(parts)
        self.engine.recover(found, NOW_MS)
        if self.consumer is not None:
            self.engine.consume(self.consumer, NOW_MS)

    def wake_up(self) -> None:
        self.wakes += 1

    def note_effect(self, effect: Effect) -> None:
        """Nobody is told: ``move_dead`` looks by itself."""

    def drain(self, max_count: int) -> None:
        """The end of a turn in which the queue asked for it."""
        if self.wakes:
            self.wakes = 0
            self.wakes += self.engine.drain(NOW_MS, max_count)
            self.engine.check_invariants()

    def take(self, batch: Batch) -> None:
        """A client has messages; only what is committed may be delivered, by who may (R16)."""
        assert self.machine.up.core.may_deliver(self.name), "delivered without a lease"
        numbers = numbers_of(batch.records)
        self.machine.cluster.ledgers[self.name].seen |= numbers
        self.unacked.append(batch)


class Taker(FakeConsumer):
    """A consumer that keeps what it gets."""

    def __init__(self, served: Served) -> None:
        super().__init__(prefetch=served.machine.cluster.draw.choice((3, 100)))
        self.served = served

    def deliver(self, batch: Batch) -> None:
        self.prefetch.unacked_count += len(batch)
        self.served.take(batch)


@dataclass(slots=True)
class Link:
    """Frames of a leader's node down, answers up."""

    down: deque[LeaderFrame] = field(default_factory=deque)
    up: deque[MirrorFrame] = field(default_factory=deque)


class Shared:
    """What the nodes of a cluster meet in, and its ledgers.

    ``settles_first`` is a mistake: what died is settled before its copy is safe. The queues are
    priority queues with a ``max_priority``.
    """

    def __init__(
        self, seed: int, *, settles_first: bool = False, max_priority: int | None = None
    ) -> None:
        self.max_priority = max_priority
        self.draw = random.Random(seed)
        self.settles_first = settles_first
        self.now_ms = 0
        self.links: dict[tuple[str, str], Link] = {}
        self.requests: list[tuple[str, int, StateTransaction]] = []
        self.unread: set[tuple[str, str]] = set()
        self.revision = 10
        self.live: dict[str, LiveNode] = {}
        self.states: dict[str, tuple[QueueState, int]] = {}
        self.numbered: dict[int, tuple[str, int, int]] = {}
        self.ledgers = self.make_ledgers()
        self.fronts = [FrontEnd(name) for name in ("x", "y")]
        self.acked_before: dict[tuple[str, int, int], set[int]] = {}
        self.served_count = 0
        self.published_count = 0
        self.moved_count = 0

    def options_of(self, name: str) -> Arguments:
        """The options of a queue."""
        dead_letter_exchange = "dead" if name == QUEUE else None
        return Arguments(dead_letter_exchange=dead_letter_exchange, max_priority=self.max_priority)

    def make_engine(self, parts: EngineParts[KeepingLog]) -> MirroredQueue:
        """What runs a queue on its leader."""
        return MirroredQueue(parts)

    def make_ledgers(self) -> dict[str, Ledger]:
        return {
            QUEUE: Ledger(self.numbered, may_repeat=False),
            DEAD: Ledger(self.numbered, may_repeat=True),
        }


class Machine:
    """One node; ``shell`` is None while it is down. It is the ``Surroundings`` of its shell."""

    limits = LIMITS

    def __init__(self, name: str, cluster: Shared) -> None:
        self.name = name
        self.cluster = cluster
        self.disk = FaultFS()
        self.disk_name, self.is_blank = "0", True
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
        is_new, self.is_blank = self.is_blank, False
        self.boots += 1
        salt = partial(draw.getrandbits, SALT_BITS)
        sizes = draw.choice((600, 1 << 20)), self.limits
        self.node = StoredNode(self.disk, salt, draw.randrange(10**6), *sizes)
        identity = DiskIdentity(self.disk_name, 0)
        core = ReplicationCore(self.name, identity, catch_up_count_max=3, timers=TIMERS)
        core.tick(self.cluster.now_ms)
        self.shell = MirroredNode(core, self.node.commit, self, records_bytes_max=2_000)
        self.shell.catch_ups.taken_bytes_max = TAKEN_BYTES_MAX
        options = MIRRORED._replace(max_priority=self.cluster.max_priority)
        for queue, queue_id in QUEUE_IDS.items():
            core.know_queue(queue, REPLICATED)
            if is_new:
                self.node.commit.append_definition(change_of(queue_id, options))
                replica = self.node.store.new_replica_log(options, queue_id)
            else:
                found = self.node.opened.replicas[queue_id]
                assert found.is_whole, "a crash loses no replica"
                replica = found.log
            self.shell.add_replica(queue, REPLICATED, replica)
        self.node.commit_group()

    def replace_disk(self) -> None:
        """Begin the next time with an empty disk, which is another replica (R3)."""
        assert self.shell is None, "it is down meanwhile"
        self.disk = FaultFS()
        self.disk_name, self.is_blank = str(int(self.disk_name) + 1), True

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
        served = self.served.get(transaction.queue)
        if served is not None and transaction.change is Change.MOVE:
            # Who leads next has all that was acked before (R22).
            self.cluster.acked_before[self.name, self.boots, transaction.number] = set(served.acked)
        self.cluster.requests.append((self.name, self.boots, transaction))

    def read_state(self, queue: str) -> None:
        self.cluster.unread.add((self.name, queue))

    def serve(self, queue: str, log: MirroredLog, found: RecoveredQueue) -> None:
        self.cluster.ledgers[queue].compare(numbers_in(found))
        assert found.redeliver_below == found.next_position, "all may have been delivered"
        self.served[queue] = Served(self, queue, log, found)
        self.cluster.served_count += 1

    def stop(self, queue: str) -> None:
        del self.served[queue]


def numbers_in(found: RecoveredQueue) -> list[int]:
    """Return the messages that a queue begins with, in their order."""
    slices: list[Slice] = []
    for lane in found.lanes:
        of_lane = [*lane.unstored, *stored_slices(found.log, lane.lane)]
        priorities = {each.priority for piece in of_lane for each in piece.records}
        assert priorities <= {lane.lane} or len(found.lanes) == 1, "messages of another priority"
        slices += of_lane
    messages = {
        position: int(each.body)
        for piece in slices
        for position, each in zip(piece.positions, piece.records, strict=True)
    }
    assert len(messages) == found.message_count, "what is stored is counted once"
    return [messages[position] for position in sorted(messages)]


def numbers_of(records: object) -> set[int]:
    return {int(each.body) for each in records}  # type: ignore[attr-defined]
