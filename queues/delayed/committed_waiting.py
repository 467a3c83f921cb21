"""The messages that wait behind one exchange of a cluster, on the node that leads them.

    add ─▶ the log ─▶ coming ─▶ committed ─▶ waiting ─▶ near ─▶ take ─▶ settle
           one append, with the time         │  their times in memory, and the messages too, as
           at which it expires               │  long as they fit; else in the log
                                             └─ due in the next minute: in order, in memory

The log is that of a mirrored queue, and a replica knows no lanes. So there is no wheel of lanes as
on a single node (ADR 39): a message is written once and stays where it is. What is in memory of
each is when it is due. Messages that were given up are read when their time is near, many at once.

A message that is not committed is not here yet (R16). It may be lost with this leader, and its
publisher's node would have it appended again. Whoever leads next reads the times of all that wait
from its replica, a chunk in each step; what is due meanwhile is late by that.

Source: ADR 72; ADR 58 for what is coming, ADR 18 for the order of copy and settlement.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from operator import itemgetter
from typing import Final, NamedTuple

from persistence.positions import ranges_of
from persistence.record import Run, memory_bytes
from queues.batch import BATCH_BYTES_MAX
from queues.delayed.due_times import DueTimes
from queues.delayed.few import Waiting
from queues.delayed.reading import Messages, reading, slice_of, within
from queues.delayed.waiting import ASK_DISK_AGAIN_MS, PIECE_MAX, Due
from queues.log_port import CommittedLog, QueueSlice, RecoveredMessages
from queues.tail import QueueMemory

NEAR_MAX: Final = 16_384
"""Messages that are near: as many are in memory in order, though they were given up before."""

NEAR_BYTES_MAX: Final = 8 << 20
"""And the sum of their bodies, in bytes, but for a batch whose time has come."""

AHEAD_MAX_MS: Final = 60_000
"""What is due in this time is near, if it is not too much."""

AHEAD_MIN_MS: Final = 250
LEAD_MS: Final = 500
"""So long before the first of the others is due more are brought near: the disk takes its time."""

NEARER_PER_STEP: Final = 1_024
"""Messages that one step brings near."""

READS_PER_STEP: Final = 4
"""Chunks that one step reads; each may take a millisecond."""

SPILLED_AT_ONCE_MAX: Final = 4_096
SPILLED_BYTES_AT_ONCE: Final = 256 << 10
REFUSED_RUNS: Final = 64
"""Where no memory could be given up it is tried again after so many runs."""

_POSITION: Final = itemgetter(1)


class _Coming(NamedTuple):
    """Messages that were appended, and are not committed."""

    first_position: int
    run: Run
    due_ms: Sequence[int]


class CommittedWaiting:
    """The waiting messages of one exchange.

    Attributes:
        log: where they are kept.
        count: how many wait; those that were taken and are not settled count too.
        memory: what those in memory take.
        next_position: above all positions given so far.
        settled_lsn: of the last settlement.
        ask_disk_at_ms: when to ask the disk again after a failed read (instant); None is never.
    """

    def __init__(self, log: CommittedLog, memory: QueueMemory) -> None:
        """Begin with none.

        Args:
            log: of this exchange alone.
            memory: what they may take.
        """
        self.log = log
        self.memory = memory
        self.count = 0
        self.next_position = self.settled_lsn = 0
        self.ask_disk_at_ms: int | None = None
        self._coming: deque[_Coming] = deque()
        self._times = DueTimes()
        self._kept: dict[int, Waiting] = {}
        self._near: list[Waiting] = []
        self._near_bytes = 0
        self._ahead_ms = AHEAD_MAX_MS
        self._taken: list[Due] = []
        self._aside: set[int] = set()
        self._unread = range(0)
        self._refused_left = 0

    def recover(self, found: RecoveredMessages) -> None:
        """Take the messages that a new leader has; must be the first call."""
        assert not self.next_position, "recovery comes first"
        self.next_position = found.next_position
        for lane in found.lanes:
            if lane.stored_count:
                self._unread = range(found.next_position)
            self.count += lane.stored_count
            for each in lane.unstored:
                self.count += len(each.positions)
                self.memory.add(memory_bytes(each.records))
                self._keep(each)

    # -- in -----------------------------------------------------------------------------------

    def add(self, run: Run, due_ms: Sequence[int]) -> int:
        """Append messages, which wait once they are committed; return the LSN.

        Args:
            run: at least one message.
            due_ms: when each is due (instant > 0).
        """
        first = self.next_position
        self.next_position = first + len(run)
        self.count += len(run)
        self.memory.add(memory_bytes(run))
        self._coming.append(_Coming(first, run, due_ms))
        return self.log.append(first, run, due_ms)

    def enter(self) -> None:
        """Let what is committed by now wait."""
        coming, below = self._coming, self.log.committed_below
        while coming and coming[0].first_position < below:
            first, run, due_ms = coming.popleft()
            self._keep(Messages(run, range(first, first + len(run)), due_ms))
            if self.memory.is_over:
                self._make_room()

    # -- out ----------------------------------------------------------------------------------

    def next_deadline_ms(self) -> int | None:
        """Return when ``has_due`` is true next (instant); None while nothing waits."""
        if self._unread:
            return self.ask_disk_at_ms or 1
        near_ms = self._near[0].due_ms if self._near else None
        first_ms = self._brings_near_at_ms()
        if near_ms is None or first_ms is None:
            return near_ms if first_ms is None else first_ms
        return min(near_ms, first_ms)

    def has_due(self, now_ms: int) -> bool:
        """Whether there is something for ``step`` to do."""
        deadline_ms = self.next_deadline_ms()
        return deadline_ms is not None and deadline_ms <= now_ms

    def step(self, now_ms: int) -> Due | None:
        """Do a piece of the work that is due.

        Returns:
            Messages whose time has come; None where the piece only brought messages nearer.
        """
        if self._unread:
            self._read_times(now_ms)
            return None
        first_ms, brings_at_ms = self._times.first_ms(), self._brings_near_at_ms()
        has_taken_order = self._is_full or first_ms is None or first_ms >= self._near_ms(now_ms)
        if (
            brings_at_ms is not None
            and brings_at_ms <= now_ms
            and not (has_taken_order and self._near_ms(now_ms) <= now_ms)
        ):
            self._bring_near(now_ms)
            return None
        return self._take_due(now_ms)

    def settle(self, due: Due, aside: Collection[int] = ()) -> None:
        """Forget messages that were taken, because their copies are safe in queues.

        Those ``aside``, by position, go on waiting until they are brought back.
        """
        self._taken.remove(due)
        positions = (
            [each for each in due.positions if each not in aside] if aside else due.positions
        )
        self._aside.update(aside)
        self.count -= len(positions)
        for position in positions:
            self._let_go(position)
        # As with an ack: nobody waits for it, so that many may be one record.
        self._settle(positions, is_promised=False)

    def bring_back(self, positions: Iterable[int], now_ms: int) -> None:
        """Have messages that were set aside be due again; those of them that still wait."""
        for position in positions:
            if position in self._aside:
                self._aside.discard(position)
                self._times.note(position, now_ms)

    # -- a look, and dropping: as ``queues.delayed.waiting`` ------------------------------------

    def slots(self) -> list[int]:
        """Return the stretches of positions in which messages wait that are not near."""
        return sorted(self._times.stretches())

    def opened(self) -> list[Waiting]:
        """Return the messages that are near, in order."""
        return sorted(self._near)

    def part_of(self, slot: int, from_position: int, max_count: int) -> list[Waiting]:
        """Return some messages of a stretch, by position; none where there is no other.

        Raises:
            OSError: the disk could not be read.
        """
        wanted = [each for each in self._times.of_stretch(slot) if each[0] >= from_position]
        return [*self._read([(due, at) for at, due in wanted[:max_count]], max_count, set())]

    def walk(self) -> Iterator[Waiting]:
        """Return some that wait, about in the order of their times; nothing may change meanwhile.

        Raises:
            OSError: the disk could not be read.
        """
        yield from self.opened()
        first = sorted(self._times.first(PIECE_MAX * 2), key=_POSITION)
        yield from sorted(within(self._read(first, len(first), set()), NEAR_BYTES_MAX))

    def drop(self, position: int) -> None:
        """Forget one message that was just shown; it is gone for good at ``settled_lsn``."""
        if not self._times.forget(position):
            kept = [each for each in self._near if each.position != position]
            if len(kept) == len(self._near):
                return
            heapify(kept)
            self._near = kept
            self._near_bytes = sum([len(each.record.body) for each in kept])
        self.count -= 1
        self._let_go(position)
        self._settle(range(position, position + 1), is_promised=True)

    def drop_all(self) -> int:
        """Forget all that wait, but not those that were taken; return how many."""
        taken = sorted([at for due in self._taken for at in due.positions])
        dropped_count, self.count = self.count - len(taken), len(taken)
        self._coming.clear()
        self._aside.clear()
        self._times.clear()
        self._near.clear()
        self._near_bytes = 0
        self._unread = range(0)
        self._kept = {at: self._kept[at] for at in taken if at in self._kept}
        records = [each.record for each in self._kept.values()]
        self.memory.add(memory_bytes(records) - self.memory.used_bytes)
        first = 0
        for position in (*taken, self.next_position):
            self._settle(range(first, position), is_promised=True)
            first = position + 1
        return dropped_count

    # -- inside -------------------------------------------------------------------------------

    @property
    def _is_full(self) -> bool:
        return len(self._near) >= NEAR_MAX or self._near_bytes >= NEAR_BYTES_MAX

    def _near_ms(self, now_ms: int) -> int:
        """Return when the first that is near is due; some time behind now where none is."""
        return self._near[0].due_ms if self._near else now_ms + 1

    def _brings_near_at_ms(self) -> int | None:
        """Return when to bring more near (instant): a while before it is due, if there is room."""
        first_ms = self._times.first_ms()
        if first_ms is None:
            return None
        at_ms = first_ms if self._is_full else first_ms - LEAD_MS
        return max(at_ms, 1 if self.ask_disk_at_ms is None else self.ask_disk_at_ms)

    def _keep(self, found: QueueSlice) -> None:
        """Have committed messages wait whose records are in memory."""
        records, positions = found.records, found.positions
        expires = found.expires_at_ms
        due_ms = [expires] * len(positions) if isinstance(expires, int) else list(expires)
        kept = self._kept
        for due, position, record in zip(due_ms, positions, records, strict=True):
            kept[position] = Waiting(due, position, record)
        if isinstance(positions, range):
            self._times.add(positions[0], due_ms)
        else:
            for position, due in zip(positions, due_ms, strict=True):
                self._times.note(position, due)

    def _let_go(self, position: int) -> None:
        kept = self._kept.pop(position, None)
        if kept is not None:
            self.memory.add(-memory_bytes((kept.record,)))

    def _settle(self, positions: Sequence[int], *, is_promised: bool) -> None:
        ranges = [positions] if isinstance(positions, range) else ranges_of(sorted(positions))
        for settled in ranges:
            if settled:
                lsn = self.log.settle(settled, is_promised=is_promised)
                self.settled_lsn = max(self.settled_lsn, lsn)

    def _read_times(self, now_ms: int) -> None:
        """Read when the messages of a chunk are due, after a take-over."""
        try:
            found = self.log.read_back(0, self._unread.start, self._unread.stop)
        except OSError:
            self.ask_disk_at_ms = now_ms + ASK_DISK_AGAIN_MS
            return
        self.ask_disk_at_ms = None
        self.count -= found.lost_count
        messages = found.messages
        if messages is None:
            self._unread = range(0)
            return
        expires = messages.expires_at_ms
        for index, position in enumerate(messages.positions):
            if position not in self._kept:  # else a checkpoint has stored it as well
                due = expires if isinstance(expires, int) else expires[index]
                self._times.note(position, due)
        self._unread = range(messages.positions[-1] + 1, self._unread.stop)

    def _bring_near(self, now_ms: int) -> None:
        """Bring messages to memory, in order, whose time comes soon."""
        ahead_ms = 0 if self._is_full else self._ahead_ms
        room = max(min(NEAR_MAX - len(self._near), NEARER_PER_STEP), PIECE_MAX)
        found = self._times.take(now_ms + ahead_ms, room)
        if len(found) > room and ahead_ms:
            self._ahead_ms = max(ahead_ms // 4, AHEAD_MIN_MS)
        elif len(found) < room // 4:
            self._ahead_ms = min(self._ahead_ms * 2, AHEAD_MAX_MS)
        # What is due first is read first, if not all can be; the disk is read in its own order.
        found.sort()
        wanted, left = found[:room], found[room:]
        for due, position in left:
            self._times.note(position, due)
        wanted.sort(key=_POSITION)
        there, lost = set[int](), set[int]()
        bytes_max = max(NEAR_BYTES_MAX, self._near_bytes + (0 if ahead_ms else BATCH_BYTES_MAX))
        try:
            for message in self._read(wanted, READS_PER_STEP, lost):
                heappush(self._near, message)
                self._near_bytes += len(message.record.body)
                there.add(message.position)
                if self._near_bytes >= bytes_max:
                    break
            self.ask_disk_at_ms = None
        except OSError:
            self.ask_disk_at_ms = now_ms + ASK_DISK_AGAIN_MS
        self.count -= len(lost)
        for due, position in wanted:
            if position not in there and position not in lost:
                self._times.note(position, due)

    def _read(
        self, wanted: Sequence[tuple[int, int]], reads_max: int, lost: set[int]
    ) -> Iterator[Waiting]:
        return reading(self.log, self._kept, wanted, reads_max, lost)

    def _take_due(self, now_ms: int) -> Due | None:
        messages: list[Waiting] = []
        near, size_bytes = self._near, 0
        while near and near[0].due_ms <= now_ms and len(messages) < PIECE_MAX:
            message = heappop(near)
            size_bytes += len(message.record.body)
            messages.append(message)
            if size_bytes >= BATCH_BYTES_MAX:
                break
        if not messages:
            return None
        self._near_bytes -= size_bytes
        due = Due([each.position for each in messages], [each.record for each in messages])
        self._taken.append(due)
        return due

    def _make_room(self) -> None:
        """Give up the memory of the oldest, once the log has them apart from its records."""
        if self._refused_left or self._unread:
            self._refused_left = max(self._refused_left - 1, 0)
            return
        while self.memory.is_over and self._kept:
            given: list[Waiting] = []
            size_bytes = 0
            for each in self._kept.values():
                if size_bytes >= SPILLED_BYTES_AT_ONCE or len(given) >= SPILLED_AT_ONCE_MAX:
                    break
                given.append(each)
                size_bytes += memory_bytes((each.record,))
            if not self.log.spill(0, [slice_of(given)]):
                self._refused_left = REFUSED_RUNS
                return
            for each in given:
                del self._kept[each.position]
            self.memory.add(-size_bytes)
