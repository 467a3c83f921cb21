"""The messages that wait for their time behind one exchange.

    add ─▶ slot of the wheel ─▶ opened ─┬─ many: to slots of lower levels ─▶ ...
           a lane of the log            └─ few: in order, in memory ─▶ take ─▶ settle

A slot is a lane of a queue's log: first in, first out, its middle on the disk when it is long. The
octet of a record that holds the priority of a message in a queue names the lane here. Its own
priority is among its properties. A message that goes to another slot gets a new position. It is
appended there before its old position is settled, so a crash may leave it twice, and never loses
it. In the log a message expires when it is due.

The memory is bounded, however many wait: the budget of the lanes, as that of a long queue, and
``queues.delayed.few`` messages of opened slots.

Source: ADR 39; ADR 14 for the lanes, ADR 18 for the order in the log.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import repeat
from operator import itemgetter
from typing import Final, NamedTuple

from persistence.positions import ranges_of
from persistence.record import Record, Run, detached
from queues.batch import BATCH_BYTES_MAX, Batch
from queues.classic.ready import NOTHING_EXPIRED, Lane
from queues.classic.recovery import recover_lane
from queues.classic.spilling import REFUSED_APPENDS, make_room
from queues.delayed.few import Few, Waiting
from queues.delayed.opening import Opening
from queues.delayed.wheel import SLOT_COUNT, SLOTS, Wheel, opens_before, slots_of
from queues.log_port import QueueLog, QueueSlice, RecoveredMessages
from queues.options import QueueOptions
from queues.tail import QueueMemory

WAITING_OPTIONS: Final = QueueOptions(max_priority=SLOT_COUNT - 1)
"""The log is that of a queue with a priority for each slot."""

PIECE_MAX: Final = 256
"""Messages that one step looks at."""

ASK_DISK_AGAIN_MS: Final = 1_000
"""After a failed read the disk is asked again after this time."""

SPAN_MAX: Final = 4_000_000
"""The log keeps an octet for each position between its oldest message and its newest. When there
are so many, beside eight for each message that waits, all that wait get new positions."""

SPAN_PER_MESSAGE: Final = 8

_SLOT: Final = itemgetter(0)
_new_record: Final = partial(tuple.__new__, Record)
_new_waiting: Final = partial(tuple.__new__, Waiting)

DROPPED_MAX: Final = 65_536
"""Dropped messages that are not taken off their lanes yet; more are taken off by the same walk."""


class Due(NamedTuple):
    """Messages whose time has come, in their order.

    Attributes:
        positions: to be settled.
        records: the messages.
    """

    positions: Sequence[int]
    records: Run


class WaitingMessages:
    """The waiting messages of one exchange.

    Attributes:
        log: where they are kept.
        count: how many wait; those that were taken and are not settled count too.
        memory: what those in lanes take.
        next_position: above all positions given so far.
        settled_lsn: of the last settlement.
        ask_disk_at_ms: when to ask the disk again after a failed read (instant); None is never.
    """

    def __init__(self, log: QueueLog, memory: QueueMemory, *, is_fsynced: bool = True) -> None:
        """Begin with none.

        Args:
            log: of this exchange alone, of the form of a queue with ``SLOT_COUNT`` priorities.
            memory: the budget of the lanes.
            is_fsynced: what a confirm waits for; see ``QueueLog.set_fsynced``.
        """
        self.log = log
        self.memory = memory
        self.count = 0
        self.next_position = self.settled_lsn = 0
        self.ask_disk_at_ms: int | None = None
        self._is_fsynced = is_fsynced
        log.set_fsynced(is_fsynced=is_fsynced)
        self._lanes: list[Lane | None] = [None] * SLOT_COUNT
        self._wheel = Wheel()
        self._at_ms = 0
        self._few = Few()
        self._opening: Opening | None = None
        self._to_renew: list[int] = []
        self._span_from = 0
        self._dropped: set[int] = set()
        self._taken: list[Due] = []
        self._refused_left = 0

    def recover(self, found: RecoveredMessages, now_ms: int) -> None:
        """Take the messages that a restart found; must be the first call."""
        assert not self.next_position, "recovery comes first"
        self._at_ms = now_ms
        self.next_position = self._span_from = found.next_position
        for each in found.lanes:
            lane = self._lane(each.lane)
            recover_lane(lane, self.log, self.memory, each, found)
            self.count += lane.count
            if lane.count:
                self._wheel.note(each.lane, opens_before(each.lane, lane.head_expires_at_ms))
        self._make_room()

    # -- in -----------------------------------------------------------------------------------

    def add(self, run: Run, due_ms: Sequence[int], now_ms: int) -> int:
        """Let messages wait; return the LSN.

        Args:
            run: at least one message.
            due_ms: when each is due (instant > 0).
            now_ms: the time.
        """
        self.count += len(run)
        return self._put(run, due_ms, now_ms)

    def lanes(self) -> list[tuple[int, Lane]]:
        """Return the lanes that are not empty, with their numbers, the one due last first."""
        found = [(slot, self._lanes[slot]) for slot in reversed(self._wheel.in_order())]
        return [(slot, lane) for slot, lane in found if lane is not None and lane.count]

    # -- out ----------------------------------------------------------------------------------

    def next_deadline_ms(self) -> int | None:
        """Return when ``has_due`` is true next (instant); None while nothing waits."""
        if self._opening is not None or self._to_renew:
            return self.ask_disk_at_ms or self._at_ms
        slot = self._wheel.next()
        few_ms = self._few.due_ms
        if slot is None or few_ms is None:
            return few_ms if slot is None else slot[0]
        return min(slot[0], few_ms)

    def has_due(self, now_ms: int) -> bool:
        """Whether there is something for ``step`` to do."""
        deadline_ms = self.next_deadline_ms()
        return deadline_ms is not None and deadline_ms <= now_ms

    def step(self, now_ms: int) -> Due | None:
        """Do a piece of the work that is due.

        Returns:
            Messages whose time has come; None where the piece only brought messages nearer.
        """
        if self._opening is None:
            first, few_ms = self._wheel.next(), self._few.due_ms
            until_ms = now_ms if few_ms is None else min(few_ms, now_ms)
            if first is not None and first[0] <= until_ms:
                self._open(first[1], max(self._at_ms, first[0]))
            elif few_ms is not None and few_ms <= now_ms:
                stop_ms = now_ms + 1 if first is None else min(first[0], now_ms + 1)
                return self._take(self._few.take(stop_ms, PIECE_MAX))
            elif self._to_renew:
                self._open(self._to_renew.pop(), now_ms, renews=True)
        return None if self._opening is None else self._go_on(self._opening, now_ms)

    def settle(self, due: Due) -> None:
        """Forget messages that were taken, because their copies are in the logs of queues."""
        self._taken.remove(due)
        self.count -= len(due.records)
        self._settle(due.positions)

    # -- a look, and dropping -----------------------------------------------------------------

    def slots(self) -> list[int]:
        """Return the slots in which messages wait, the one that is opened first in front."""
        slots = self._wheel.in_order()
        if self._opening is not None:
            slots.insert(0, self._opening.slot)
        return [*dict.fromkeys(slots)]

    def opened(self) -> list[Waiting]:
        """Return the messages of opened slots that are in memory, in order."""
        return [*self._few]

    def part_of(self, slot: int, from_position: int, max_count: int) -> list[Waiting]:
        """Return some messages of a slot, by position; none where there is no other.

        Raises:
            OSError: the disk could not be read.
        """
        lane, found = self._lanes[slot], list[Waiting]()
        for each in () if lane is None else _slices_of(lane, from_position):
            first = bisect_left(each.positions, from_position)
            part = slice(first, first + max_count)
            expires = each.expires_at_ms
            due_ms = repeat(expires) if isinstance(expires, int) else expires[part]
            found += [
                message
                for message in map(Waiting, due_ms, each.positions[part], each.records[part])
                if message.position not in self._dropped
            ]
            if len(found) >= max_count:
                break
        return found[:max_count]

    def walk(self) -> Iterator[Waiting]:
        """Return what waits, about in the order in which it is due; nothing may change meanwhile.

        Raises:
            OSError: the disk could not be read.
        """
        yield from self.opened()
        for slot in self.slots():
            at = 0
            while part := self.part_of(slot, at, PIECE_MAX):
                yield from part
                at = part[-1].position + 1

    def drop(self, position: int) -> None:
        """Forget one message that was just shown; it is gone for good at ``settled_lsn``."""
        self.count -= 1
        self._settle(range(position, position + 1), is_promised=True)
        if self._few.drop(position):
            return
        self._dropped.add(position)
        if len(self._dropped) > DROPPED_MAX and not self._to_renew:
            self._renew_all()

    def drop_all(self) -> int:
        """Forget all that wait, but not those that were taken; return how many."""
        taken = sorted([at for due in self._taken for at in due.positions])
        dropped_count, self.count = self.count - len(taken), len(taken)
        for slot in range(SLOT_COUNT):
            lane, self._lanes[slot] = self._lanes[slot], None
            if lane is not None:
                lane.clear()
        self._wheel = Wheel()
        self._few.clear()
        self._dropped.clear()
        self._opening = None
        self._to_renew.clear()
        first = 0
        for position in (*taken, self.next_position):
            self._settle(range(first, position), is_promised=True)
            first = position + 1
        return dropped_count

    # -- inside -------------------------------------------------------------------------------

    def _put(self, run: Run, due_ms: Sequence[int], at_ms: int) -> int:
        slots, opens_at_ms = slots_of(due_ms, at_ms)
        for slot in opens_at_ms:
            self._wheel.note(slot, opens_at_ms[slot])
        # Those of a slot get neighbouring positions, because they leave it together: the log is
        # told of stretches, and not of each.
        in_slots = sorted(zip(slots, run, due_ms, strict=True), key=_SLOT)
        slots = [slot for slot, _, _ in in_slots]
        due_ms = [due for _, _, due in in_slots]
        lane_bytes = bytes(slots)
        named = detached(
            [
                _new_record((route, header, body, flags, slot, ttl_ms))
                for slot, (route, header, body, flags, _, ttl_ms), _ in in_slots
            ]
        )
        first = self.next_position
        self.next_position = first + len(named)
        lsn = self.log.append(first, named, due_ms)
        if lane_bytes.count(lane_bytes[0]) == len(named):
            self._lane(slots[0]).put(named, first, due_ms)
        else:
            for slot in dict.fromkeys(slots):
                self._lane(slot).put_band(named, first, due_ms, lane_bytes, slot)
        self._make_room()
        if first - self._span_from > SPAN_MAX + SPAN_PER_MESSAGE * self.count:
            self._renew_all()
        return lsn

    def _lane(self, slot: int) -> Lane:
        lane = self._lanes[slot]
        if lane is None:
            lane = self._lanes[slot] = Lane(self.memory)
        return lane

    def _open(self, slot: int, at_ms: int, *, renews: bool = False) -> None:
        """Begin to take the present messages of a slot off its lane."""
        self._wheel.forget(slot)
        self._at_ms = max(self._at_ms, at_ms)
        lane = self._lanes[slot]
        if lane is None or not lane.count:
            return
        is_few = not renews and slot >= SLOTS and self._few.has_room(lane.count, lane.body_bytes)
        self._opening = Opening(slot, at_ms, lane.count, is_few=is_few, renews=renews)

    def _go_on(self, opening: Opening, now_ms: int) -> Due | None:
        lane = self._lane(opening.slot)
        messages: list[Waiting] = []
        batch: Batch | None = None
        # Neighbours of one slot have other slots between them, so batches are small.
        body_bytes = 0
        while opening.left_count and len(messages) < PIECE_MAX and body_bytes < BATCH_BYTES_MAX:
            max_count = min(PIECE_MAX - len(messages), opening.left_count)
            batch = lane.take(max_count, NOTHING_EXPIRED)
            if batch is None:
                break
            opening.left_count -= len(batch)
            body_bytes += batch.body_bytes
            expires = batch.expires_at_ms or [opening.at_ms] * len(batch)
            messages += map(_new_waiting, zip(expires, batch.positions, batch.records, strict=True))
        if self._dropped:
            positions = {each.position for each in messages}
            messages = [each for each in messages if each.position not in self._dropped]
            self._dropped -= positions
        due = self._sort_out(opening, messages) if messages else None
        if batch is None and lane.is_stalled:
            self.ask_disk_at_ms = now_ms + ASK_DISK_AGAIN_MS
            return due
        self.ask_disk_at_ms = None
        if batch is None or not opening.left_count:
            # Fewer than there were are left where some were dropped, or the disk has lost them.
            self._end_opening(opening, lane)
        return due

    def _sort_out(self, opening: Opening, messages: list[Waiting]) -> Due | None:
        """Take what is due, and bring the others nearer to their time."""
        if opening.is_few:
            for message in messages:
                self._few.add(message)
            return None
        at_ms = opening.at_ms
        later = [each for each in messages if opening.renews or each.due_ms > at_ms]
        if later:
            self.log.set_fsynced(is_fsynced=False)  # Nobody waits for it.
            self._put([each.record for each in later], [each.due_ms for each in later], at_ms)
            self.log.set_fsynced(is_fsynced=self._is_fsynced)
            self._settle([each.position for each in later])
        due = [each for each in messages if not (opening.renews or each.due_ms > at_ms)]
        return self._take(due) if due else None

    def _take(self, messages: Sequence[Waiting]) -> Due:
        due = Due([each.position for each in messages], [each.record for each in messages])
        self._taken.append(due)
        return due

    def _end_opening(self, opening: Opening, lane: Lane) -> None:
        self._opening = None
        if not lane.count:
            self._lanes[opening.slot] = None
        if opening.renews and not self._to_renew:
            # All below was renewed, or is in memory.
            self._dropped = {at for at in self._dropped if at >= self._span_from}
        if self._wheel.next() is None and not self._few:
            self._dropped.clear()

    def _renew_all(self) -> None:
        """Give all that wait new positions, in the steps to come."""
        self._span_from = self.next_position
        self._to_renew = self._wheel.in_order()

    def _settle(self, positions: Sequence[int], *, is_promised: bool = False) -> None:
        ranges = [positions] if isinstance(positions, range) else ranges_of(sorted(positions))
        for settled in ranges:
            if settled:
                lsn = self.log.settle(settled, is_promised=is_promised)
                self.settled_lsn = max(self.settled_lsn, lsn)

    def _make_room(self) -> None:
        if not self.memory.is_over:
            return
        if self._refused_left:
            self._refused_left -= 1
        elif not make_room(self, self.log):
            self._refused_left = REFUSED_APPENDS


def _slices_of(lane: Lane, from_position: int) -> Iterator[QueueSlice]:
    yield from (each for each in lane.head.slices() if each.positions[-1] >= from_position)
    if lane.spilled is not None:
        yield from lane.spilled.slices(from_position)
