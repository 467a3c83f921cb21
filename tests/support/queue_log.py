"""A queue's log for tests: knows what a restart would find."""

from persistence.record import Record, Run


class FakeLog:
    """A ``QueueLog`` whose appends count up the LSN; committed as far as the test says."""

    def __init__(self) -> None:
        self.lsn = 0
        self.committed_lsn = 0
        self.kept: dict[int, Record] = {}

    def append(self, first_position: int, run: Run) -> int:
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
