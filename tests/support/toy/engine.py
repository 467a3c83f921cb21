"""The engine of a kind that only tests have: every consumer reads all messages, none is taken.

It is a log of records from the first one on. A consumer has a place of its own in it, which the
argument ``x-toy-offset`` says where to begin; a settlement gives credit back and nothing else.
"""

from collections.abc import Sequence

from persistence.record import Record, Run
from queues.batch import Batch
from queues.commits import point_at
from queues.consumer_port import ConsumerHandle, Lane
from queues.counters import QueueCounts
from queues.log_port import QueueLog, RecoveredMessages
from queues.looking import LOOK_COUNT_MAX, Looked, LookedSlice, LookPlace, Passed
from queues.moves import Dying, Moves
from queues.options import QueueOptions
from queues.outcomes import PublishOutcome, PurgeOutcome, all_taken
from queues.ports import EngineParts, Positions, QueueState

OFFSET = "x-toy-offset"


class ToyQueue:
    """A ``QueueEngine``; see the module."""

    keeps_transient = False
    has_lone_readers = False

    def __init__(self, parts: EngineParts[QueueLog]) -> None:
        self.options = parts.options
        self.moves = Moves()
        self.commit_group = parts.log.commit_group
        self._log = parts.log
        self._wake_up = parts.wake_up
        self._first_position = 0
        self._records: list[Record] = []
        self._places: dict[ConsumerHandle, int] = {}
        self._published_count = self._delivered_count = 0

    @property
    def ready_count(self) -> int:
        return len(self._records)

    @property
    def consumer_count(self) -> int:
        return len(self._places)

    def state(self) -> QueueState:
        return QueueState()

    def counts(self) -> QueueCounts:
        return QueueCounts(
            ready_count=self.ready_count,
            consumer_count=self.consumer_count,
            published=self._published_count,
            delivered=self._delivered_count,
        )

    def look(self, place: LookPlace | None, max_count: int = LOOK_COUNT_MAX) -> Looked:
        first = self._first_position if place is None else place.position
        records = self._records[first - self._first_position :][:max_count]
        if not records:
            return Looked((), None)
        stop = first + len(records)
        return Looked((LookedSlice(records, range(first, stop)),), LookPlace(0, stop))

    def passing_by(self, count: int) -> Passed:
        place = LookPlace(0, self._first_position + count)
        return Passed(place if count < len(self._records) else None, 0)

    @property
    def delivered_below(self) -> int:
        return max(self._places.values(), default=0)

    def recover(self, found: RecoveredMessages, now_ms: int) -> None:
        self._first_position = found.next_position
        for lane in found.lanes:
            for each in lane.unstored:
                self._first_position = min(self._first_position, each.positions[0])
                self._records += each.records

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        lsn = self._log.append(self._first_position + len(self._records), run)
        self._records += run
        self._published_count += len(run)
        self._wake_up()
        return all_taken(self.commit_group, lsn)

    def only_appends(self, run: Run, now_ms: int) -> bool:
        return True

    def drain(self, now_ms: int, max_messages: int) -> bool:
        left = max_messages
        for handle in tuple(self._places):
            left -= self._read(handle, left)
        return any([self._room_of(handle) > 0 for handle in self._places])

    def _read(self, handle: ConsumerHandle, max_messages: int) -> int:
        count = min(self._room_of(handle), max_messages)
        if count <= 0:
            return 0
        first = self._places[handle]
        at = first - self._first_position
        self._places[handle] = first + count
        self._delivered_count += count
        handle.deliver(Batch(range(first, first + count), self._records[at : at + count]))
        return count

    def _room_of(self, handle: ConsumerHandle) -> int:
        first = self._places[handle] = max(self._places[handle], self._first_position)
        there = self._first_position + len(self._records) - first
        if there <= 0 or handle.is_blocked:
            return 0
        room = min(handle.credit(), there)
        if room <= 0:
            handle.is_blocked = not handle.has_own_room()
        return room

    def get(self, now_ms: int, *, no_ack: bool = False) -> tuple[Batch, int] | None:
        raise AssertionError("its row refuses it")

    def purge(self) -> PurgeOutcome:
        count = len(self._records)
        first = self._first_position
        lsn = self._log.settle(range(first, first + count), is_promised=True)
        self._first_position += count
        self._records.clear()
        return PurgeOutcome(count, point_at(self._log.commit_group, lsn))

    def must_drain_before(self, holder: object) -> bool:
        return False

    def settle(self, positions: Positions, settled_body_bytes: int) -> int:
        self._wake_up()
        return self._log.committed_lsn

    def reject(self, batches: Sequence[Batch], now_ms: int) -> None:
        self._wake_up()

    def requeue(self, batches: Sequence[Batch], now_ms: int) -> None:
        self._wake_up()

    def begin_refill(self) -> None:
        """Go on: nothing comes back."""

    def end_refill(self) -> None:
        """Go on: nothing came back."""

    def moved(self, dying: Dying) -> None:
        raise AssertionError("nothing dies here")

    def consume(self, handle: ConsumerHandle, now_ms: int) -> None:
        offset = handle.arguments.get(OFFSET, 0)
        assert isinstance(offset, int), "the only values that tests give"
        handle.is_blocked = False
        self._places[handle] = offset
        self._wake_up()

    def cancel(self, handle: ConsumerHandle, now_ms: int) -> None:
        self._places.pop(handle, None)

    def credit_regained(self, handle: ConsumerHandle) -> None:
        handle.is_blocked = False
        self._wake_up()

    def lane_opened(self, lane: Lane) -> None:
        self._wake_up()

    def serves(self, lane: Lane) -> bool:
        return any([handle.lane is lane for handle in self._places])

    def touch(self, now_ms: int) -> None:
        """Nothing counts as use."""

    def expire(self, now_ms: int) -> None:
        """Nothing expires."""

    def next_deadline_ms(self) -> int | None:
        return None

    def reconfigure(self, options: QueueOptions, now_ms: int) -> None:
        self.options = options

    def delete(self) -> None:
        self._records.clear()
        self._places.clear()
        self._log.drop()
