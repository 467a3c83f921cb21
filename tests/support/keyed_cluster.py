"""A cluster whose queue tells duplicates: messages repeat the keys of earlier ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from persistence.queue_recovery import RecoveredQueue
from persistence.record import PERSISTENT, Record, Run
from queues.batch import Batch
from queues.classic.deduplicating_mirrored_queue import DeduplicatingMirroredQueue
from queues.classic.mirrored_queue import MirroredQueue
from queues.log_port import KeepingLog, RecoveredMessages
from queues.options import QueueOptions
from queues.outcomes import PublishOutcome
from queues.ports import EngineParts, Job, Positions
from tests.crash.stored_node import stored_slices
from tests.support.frames import content_header, property_list
from tests.support.mirrored_cluster import Cluster
from tests.support.mirrored_machine import NOW_MS, QUEUE, Ledger, Served, numbers_of

KEY = "x-deduplication-header"
KEYS_COUNT = 12


def key_of(number: int) -> int:
    """Return the key of a message; near ones have it again now and then."""
    return number * number % 31 % KEYS_COUNT


def is_persistent(number: int) -> bool:
    """Return whether a message is."""
    return number % 5 > 0


class KeyedLedger(Ledger):
    """A confirm of a duplicate says that the message which it repeats is safe.

    ``repeats`` has for each message those that some leader has held it for a duplicate of.
    ``died`` had their keys free before they were settled.
    """

    def __init__(self, numbered: Mapping[int, tuple[str, int, int]]) -> None:
        super().__init__(numbered, may_repeat=False)
        self.repeats: dict[int, set[int]] = {}
        self.died: set[int] = set()

    def compare(self, found: list[int]) -> None:
        there = set(found)
        known = there | self.leaving
        lost = {
            each
            for each in self.confirmed | self.seen
            if each not in known and not self.repeats.get(each, set()) & known
        }
        assert not lost, f"confirmed or delivered, and lost: {sorted(lost)}"
        assert not there & self.gone, f"settled and back: {sorted(there & self.gone)}"
        self.hold_order(found)
        present: dict[tuple[int, bool], int] = {}
        for each in there - self.leaving - self.died:
            other = present.setdefault((key_of(each), is_persistent(each)), each)
            assert other == each, f"a key is there twice: {other}, {each}"


class _Keyed(DeduplicatingMirroredQueue):
    """Says which message a duplicate repeats."""

    def __init__(self, cluster: "KeyedCluster", parts: EngineParts[KeepingLog]) -> None:
        super().__init__(parts)
        self._cluster = cluster
        self._numbers: dict[int, int] = {}
        self._left: set[int] = set()
        self.repeats_gone: set[int] = set()

    def recover(self, found: RecoveredMessages, now_ms: int) -> None:
        assert isinstance(found, RecoveredQueue), "it is that of a replica"
        for lane in found.lanes:
            for each in [*lane.unstored, *stored_slices(found.log, lane.lane)]:
                numbers = [int(record.body) for record in each.records]
                self._numbers.update(zip(each.positions, numbers, strict=True))
        super().recover(found, now_ms)

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        numbers = [int(each.body) for each in run]
        before = {each: self._holder(each) for each in numbers}
        duplicates_count, position = self._keyed.duplicates_count, self._next_position
        outcome = super().publish(run, now_ms)
        if self._keyed.duplicates_count > duplicates_count:
            (number,) = numbers
            ledger, repeated = self._cluster.ledger, before[number]
            assert repeated not in self._left, f"{number} repeats {repeated}: it left"
            if repeated in ledger.gone:
                # Another leader has settled it, and this one does not know it.
                self.repeats_gone.add(number)
                self._cluster.repeats_gone_count += 1
            ledger.repeats.setdefault(number, set()).add(repeated)
            self._cluster.duplicates_count += 1
        else:
            self._numbers.update(enumerate(numbers, position))
        return outcome

    def settle(self, positions: Positions, settled_body_bytes: int) -> int:
        self._left |= {self._numbers[position] for position in positions}
        return super().settle(positions, settled_body_bytes)

    def reject(self, batches: Sequence[Batch], now_ms: int) -> None:
        self._left |= {number for batch in batches for number in numbers_of(batch.records)}
        super().reject(batches, now_ms)

    def _holder(self, number: int) -> int:
        """Return the message in the queue that has the key of another one; -1 is none."""
        key = self._keyed.keys_of([self._cluster.message(number)])[0]
        assert key is not None, "all have one"
        mark = self._keyed._marks.get(key, -1)
        return self._numbers.get(mark >> 1, -2) if mark >= 0 else -1


class KeyedCluster(Cluster):
    """Jobs of queues take their steps with the drains."""

    ledger: KeyedLedger

    def __init__(self, seed: int, *, max_priority: int | None = None) -> None:
        self.jobs: list[Job] = []
        self.duplicates_count = self.repeats_gone_count = 0
        super().__init__(seed, max_priority=max_priority)
        self.kinds += [(10, self.work)]

    def make_ledgers(self) -> dict[str, Ledger]:
        ledgers = super().make_ledgers()
        ledgers[QUEUE] = self.ledger = KeyedLedger(self.numbered)
        return ledgers

    def options_of(self, name: str) -> QueueOptions:
        options = super().options_of(name)
        return replace(options, deduplication_header=KEY) if name == QUEUE else options

    def make_engine(self, parts: EngineParts[KeepingLog]) -> MirroredQueue:
        if parts.name != QUEUE:
            return super().make_engine(parts)
        return _Keyed(self, parts._replace(later=self.jobs.append))

    def message(self, number: int) -> Record:
        made = super().message(number)
        header = content_header(len(made.body), property_list(headers={KEY: key_of(number)}))
        assert bool(made.flags & PERSISTENT) is is_persistent(number), "keys are told by this too"
        return Record(made.route, header, made.body, made.flags, made.priority)

    def note_confirmed(self, served: Served, numbers: set[int]) -> None:
        assert isinstance(served.engine, _Keyed), "front ends publish to it alone"
        wrong = served.engine.repeats_gone & numbers
        assert not wrong, f"confirmed as duplicates of what has left: {sorted(wrong)}"
        super().note_confirmed(served, numbers)

    def work(self) -> None:
        """A job takes a step."""
        if self.jobs:
            job = self.jobs.pop(0)
            if not job.step(NOW_MS):
                self.jobs.append(job)

    def reject(self) -> None:
        led = self.leader(QUEUE)
        if led is not None:
            self.ledger.died |= {n for batch in led[1].unacked for n in numbers_of(batch.records)}
        super().reject()
