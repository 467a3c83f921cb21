"""A queue's log for tests: knows what a restart would find, and spills into a dict."""

from collections.abc import Iterable, Sequence
from itertools import chain, repeat, takewhile
from typing import NamedTuple

from persistence.record import Record, Run
from queues.log_port import QueueSlice
from queues.tail import NodeMemory, QueueMemory, Slice, Tail
from tests.support.commits import FakeCommits


class FakeReadBack(NamedTuple):
    """A ``QueueReadBack``."""

    messages: Slice | None
    lost_count: int = 0


class FoundLane(NamedTuple):
    """A ``RecoveredLane``."""

    lane: int
    stored_count: int
    stored_body_bytes: int
    unstored: Sequence[Slice]


class Found(NamedTuple):
    """``RecoveredMessages``."""

    next_position: int
    lanes: Sequence[FoundLane]
    redeliver_below: int
    requeued: dict[int, int]


class FakeLog:
    """A ``QueueLog`` whose appends count up the LSN; committed as far as the test says.

    Attributes:
        kept: what is not settled, by position.
        returned_counts: what ``returned`` was told.
        is_full: nothing can be spilled.
        is_broken: nothing can be read back.
        lost: positions that are stored, and cannot be read.
        chunk_count: messages that one ``read_back`` returns at most.
        was_restarted: positions may be settled again: a queue knows no gaps from before.
    """

    def __init__(self, max_priority: int | None = None) -> None:
        self.lsn = 0
        self.committed_lsn = 0
        self.commit_group = FakeCommits()
        self.kept: dict[int, Record] = {}
        self.is_fsynced: bool | None = None
        self.returned_counts: dict[int, int] = {}
        self.is_full = False
        self.is_broken = False
        self.lost: set[int] = set()
        self.chunk_count = 3
        self.read_back_count = 0
        self.next_position = 0
        self.was_restarted = False
        self._top = max_priority or 0
        self._expires: dict[int, int] = {}
        self._stored: set[int] = set()

    def append(self, first_position: int, run: Run, expires_at_ms: int | Sequence[int] = 0) -> int:
        assert first_position >= self.next_position, "a position is given once"
        each = repeat(expires_at_ms) if isinstance(expires_at_ms, int) else expires_at_ms
        for position, (record, expiry) in enumerate(
            zip(run, each, strict=False), start=first_position
        ):
            self.kept[position] = record
            self._expires[position] = expiry
        self.next_position = first_position + len(run)
        self.lsn += 1
        return self.lsn

    def settle(self, positions: range, *, is_promised: bool = False) -> int:
        for position in positions:
            if self.was_restarted:
                self.kept.pop(position, None)
            else:
                del self.kept[position]
        self.lsn += 1
        return self.lsn

    def requeued(self, positions: range, delivery_count: int) -> int:
        self.returned_counts.update(zip(positions, repeat(delivery_count), strict=False))
        self.lsn += 1
        return self.lsn

    def spill(
        self, lane: int, slices: Sequence[QueueSlice], *, among_unacked: bool = False
    ) -> bool:
        positions = list(chain.from_iterable([each.positions for each in slices]))
        records = list(chain.from_iterable([each.records for each in slices]))
        assert positions == sorted(set(positions)), "in ascending order"
        assert records == [self.kept[position] for position in positions], "what was appended"
        assert {self._lane_of(position) for position in positions} == {lane}, "of one lane"
        if not self.is_full:
            self._stored.update(positions)
        return not self.is_full

    def read_back(self, lane: int, from_position: int, stop_position: int) -> FakeReadBack:
        if self.is_broken:
            raise OSError(5, "no answer from the disk")
        self.read_back_count += 1
        there = [at for at in self.stored(lane) if from_position <= at < stop_position]
        lost_count = 0
        while there and there[0] in self.lost:
            del self.kept[there.pop(0)]
            lost_count += 1
        found = list(takewhile(lambda at: at not in self.lost, there))[: self.chunk_count]
        return FakeReadBack(self._slice(found) if found else None, lost_count)

    def drop(self) -> int:
        self.kept.clear()
        self.lsn += 1
        return self.lsn

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        self.is_fsynced = is_fsynced

    def store(self, positions: Iterable[int]) -> None:
        """Store what was appended: a checkpoint came by."""
        self._stored.update(positions)

    def stored(self, lane: int = 0) -> list[int]:
        """Return the positions of a lane that are stored and not settled."""
        return [at for at in sorted(self._stored & self.kept.keys()) if self._lane_of(at) == lane]

    def found(self, redeliver_below: int | None = None) -> Found:
        """Return what a restart finds: all of it may have been delivered, unless said otherwise."""
        self.was_restarted = True
        lanes = []
        for lane in range(self._top + 1):
            stored = self.stored(lane)
            mine = [at for at in sorted(self.kept) if self._lane_of(at) == lane]
            if mine:
                stored_bytes = sum([len(self.kept[at].body) for at in stored])
                unstored = list(map(self._slice, _stretches(mine, self._stored)))
                lanes.append(FoundLane(lane, len(stored), stored_bytes, unstored))
        below = self.next_position if redeliver_below is None else redeliver_below
        return Found(
            self.next_position,
            lanes,
            below,
            {at: count for at, count in self.returned_counts.items() if at in self.kept},
        )

    def _lane_of(self, position: int) -> int:
        return min(self.kept[position].priority, self._top)

    def _slice(self, positions: Sequence[int]) -> Slice:
        run = [self.kept[position] for position in positions]
        return self.slice_of(run, positions, [self._expires[position] for position in positions])

    @staticmethod
    def slice_of(run: Run, positions: Sequence[int], each: Sequence[int] = (0,)) -> Slice:
        """Return messages as a slice of the build that runs."""
        if positions[-1] - positions[0] + 1 == len(positions):
            positions = range(positions[0], positions[-1] + 1)
        tail = Tail(QueueMemory(NodeMemory()))
        tail.append_slice(run, positions, each[0] if len(set(each)) == 1 else each)
        (made,) = tail.slices()
        return made


def _stretches(positions: Iterable[int], without: set[int]) -> list[list[int]]:
    """Return positions in stretches between which others lie, and without those."""
    stretches: list[list[int]] = [[]]
    for position in positions:
        if position in without:
            stretches.append([])
        else:
            stretches[-1].append(position)
    return [stretch for stretch in stretches if stretch]
