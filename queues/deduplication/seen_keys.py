"""The keys that were seen within a window: of a number of keys, and of a time.

    keys in the order in which they were seen      k3   k4   k3'  k5   k6
    position in the log                             7    8    9   10   11
                                                    ▲ is forgotten first

A key is an entry of a log of its own, of the form of a queue's log: the entry expires when the key
does, and is settled when it is forgotten. An entry is appended after the message itself, so a crash
leaves a key only if its message was there. Entries are forgotten in their order, because the window
is full or the first ones are over. An entry in the middle that is over counts as not seen, and
stays until it is the first. An entry whose key was seen once more meanwhile is *stale*.

A transient message may be lost, so a persistent message is never the duplicate of one.
"""

import struct
from collections import deque
from collections.abc import Callable, Container, Sequence
from typing import Final, NamedTuple

from persistence.record import PERSISTENT, Record, Run
from queues.commits import SAFE_NOW, CommitPoint, is_safe, later_of, point_at
from queues.deduplication.message_key import KeyFinder
from queues.log_port import QueueLog, RecoveredMessages
from queues.tail import QueueMemory

NOTED_BYTES: Final = 200
"""Memory of an entry beside its key, about."""

FORGOTTEN_PER_STEP: Final = 256
"""Entries that one step forgets."""

STALE_MAX: Final = 4_096
"""So many stale entries, and as many as there are keys, wait for their place to be the first."""

BEFORE: Final = -1
UNDER_WAY: Final = -2

_ROUTE: Final = bytes(2)
_HEADER: Final = struct.Struct(">HHQH")
_BASIC: Final = 60
_POSITION_MAX: Final = 1 << 62


class Sorted(NamedTuple):
    """What a run has that was not seen, and what was.

    Attributes:
        fresh: indexes of the messages that were not seen, and of those without a key.
        keys: of the fresh ones; None has none.
        expires_at_ms: when the keys are over (instant; 0 is never).
        duplicates: the index of each message that was seen, and of the fresh message of this run
            that it repeats; ``BEFORE`` is a message that was noted, ``UNDER_WAY`` one that is not.
    """

    fresh: Sequence[int]
    keys: Sequence[bytes | None]
    expires_at_ms: Sequence[int]
    duplicates: Sequence[tuple[int, int]]


class SeenKeys:
    """The keys of one window.

    Attributes:
        log: where they are kept.
        safe_at: when the messages whose keys are here are safe.
        duplicates_count: messages that were seen before, so far.
    """

    def __init__(
        self,
        log: QueueLog,
        memory: QueueMemory,
        *,
        size_max: int,
        ttl_ms: int | None,
        header: str,
        is_fsynced: bool = True,
    ) -> None:
        """Begin with no keys.

        Args:
            log: of this window alone, of the form of a plain queue.
            memory: counts what the keys take; while the node is short of it, there are fewer.
            size_max: the most keys.
            ttl_ms: how long a key is remembered; None is for ever.
            header: whose value is the key.
            is_fsynced: what a confirm waits for; see ``QueueLog.set_fsynced``.
        """
        log.set_fsynced(is_fsynced=is_fsynced)
        self.log = log
        self.safe_at: CommitPoint = SAFE_NOW
        self.duplicates_count = 0
        self._memory = memory
        self._size_max = size_max
        self._ttl_ms = ttl_ms
        self._find = KeyFinder(header).find
        # Twice when it is over, and one more if the message was persistent: one number for a run.
        self._marks: dict[bytes, int] = {}
        self._noted: deque[tuple[bytes, int] | None] = deque()
        self._first_position = 0

    def recover(self, found: RecoveredMessages, now_ms: int) -> None:
        """Take the keys that a restart found; must be the first call."""
        assert not self._noted, "recovery comes first"
        runs: list[tuple[Sequence[int], Run, int | Sequence[int]]] = []
        for lane in found.lanes:
            stored = self.log.read_back(lane.lane, 0, _POSITION_MAX).messages
            while stored is not None:
                runs.append((stored.positions, stored.records, stored.expires_at_ms))
                after = stored.positions[-1] + 1
                stored = self.log.read_back(lane.lane, after, _POSITION_MAX).messages
            runs += [(each.positions, each.records, each.expires_at_ms) for each in lane.unstored]
        runs.sort(key=lambda each: each[0][0])
        self._first_position = first = runs[0][0][0] if runs else found.next_position
        # What was transient left gaps, and a key may be twice where the crash took a settlement.
        noted: list[tuple[bytes, int] | None] = [None] * (found.next_position - first)
        places: dict[bytes, int] = {}
        for positions, records, expires in runs:
            listed = [expires] * len(positions) if isinstance(expires, int) else expires
            for position, record, expires_at_ms in zip(positions, records, listed, strict=True):
                key, place = bytes(record.body), position - first
                earlier = places.get(key)
                if earlier is not None:
                    noted[earlier] = None
                places[key] = place
                noted[place] = (key, expires_at_ms << 1 | 1)
        for each in noted:
            if each is None:
                self._noted.append(None)
            else:
                self._enter(*each)
        while not self.forget_some(now_ms):
            pass

    # -- messages ---------------------------------------------------------------------------------

    def sort(self, run: Run, now_ms: int, under_way: Container[bytes] = frozenset()) -> Sorted:
        """Tell messages that were seen from those that were not; nothing is noted.

        Args:
            run: the messages.
            now_ms: the time.
            under_way: keys of messages that are on their way to queues.
        """
        fresh: list[int] = []
        keys: list[bytes | None] = []
        expires: list[int] = []
        duplicates: list[tuple[int, int]] = []
        firsts: dict[bytes, int] = {}
        find, marks, span_ms = self._find, self._marks, self._ttl_ms
        for index, record in enumerate(run):
            key, ttl_ms = find(record.header)
            expires_at_ms = 0
            if key is not None:
                is_persistent = record.flags & PERSISTENT
                first = firsts.get(key)
                if first is not None and run[first].flags & PERSISTENT >= is_persistent:
                    duplicates.append((index, first))
                    continue
                mark = marks.get(key)
                if mark is not None and mark & 1 >= is_persistent and not 0 < mark >> 1 <= now_ms:
                    duplicates.append((index, BEFORE))
                    continue
                if key in under_way:
                    duplicates.append((index, UNDER_WAY))
                    continue
                firsts[key] = index
                span = span_ms if ttl_ms is None else ttl_ms
                expires_at_ms = 0 if span is None else max(now_ms + span, 1)
            fresh.append(index)
            keys.append(key)
            expires.append(expires_at_ms)
        return Sorted(fresh, keys, expires, duplicates)

    def note(
        self,
        keys: Sequence[bytes],
        expires_at_ms: Sequence[int],
        persistent: Sequence[int],
        now_ms: int,
        safe_at: CommitPoint,
    ) -> CommitPoint:
        """Note the keys of messages that are in the logs of their queues.

        Args:
            keys: distinct ones, at least one.
            expires_at_ms: when they are over (instant; 0 is never).
            persistent: 1 for each whose message is persistent, otherwise 0.
            now_ms: the time.
            safe_at: when the messages are safe.

        Returns:
            When both messages and keys are safe.
        """
        lsn = self._append(keys, expires_at_ms, persistent)
        safe_at = later_of(safe_at, point_at(self.log.commit_group, lsn))
        self.safe_at = safe_at if is_safe(self.safe_at) else later_of(self.safe_at, safe_at)
        self._make_room(now_ms, len(keys))
        return safe_at

    @property
    def count(self) -> int:
        """How many keys there are, of which some may be over."""
        return len(self._marks)

    @property
    def memory_bytes(self) -> int:
        """What they take, about."""
        return self._memory.used_bytes

    # -- forgetting -------------------------------------------------------------------------------

    def next_deadline_ms(self) -> int | None:
        """Return when ``forget_some`` can forget an entry (instant); None while it cannot."""
        if not self._noted:
            return None
        first = self._noted[0]
        if first is None or self._is_stale(first):
            return 0
        return first[1] >> 1 or None

    def forget_some(self, now_ms: int) -> bool:
        """Forget some entries that are over; return whether no more can be forgotten now."""
        return self._forget(lambda: self._is_over(now_ms), FORGOTTEN_PER_STEP)

    def drop_all(self) -> None:
        """Forget everything, because what had the window is gone."""
        self.log.drop()
        self._memory.add(-self._memory.used_bytes)
        self._marks.clear()
        self._noted.clear()

    # -- inside -----------------------------------------------------------------------------------

    @property
    def _next_position(self) -> int:
        return self._first_position + len(self._noted)

    def _append(
        self, keys: Sequence[bytes], expires_at_ms: Sequence[int], persistent: Sequence[int]
    ) -> int:
        records = [
            Record(_ROUTE, _HEADER.pack(_BASIC, 0, len(key), 0), key, flag)
            for key, flag in zip(keys, persistent, strict=True)
        ]
        is_alike = expires_at_ms.count(expires_at_ms[0]) == len(expires_at_ms)
        expires = expires_at_ms[0] if is_alike else expires_at_ms
        lsn = self.log.append(self._next_position, records, expires)
        marks: dict[int, int] = {}  # One number for all that are alike.
        for key, expires_at, flag in zip(keys, expires_at_ms, persistent, strict=True):
            mark = expires_at << 1 | flag
            self._enter(key, marks.setdefault(mark, mark))
        return lsn

    def _enter(self, key: bytes, mark: int) -> None:
        self._marks[key] = mark
        self._noted.append((key, mark))
        self._memory.add(len(key) + NOTED_BYTES)

    def _make_room(self, now_ms: int, added_count: int) -> None:
        """Forget what is over, or too much, and renew what holds up stale entries."""
        max_count = 2 * added_count + FORGOTTEN_PER_STEP
        marks, memory = self._marks, self._memory
        self._forget(lambda: self._is_over(now_ms), max_count)
        self._forget(lambda: len(marks) > self._size_max, len(self._noted))
        self._forget(lambda: memory.is_over, max_count)
        if len(self._noted) > 2 * len(marks) + STALE_MAX:
            self._renew(max_count)

    def _is_over(self, now_ms: int) -> bool:
        deadline_ms = self.next_deadline_ms()
        return deadline_ms is not None and deadline_ms <= now_ms

    def _is_stale(self, first: tuple[bytes, int]) -> bool:
        return self._marks.get(first[0]) != first[1]

    def _forget(self, is_due: Callable[[], bool], max_count: int) -> bool:
        """Forget the first entries while this is true; return whether it is not any more."""
        first_position = self._first_position
        left_count = max_count
        while self._noted and is_due() and left_count:
            self._take_first()
            left_count -= 1
        forgotten_count = max_count - left_count
        if forgotten_count:
            self._first_position = first_position + forgotten_count
            self.log.settle(range(first_position, self._first_position))
        return left_count > 0 or not self._noted or not is_due()

    def _take_first(self) -> tuple[bytes, int] | None:
        """Take the first entry out; return it if its key is forgotten by that."""
        first = self._noted.popleft()
        if first is None:
            return None
        self._memory.add(-len(first[0]) - NOTED_BYTES)
        if self._is_stale(first):
            return None
        del self._marks[first[0]]
        return first

    def _renew(self, max_count: int) -> None:
        """Give keys that stand before many stale entries a place behind these."""
        first_position = self._first_position
        renewed: list[tuple[bytes, int]] = []
        count = min(max_count, len(self._noted))
        for _ in range(count):
            first = self._take_first()
            if first is not None:
                renewed.append(first)
        self._first_position = first_position + count
        if renewed:
            # The new entries are in the log before the old ones are settled.
            keys, marks = zip(*renewed, strict=True)
            self._append(keys, [mark >> 1 for mark in marks], [mark & 1 for mark in marks])
        self.log.settle(range(first_position, first_position + count))
