"""Three nodes with mirrored queues on disks in memory, and chance that says what happens next.

Links, metadata store and clock are virtual.
"""

from collections.abc import Callable

from cluster.replication import inputs
from cluster.replication.election import candidates, is_due
from cluster.replication.state import LiveNode, QueueState, ReplicaId
from persistence.record import Record
from tests.support.mirrored_clients import Clients
from tests.support.mirrored_machine import (
    FOR_EVER_MS,
    NAMES,
    NOW_MS,
    QUEUE_IDS,
    TICK_MS,
    Link,
    Machine,
    numbers_of,
)


class Cluster(Clients):
    """All of it; ``step`` makes one thing happen.

    ``settles_first`` is a mistake: what died is settled before its copy is safe.
    """

    def __init__(
        self, seed: int, *, settles_first: bool = False, max_priority: int | None = None
    ) -> None:
        super().__init__(seed, settles_first=settles_first, max_priority=max_priority)
        for machine in self.machines.values():
            self.register(machine)
        members = frozenset(ReplicaId(name, "0") for name in NAMES)
        for queue in QUEUE_IDS:
            self.put(queue, QueueState("a", self.live["a"].incarnation, 1, members))
        self.kinds: list[tuple[int, Callable[[], None]]] = [
            (6, self.publish),
            (6, self.publish_again),
            (1, self.front_restarts),
            (8, self.get),
            (16, self.drain),
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
            (1, self.lapse),
            (3, self.renew),
            (1, self.hand_over),
            (4, self.start),
        ]

    def step(self) -> None:
        weights = [weight for weight, _ in self.kinds]
        self.draw.choices([kind for _, kind in self.kinds], weights)[0]()
        for machine in self.running():
            for served in machine.served.values():
                self.note_settled(served)

    def heal(self, steps_max: int = 10_000) -> None:
        """Let everything come back, with nothing new; then all must be whole."""
        quiet = (
            self.publish, self.publish_again, self.get, self.reject, self.purge, self.kill,
            self.reset, self.expire, self.lapse, self.hand_over,
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
            if served.consumer is not None:
                served.engine.cancel(served.consumer, NOW_MS)
            found: list[Record] = []
            while (got := served.engine.get(NOW_MS)) is not None:
                found += got[0].records
            priorities = [each.priority for each in found]
            assert priorities == sorted(priorities, reverse=True), "the highest come first"
            taken = [int(each.body) for each in found]
            if not ledger.may_repeat:
                for priority in set(priorities):
                    ledger.hold_order(
                        [int(each.body) for each in found if each.priority == priority]
                    )
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
            if not machine.up.core.may_deliver(queue):
                return False
            if lead.state != state or lead.commit < lead.replica.end or served.engine.moves.count:
                return False
        return True

    # -- nodes, links, store ---------------------------------------------------------------------

    def register(self, machine: Machine) -> None:
        self.revision += 1
        replica = ReplicaId(machine.name, machine.disk_name)
        self.live[machine.name] = LiveNode(self.revision, replica)
        machine.up.step(inputs.LeaseGranted(self.revision, self.now_ms, FOR_EVER_MS))

    def put(self, queue: str, state: QueueState) -> None:
        self.revision += 1
        self.states[queue] = (state, self.revision)
        self.unread |= {(name, queue) for name in self.machines}

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
            acked = self.acked_before.get((name, boots, transaction.number), set())
            self.ledgers[transaction.queue].gone |= acked
            self.put(transaction.queue, transaction.new)
        machine = self.machines[name]
        if machine.shell is not None and machine.boots == boots:
            number = transaction.number
            done = inputs.TransactionDone(number, self.revision)
            machine.up.step(done if good else inputs.TransactionRefused(number))
            machine.up.note_state(transaction.queue, self.states[transaction.queue][0])

    def read(self) -> None:
        if not self.unread:
            return
        name, queue = self.draw.choice(sorted(self.unread))
        self.unread.discard((name, queue))
        machine = self.machines[name]
        if machine.shell is not None:
            machine.up.note_state(queue, self.states[queue][0])
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
            machine = self.machines[state.leader]
            if machine.shell is not None:
                machine.up.step(inputs.LeaseRenewed(self.now_ms, 0))

    def lapse(self) -> None:
        """A node's lease is over by its own clock, and may be renewed yet."""
        if machines := self.running():
            machine = self.draw.choice(machines)
            machine.up.step(inputs.LeaseRenewed(self.now_ms, 0))

    def renew(self) -> None:
        """A renewal arrives."""
        for machine in self.running():
            if machine.name in self.live:
                machine.up.step(inputs.LeaseRenewed(self.now_ms, FOR_EVER_MS))

    def hand_over(self) -> None:
        """A leader hands its queue to a member (R22)."""
        queue, target = self.draw.choice(list(QUEUE_IDS)), self.draw.choice(NAMES)
        machine = self.machines[self.states[queue][0].leader]
        if machine.shell is None or target not in self.live:
            return
        if machine.up.core.may_move(queue, target):
            machine.up.step(inputs.Move(queue, target, self.live[target].incarnation))

    def give_up(self) -> None:
        """A leader whose replica is damaged gives its queue up to a member (R24)."""
        for machine in self.running():
            for queue in machine.up.damages:
                for target in sorted(self.states[queue][0].in_sync_set):
                    live = self.live.get(target.node)
                    if live is None or live.replica != target:
                        continue
                    if machine.up.core.may_give_up(queue, target):
                        machine.up.step(inputs.GiveUp(queue, target, live.incarnation))
                        break

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
