"""One call of the group commit answers for all that an fsync has covered."""

from collections.abc import Callable

from cluster.mirrored.fsyncs import Fsyncs


class Commit:
    """A group commit; ``come`` has an fsync end."""

    def __init__(self) -> None:
        self.committed_lsn = 0
        self.writing_bytes = 0
        self.waiters: list[tuple[int, Callable[[], None]]] = []

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        self.waiters.append((lsn, call))

    def come(self, lsn: int) -> None:
        self.committed_lsn = lsn
        due = [call for at, call in self.waiters if at <= lsn]
        self.waiters = [(at, call) for at, call in self.waiters if at > lsn]
        for call in due:
            call()


def test_the_core_is_told_of_the_last_write_that_an_fsync_has_covered() -> None:
    commit, told = Commit(), list[int]()
    fsyncs = Fsyncs(commit, told.append)
    for lsn in (4, 5, 6, 9):
        fsyncs.wrote(lsn, lsn * 10)
    assert [lsn for lsn, _ in commit.waiters] == [4]
    commit.come(6)
    assert told == [60]
    assert [lsn for lsn, _ in commit.waiters] == [9]
    commit.come(9)
    assert told == [60, 90]
    assert commit.waiters == []


def test_who_waits_is_called_in_order_behind_the_core() -> None:
    commit, told = Commit(), list[object]()
    fsyncs = Fsyncs(commit, told.append)
    fsyncs.wait(2, lambda: told.append("two"))
    fsyncs.wrote(3, 30)
    fsyncs.wait(3, lambda: told.append("three"))
    fsyncs.wait(4, lambda: told.append("four"))
    commit.come(2)
    assert told == ["two"]
    commit.come(3)
    assert told == ["two", 30, "three"]
    commit.come(4)
    assert told == ["two", 30, "three", "four"]


def test_what_is_written_while_the_core_is_told_waits_for_a_later_fsync() -> None:
    commit, told = Commit(), list[int]()

    def fsynced(number: int) -> None:
        told.append(number)
        if number == 10:
            fsyncs.wrote(2, 20)

    fsyncs = Fsyncs(commit, fsynced)
    fsyncs.wrote(1, 10)
    commit.come(1)
    assert told == [10]
    commit.come(2)
    assert told == [10, 20]
