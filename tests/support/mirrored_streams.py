"""Mirrored streams on three nodes with disks in memory: ``mirrored_cluster`` with other queues.

The ledger knows which message stood at which offset, whoever has read it, and what was confirmed.
"""

from collections.abc import Mapping
from typing import cast

from cluster.mirrored.log import MirroredLog
from cluster.mirrored.mirror_stream_log import MirrorStreamLog
from cluster.mirrored.stream_log import MirroredStreamLog
from persistence.queue_recovery import RecoveredQueue
from persistence.streams.log import StreamLimits
from queues.commits import CommitPoint, is_safe, wait_for
from queues.looking import LookPlace
from queues.options import QueueOptions
from queues.ports import EngineParts
from queues.stream.engine import StreamEngine
from queues.stream.mirrored_stream import MirroredStream
from queues.stream.publishing import appends_of
from tests.crash.stored_node import LIMITS
from tests.support.mirrored_cluster import Cluster
from tests.support.mirrored_machine import NOW_MS, QUEUE, QUEUE_IDS, Ledger, Machine, Served, Shared
from tests.support.records import run_of

SEGMENT_BYTES = 900
KEPT_BYTES = 4_000
REFERENCES = (b"one", b"two")
REFERENCE = b"p"


class StreamLedger(Ledger):
    """What was promised of a stream.

    Attributes:
        offsets: which message stands at an offset, for ever.
        stored: offsets of consumers that were stored and are committed.
        first_offset: below it messages are gone.
    """

    def __init__(self, numbered: Mapping[int, tuple[str, int, int]]) -> None:
        super().__init__(numbered, may_repeat=False)
        self.offsets: dict[int, int] = {}
        self.stored: dict[bytes, int] = {}
        self.first_offset = 0

    def look(self, stream: "ServedStream | ReadMirror") -> None:
        """Look at all that can be read: no offset has another message than before."""
        log, found = stream.stream, dict[int, int]()
        place: LookPlace | None = None
        while True:
            looked = stream.engine.look(place)
            for piece in looked.slices:
                numbers = [int(each.body) for each in piece.records]
                found |= dict(zip(piece.positions, numbers, strict=True))
            if looked.place is None or looked.place.position >= log.readable_offset:
                break
            place = looked.place
        found = {at: number for at, number in found.items() if at < log.readable_offset}
        assert list(found) == list(range(log.first_offset, log.readable_offset)), "without a gap"
        for at, number in found.items():
            assert self.offsets.setdefault(at, number) == number, f"offset {at} has changed"
        self.first_offset = max(self.first_offset, log.first_offset)

    def hold(self, stream: "ServedStream") -> None:
        """Look at what a new leader begins with: all that was promised is there."""
        log = stream.stream
        self.look(stream)
        lost = [at for at in self.offsets if at >= log.next_offset]
        assert not lost, f"offsets were read, and are gone: {lost}"
        gone = self.confirmed - set(self.offsets.values())
        assert not gone, f"confirmed, and lost: {sorted(gone)}"
        self.hold_order([self.offsets[at] for at in sorted(self.offsets)])
        for reference, offset in self.stored.items():
            found = log.stored_offset(reference)
            assert found is not None, "a stored offset is gone"
            assert found >= offset, "a stored offset went back"


class ServedStream(Served):
    """A stream on its leader."""

    def __init__(self, machine: Machine, name: str, log: MirroredLog) -> None:
        self.machine = machine
        self.name = name
        self.log = log
        self.wakes = 0
        self.unacked = []
        self.settling = set()
        self.acked = set()
        self.dying = None
        self.copied_to = None
        self.consumer = None
        self.stream = MirroredStreamLog(log)
        options = QueueOptions(segment_bytes_max=SEGMENT_BYTES, max_length_bytes=KEPT_BYTES)
        parts = EngineParts(name, options, self.stream, lambda _: None, self.wake_up, NOW_MS)
        self.engine = MirroredStream(parts)  # type: ignore[assignment]
        self.ledger.hold(self)

    @property
    def ledger(self) -> StreamLedger:
        return cast("StreamLedger", self.machine.cluster.ledgers[self.name])

    def drain(self, max_count: int) -> None:
        """The end of a turn: what can be read is read, and what is due goes."""
        self.ledger.look(self)
        self.engine.expire(NOW_MS)
        self.engine.drain(NOW_MS, max_count)


class ReadMirror:
    """A stream at a mirror, which somebody reads."""

    def __init__(self, log: MirrorStreamLog, name: str) -> None:
        self.stream = log
        options = QueueOptions(segment_bytes_max=SEGMENT_BYTES)
        parts = EngineParts(name, options, log, lambda _: None, lambda: None, NOW_MS)
        self.engine = StreamEngine(parts)


class StreamMachine(Machine):
    """A node with streams; little of them fits into a tail."""

    limits = LIMITS._replace(streams=StreamLimits(tail_bytes_max=400, row_bytes_max=100))

    def start(self) -> None:
        self.read: dict[str, ReadMirror] = {}
        super().start()

    def serve(self, queue: str, log: MirroredLog, found: RecoveredQueue) -> None:
        del found
        self.unread(queue)
        self.served[queue] = ServedStream(self, queue, log)
        self.cluster.served_count += 1

    def read_mirror(self, queue: str) -> ReadMirror:
        """Read what is committed here, from now on."""
        if queue not in self.read:
            log = self.up.followed.follow(queue)
            self.read[queue] = ReadMirror(log, queue)
        self.up.carry_out()
        return self.read[queue]

    def unread(self, queue: str) -> None:
        """Read it no more."""
        if self.read.pop(queue, None) is not None:
            self.up.followed.leave(queue)


class Referring:
    """A client of the stream protocol that publishes with a reference.

    It goes on behind what is open where it has connected anew, and does that where it is refused.
    """

    def __init__(self) -> None:
        self.bodies: dict[int, int] = {}
        self.open: set[int] = set()
        self.connected_to: ServedStream | None = None
        self.epoch = 0
        self.next_id = 1

    @property
    def made(self) -> int:
        return len(self.bodies)


class StreamCluster(Cluster):
    """Clients publish, also with a reference, and store offsets; all nodes are read."""

    machine_type: type[Machine] = StreamMachine

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        left_out = (
            self.get, self.settle, self.come_back, self.reject, self.purge, self.move_dead,
        )  # fmt: skip
        self.kinds = [(weight, kind) for weight, kind in self.kinds if kind not in left_out]
        self.kinds += [(3, self.store_offset), (6, self.publish_with_reference)]
        self.kinds += [(8, self.look_at_mirror), (1, self.leave_mirror)]
        self.mirror_reads_count = self.mirror_seen_count = 0
        self.stored_count = 0
        self.referring = Referring()

    def make_ledgers(self) -> dict[str, Ledger]:
        return {queue: StreamLedger(self.numbered) for queue in QUEUE_IDS}

    def heal(self, steps_max: int = 10_000) -> None:
        """Let everything come back, with nothing new."""
        self.kinds = [each for each in self.kinds if each[1] != self.publish_with_reference]
        super().heal(steps_max)

    def store_offset(self) -> None:
        """A consumer stores how far it has come; that counts once it is committed."""
        if (led := self.leader(QUEUE)) is None:
            return
        machine, served = led
        assert isinstance(served, ServedStream)
        self.stored_count += 1
        reference, offset = self.draw.choice(REFERENCES), self.stored_count
        stream, ledger = served.stream, served.ledger
        stream.store_offset(reference, offset)

        def wait(*, is_said: bool) -> None:
            safe_at = stream.safe_at

            def decided() -> None:
                if not is_safe(safe_at) or served.log.has_ended:
                    return
                if is_said:
                    ledger.stored[reference] = max(offset, ledger.stored.get(reference, 0))
                elif stream._unsaid.get(reference) is None:
                    wait(is_said=True)

            wait_for(safe_at, decided)

        # What waits for earlier ones is in no record yet.
        wait(is_said=stream._unsaid.get(reference) is None)
        machine.up.carry_out()

    def publish_with_reference(self) -> None:
        """A client of the stream protocol publishes again what is open, then what is new."""
        if (led := self.leader(QUEUE)) is None:
            return
        machine, served = led
        assert isinstance(served, ServedStream)
        client, epoch = self.referring, served.log.led.lead.epoch
        if epoch < client.epoch:
            return
        if client.connected_to is not served or self.draw.random() < 0.05:
            client.connected_to, client.epoch = served, epoch
            client.next_id = min(client.open, default=client.made + 1)
        for _ in range(self.draw.choice((1, 1, 3))):
            number = client.next_id
            if number > client.made:
                client.bodies[number] = self.published_count
                client.open.add(number)
                self.numbered[self.published_count] = (REFERENCE.decode(), 1, number)
                self.published_count += 1
            client.next_id += 1
            if not self.append_once(served, number):
                client.connected_to = None
                break
        machine.up.carry_out()

    def append_once(self, served: ServedStream, number: int) -> bool:
        """Append a publishing id that is not there; return whether the client may go on."""
        client, log, ledger = self.referring, served.stream, served.ledger
        body, failed = client.bodies[number], list[int]()
        is_told = self.draw.random() < 0.8
        known = log.publishing_id(REFERENCE)
        lsn = log.appended_lsn
        if known is None or number > known:
            (new,) = appends_of(run_of(b"%d" % body), lambda _: None)
            lsn = log.append(new._replace(publisher=REFERENCE, publishing_id=number), NOW_MS)
        point = CommitPoint(log.commit_group, lsn)

        def decided() -> None:
            if not is_safe(point):
                failed.append(number)
                return
            ledger.confirmed.add(body)
            if is_told:
                client.open.discard(number)

        wait_for(point, decided)
        return not failed

    def look_at_mirror(self) -> None:
        """Somebody reads all that a node shows which does not lead, and goes on later."""
        for machine in self.running():
            is_read = QUEUE not in machine.served and QUEUE not in machine.up.damages
            if is_read and self.draw.random() < 0.5:
                assert isinstance(machine, StreamMachine)
                mirror = machine.read_mirror(QUEUE)
                if mirror.stream.is_lost:
                    # Its replica has begun anew, as it was damaged.
                    machine.unread(QUEUE)
                    continue
                before = mirror.stream.readable_offset
                self.mirror_seen_count += before > 0
                try:
                    cast("StreamLedger", self.ledgers[QUEUE]).look(mirror)
                except OSError:
                    machine.up.carry_out()
                    assert mirror.stream.is_lost, "another replica has what is damaged"
                self.mirror_reads_count += 1

    def leave_mirror(self) -> None:
        machine = self.draw.choice(list(self.machines.values()))
        if machine.shell is not None and isinstance(machine, StreamMachine):
            machine.unread(QUEUE)

    def tell_mirrors(self) -> None:
        """With nothing new, each mirror that is read shows soon all that its leader does."""
        leader = self.machines[self.states[QUEUE][0].leader].served[QUEUE]
        assert isinstance(leader, ServedStream)
        mirrors = [each for each in self.machines.values() if QUEUE not in each.served]
        for _ in range(400):
            self.sync()
            self.carry()
            self.tick()
        for machine in mirrors:
            assert isinstance(machine, StreamMachine)
            if machine.read_mirror(QUEUE).stream.is_lost:
                # Its replica was damaged, and may have begun anew.
                machine.unread(QUEUE)
            if QUEUE in machine.up.damages:
                continue
            mirror = machine.read_mirror(QUEUE)
            for _ in range(40):
                self.carry()
                self.tick()
            at = mirror.stream.readable_offset
            assert at == leader.stream.readable_offset, f"{machine.name} shows up to {at}"
            try:
                leader.ledger.look(mirror)
            except OSError:
                assert QUEUE in machine.up.damages

    def take_all(self) -> None:
        """Look at what the last leaders have, and that all nodes keep the same."""
        self.tell_mirrors()
        for queue in QUEUE_IDS:
            served = self.machines[self.states[queue][0].leader].served[queue]
            assert isinstance(served, ServedStream)
            served.ledger.hold(served)


_: type[Shared] = StreamCluster
