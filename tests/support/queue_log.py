"""A queue's log for tests: knows what a restart would find."""

from collections.abc import Sequence

from persistence.record import Record, Run
from queues.memory_log import NOTHING_STORED, NothingStored
from queues.ports import QueueSlice


class FakeLog:
    """A ``QueueLog`` whose appends count up the LSN; committed as far as the test says."""

    def __init__(self) -> None:
        self.lsn = 0
        self.committed_lsn = 0
        self.kept: dict[int, Record] = {}
        self.is_synced: bool | None = None

    def append(self, first_position: int, run: Run, expires_at_ms: int | Sequence[int] = 0) -> int:
        for position, record in enumerate(run, start=first_position):
            assert position not in self.kept, "a position is given once"
            self.kept[position] = record
        self.lsn += 1
        return self.lsn

    def settle(self, positions: range) -> int:
        for position in positions:
            del self.kept[position]
        self.lsn += 1
        return self.lsn

    def returned(self, positions: range, delivery_count: int) -> int:
        self.lsn += 1
        return self.lsn

    def page_out(self, lane: int, slices: Sequence[QueueSlice]) -> bool:
        return False

    def page_in(self, lane: int, from_position: int, stop_position: int) -> NothingStored:
        return NOTHING_STORED

    def drop(self) -> int:
        self.kept.clear()
        self.lsn += 1
        return self.lsn

    def set_synced(self, *, is_synced: bool) -> None:
        self.is_synced = is_synced
