"""Clients of mirrored queues: they publish, take, settle, return; dead letters are moved."""

from functools import partial

from cluster.mirrored.submitting import submit
from cluster.replication.core import NotServingError
from cluster.replication.publishers import Front, Submission
from persistence.record import Record
from queues.batch import Batch
from queues.commits import SAFE_NOW, CommitPoint, is_ordered_by, is_safe, wait_for
from tests.support.mirrored_machine import (
    DEAD,
    NAMES,
    NOW_MS,
    QUEUE,
    QUEUE_IDS,
    FrontEnd,
    Machine,
    Served,
    Shared,
    numbers_of,
)
from tests.support.records import record


class Clients(Shared):
    """What clients do; chance chooses among the nodes that serve a queue."""

    machine_type: type[Machine] = Machine

    def __init__(
        self, seed: int, *, settles_first: bool = False, max_priority: int | None = None
    ) -> None:
        super().__init__(seed, settles_first=settles_first, max_priority=max_priority)
        self.machines = {name: self.machine_type(name, self) for name in NAMES}

    def running(self) -> list[Machine]:
        return [machine for machine in self.machines.values() if machine.shell is not None]

    def leader(self, queue: str) -> tuple[Machine, Served] | None:
        """A node that serves a queue; where a deposed one does too, any of them."""
        found = [
            (machine, machine.served[queue])
            for machine in self.running()
            if queue in machine.served
        ]
        return self.draw.choice(found) if found else None

    def publish(self) -> None:
        """A front end numbers new messages, and submits them."""
        front = self.draw.choice(self.fronts)
        first = front.made + 1
        for number in range(first, first + self.draw.choice((1, 1, 2, 10))):
            front.bodies[number] = self.published_count
            self.numbered[self.published_count] = (front.name, front.incarnation, number)
            self.published_count += 1
        front.open |= set(range(first, front.made + 1))
        self.submit(front, range(first, front.made + 1))

    def publish_again(self) -> None:
        """What is open is submitted again, or a copy comes late of what was confirmed."""
        front = self.draw.choice(self.fronts)
        is_open = self.draw.random() < 0.8
        chosen = sorted(front.open if is_open else set(front.bodies) - front.open)
        if not chosen:
            return
        at = chosen.index(self.draw.choice(chosen))
        stop = at + 1
        while stop < len(chosen) and chosen[stop] == chosen[stop - 1] + 1 and stop - at < 7:
            stop += 1
        self.submit(front, range(chosen[at], chosen[stop - 1] + 1))

    def front_restarts(self) -> None:
        """The process of a front end is another one; nobody knows what became of what was open."""
        at = self.draw.randrange(len(self.fronts))
        before = self.fronts[at]
        self.fronts[at] = FrontEnd(before.name, before.incarnation + 1)

    def message(self, number: int) -> Record:
        """The message of a number."""
        lanes = (self.max_priority or 0) + 1
        return record(b"%d" % number, persistent=number % 5 > 0, priority=number % lanes)

    def submit(self, front: FrontEnd, numbers: range) -> None:
        if (led := self.leader(QUEUE)) is None or led[1].log.led.lead.epoch < front.epoch:
            return
        machine, served = led
        front.epoch = served.log.led.lead.epoch
        bodies = [front.bodies[number] for number in numbers]
        run = [self.message(each) for each in bodies]
        below = max([each for each in front.open if each < numbers[0]], default=0)
        whose = Front(front.name, front.incarnation)
        submission = Submission(whose, numbers[0], len(numbers), below)
        ledger = self.ledgers[QUEUE]
        try:
            taken = submit(served.log, served.engine, submission, run, NOW_MS)
        except NotServingError:
            return
        assert not taken.refused, "the queue has no limits"
        ledger.published |= {front.bodies[number] for number in taken.in_log}
        is_told = self.draw.random() < 0.8

        def decided() -> None:
            if is_safe(taken.safe_at):
                self.note_confirmed(served, {front.bodies[number] for number in taken.in_log})
                if is_told:
                    front.open -= set(taken.in_log)

        wait_for(taken.safe_at, decided)
        machine.up.carry_out()

    def note_confirmed(self, served: Served, numbers: set[int]) -> None:
        """A leader has told a front end that these messages are safe."""
        self.ledgers[served.name].confirmed |= numbers

    def note(self, safe_at: CommitPoint, promised: set[int], numbers: set[int]) -> None:
        """Once this is safe it is promised; what failed never is."""

        def decided() -> None:
            if is_safe(safe_at):
                promised.update(numbers)

        wait_for(safe_at, decided)

    def get(self) -> None:
        """A client takes a message."""
        if (led := self.leader(self.draw.choice(list(QUEUE_IDS)))) is None:
            return
        machine, served = led
        for _ in range(self.draw.choice((1, 4))):
            taken = served.engine.get(NOW_MS)
            if taken is not None:
                served.take(taken[0])
        machine.up.carry_out()

    def drain(self) -> None:
        """A turn of a node ends."""
        if machines := self.running():
            machine = self.draw.choice(machines)
            for served in list(machine.served.values()):
                served.drain(self.draw.choice((1, 3, 1_000)))
            machine.up.carry_out()

    def some_unacked(self, queue: str) -> tuple[Machine, Served, Batch] | None:
        led = self.leader(queue)
        if led is None or not led[1].unacked:
            return None
        served = led[1]
        batch = served.unacked.pop(self.draw.randrange(len(served.unacked)))
        if served.consumer is not None:
            served.consumer.prefetch.unacked_count = sum(map(len, served.unacked))
            if served.consumer.is_blocked:
                served.engine.credit_regained(served.consumer)
        return *led, batch

    def settle(self) -> None:
        if (found := self.some_unacked(self.draw.choice(list(QUEUE_IDS)))) is None:
            return
        machine, served, batch = found
        ledger = self.ledgers[served.log.led.lead.queue]
        numbers = numbers_of(batch.records)
        ledger.leaving |= numbers
        served.acked |= numbers
        group = served.engine.commit_group
        lsn = served.engine.settle(batch.positions, batch.body_bytes)
        group = served.engine.commit_group
        machine.up.carry_out()
        if lsn:
            self.note(CommitPoint(group, lsn), ledger.gone, numbers)
        else:
            served.settling |= numbers
            self.note_settled(served)

    def note_settled(self, served: Served) -> None:
        """What waited is in a record: it is promised with that, or with one behind it."""
        if served.settling and not served.log.waits_to_settle:
            numbers, served.settling = served.settling, set()
            gone = self.ledgers[served.name].gone
            if not served.log.has_ended:
                self.note(served.log.last_point, gone, numbers)

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
        before = served.engine.ready_count
        assert served.engine.purge().purged_count >= before
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
                # What is moved is shown: it must not be lost before it is settled.
                self.ledgers[QUEUE].seen |= set() if dying is None else numbers_of(dying.records)
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
