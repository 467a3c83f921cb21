"""Group commit: in order, one group at a time, and nothing said to be safe that is not."""

import errno
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence import group_commit
from persistence.errors import FatalStorageError
from persistence.group_commit import (
    GROUP_BYTES_MAX,
    SMALL_BYTES_MAX,
    SMALL_OPERATIONS_MAX,
)
from persistence.group_writing import Group
from tests.support.commit import FakeDisk, commit_all, commit_on

ENTRY = b"12345678"
FULL = OSError(errno.ENOSPC, "No space left on device")
BROKEN = OSError(errno.EIO, "Input/output error")


def collector() -> tuple[list[int], Callable[[int], Callable[[], None]]]:
    """Return a list, and what makes a waiter that puts a number into it."""
    called: list[int] = []
    return called, lambda number: lambda: called.append(number)


def test_appends_count_up_and_are_one_batch() -> None:
    disk = FakeDisk()
    commit = commit_on(disk, next_lsn=7)
    assert commit.append_operation([ENTRY], fsync=True) == 7
    assert commit.append_operation([b"head....", b"run....."], fsync=False) == 8
    assert commit.committed_lsn == 6
    commit_all(commit)
    assert disk.calls == [("batch", 8, b"12345678head....run....."), "batches synced"]
    assert commit.committed_lsn == commit.last_lsn == 8


def test_nothing_pending_is_no_group() -> None:
    commit = commit_on(FakeDisk())
    assert commit.seal() is None
    commit.append_operation([ENTRY], fsync=False)
    commit_all(commit)
    assert commit.seal() is None


def test_what_comes_while_a_group_is_under_way_is_the_next_group() -> None:
    disk = FakeDisk()
    commit = commit_on(disk)
    commit.append_operation([b"first..."], fsync=True)
    group = commit.seal()
    assert group is not None
    commit.append_operation([b"second.."], fsync=True)
    assert commit.seal() is None
    commit.writer.write(group)
    commit.finish(group, None)
    assert commit.committed_lsn == 1
    commit_all(commit)
    assert [call for call in disk.calls if call != "batches synced"] == [
        ("batch", 1, b"first..."),
        ("batch", 2, b"second.."),
    ]


@pytest.mark.parametrize("first_group_ends_after", [0, 1])
def test_an_entry_of_class_os_is_not_confirmed_before_an_older_one_is_on_disk(
    first_group_ends_after: int,
) -> None:
    """So a message in queues of both classes is as safe as the higher one says."""
    disk = FakeDisk()
    commit = commit_on(disk)
    lsn = 0
    for index, fsync in enumerate([True, False]):
        lsn = commit.append_operation([ENTRY], fsync=fsync)
        group = commit.seal() if index == first_group_ends_after else None
        assert group is None or group.fsync
    synced_when_confirmed: list[bool] = []
    commit.wait(lsn, lambda: synced_when_confirmed.append("batches synced" in disk.calls))
    under_way = commit._under_way
    assert under_way is not None
    commit.writer.write(under_way)
    commit.finish(under_way, None)
    commit_all(commit)
    assert synced_when_confirmed == [True]


def test_a_sync_that_is_asked_for_covers_what_was_written_before() -> None:
    disk = FakeDisk()
    commit = commit_on(disk)
    commit.append_operation([ENTRY], fsync=False)
    commit_all(commit)
    commit.request_fsync()
    commit_all(commit)
    assert disk.calls[1:] == ["batches synced"]
    assert commit.committed_lsn == 1
    assert not commit.has_unsynced
    commit.request_fsync()
    assert commit.seal() is None


def test_a_sync_is_asked_for_what_is_pending_too() -> None:
    disk = FakeDisk()
    commit = commit_on(disk)
    commit.append_operation([ENTRY], fsync=False)
    commit.request_fsync()
    commit_all(commit)
    assert disk.calls == [("batch", 1, ENTRY), "batches synced"]


def test_waiters_are_called_in_order_when_their_group_is_finished() -> None:
    called, waiter = collector()
    commit = commit_on(FakeDisk())
    lsns = [commit.append_operation([ENTRY], fsync=True) for _ in range(3)]
    for lsn in (lsns[2], lsns[0], lsns[1], lsns[0]):
        commit.wait(lsn, waiter(lsn))
    commit_all(commit, lambda: called.append(0))
    assert called == [0, 1, 1, 2, 3]


def test_who_waits_for_the_next_group_is_not_called_with_this_one() -> None:
    called, waiter = collector()
    commit = commit_on(FakeDisk())
    commit.append_operation([ENTRY], fsync=True)
    group = commit.seal()
    assert group is not None
    commit.wait(commit.append_operation([ENTRY], fsync=True), waiter(2))
    commit.writer.write(group)
    commit.finish(group, None)
    assert called == []
    commit_all(commit)
    assert called == [2]


def test_what_is_committed_is_not_waited_for() -> None:
    called, waiter = collector()
    commit = commit_on(FakeDisk(), next_lsn=5)
    commit.wait(group_commit.AT_ONCE, waiter(0))
    commit.wait(4, waiter(4))
    assert called == [0, 4]


def test_a_waiter_may_append_and_wait() -> None:
    called, waiter = collector()
    commit = commit_on(FakeDisk())
    lsn = commit.append_operation([ENTRY], fsync=True)
    commit.wait(lsn, lambda: commit.wait(commit.append_operation([ENTRY], fsync=True), waiter(2)))
    commit_all(commit)
    assert called == [2]


def test_what_was_never_appended_cannot_be_waited_for() -> None:
    with pytest.raises(AssertionError, match="never appended"):
        commit_on(FakeDisk()).wait(1, lambda: None)


def test_a_small_group_is_waited_for_and_holds_little() -> None:
    commit = commit_on(FakeDisk())
    assert not commit.is_small(), "nothing is pending"
    lsn = commit.append_operation([ENTRY], fsync=True)
    assert not commit.is_small(), "nobody waits"
    commit.wait(lsn, lambda: None)
    assert commit.is_small()
    assert commit.is_small(len(ENTRY))
    assert not commit.is_small(len(ENTRY) - 1)
    for _ in range(SMALL_OPERATIONS_MAX):
        commit.append_operation([ENTRY], fsync=True)
    assert not commit.is_small(), "many entries"
    commit_all(commit)
    assert not commit.is_small()


def test_acks_are_a_small_group_though_nobody_waits() -> None:
    commit = commit_on(FakeDisk())
    commit.append_operation([ENTRY], fsync=False)
    assert commit.is_small()
    commit.request_fsync()
    assert not commit.is_small(), "a sync that nobody waits for is the thread's"


def test_a_group_with_definitions_or_many_bytes_or_behind_another_is_not_small() -> None:
    commit = commit_on(FakeDisk())
    commit.append_operation([ENTRY], fsync=True)
    commit.wait(commit.append_definition(b"a queue"), lambda: None)
    assert not commit.is_small()
    commit_all(commit)
    commit.wait(commit.append_operation([bytes(SMALL_BYTES_MAX + 8)], fsync=True), lambda: None)
    assert not commit.is_small()
    commit_all(commit)
    commit.append_operation([ENTRY], fsync=True)
    assert commit.seal() is not None
    commit.wait(commit.append_operation([ENTRY], fsync=True), lambda: None)
    assert not commit.is_small()


def test_what_is_behind_a_full_group_is_not_small() -> None:
    commit = commit_on(FakeDisk(), group_bytes_max=64)
    commit.append_operation([bytes(64)], fsync=True)
    commit.wait(commit.append_operation([ENTRY], fsync=True), lambda: None)
    assert not commit.is_small(), "the full one would be sealed first"


def test_a_group_has_a_size_that_it_is_closed_at() -> None:
    disk = FakeDisk()
    commit = commit_on(disk, group_bytes_max=20)
    for _ in range(4):
        commit.append_operation([ENTRY], fsync=True)
    assert commit.unwritten_bytes == 32
    commit_all(commit)
    assert [call for call in disk.calls if call != "batches synced"] == [
        ("batch", 3, 3 * ENTRY),
        ("batch", 4, ENTRY),
    ]
    assert commit.unwritten_bytes == 0


def test_a_large_part_is_not_copied_and_small_ones_are_joined() -> None:
    commit = commit_on(FakeDisk())
    large = bytes(100_000)
    for _ in range(3):
        commit.append_operation([b"head....", large], fsync=False)
        commit.append_operation([ENTRY], fsync=False)
    group = commit.seal()
    assert group is not None
    assert [len(part) for part in group.parts] == [8, 100_000, 16, 100_000, 16, 100_000, 8]
    assert group.parts[1] is large


def test_a_full_disk_keeps_the_group_and_says_so() -> None:
    called, waiter = collector()
    disk = FakeDisk()
    commit = commit_on(disk)
    commit.append_definition(b"a queue")
    commit.wait(commit.append_operation([ENTRY], fsync=True), waiter(2))
    disk.errors["write_batch"] = FULL
    group = commit.seal()
    assert group is not None
    assert commit.writing_bytes == group.size_bytes > 0
    with pytest.raises(OSError, match="No space") as failure:
        commit.writer.write(group)
    commit.finish(group, failure.value)

    assert (commit.is_disk_full, commit.writing_bytes) == (True, 0), "it takes nothing"
    assert commit.committed_lsn == 0
    assert called == []
    commit.append_operation([ENTRY], fsync=True)
    assert commit.seal() is None

    again = commit.retry()
    assert again is group
    commit.writer.write(again)
    commit.finish(again, None)
    assert not commit.is_disk_full
    assert commit.retry() is None
    assert called == [2]
    written = ("changes", (1, b"a queue")), "journal synced", ("batch", 2, ENTRY), "batches synced"
    assert disk.calls == list(written), "definitions that are safe are not written again"
    commit_all(commit)
    assert commit.committed_lsn == 3


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("write_batch", BROKEN),
        ("fsync", BROKEN),
        ("fsync", FULL),
        ("write", BROKEN),
        ("sync_journal", BROKEN),
        ("sync_journal", FULL),
    ],
)
def test_any_other_failure_stops_the_node_for_good(call: str, error: OSError) -> None:
    called, waiter = collector()
    disk = FakeDisk()
    commit = commit_on(disk)
    commit.append_definition(b"a queue")
    commit.wait(commit.append_operation([ENTRY], fsync=True), waiter(2))
    disk.errors[call] = error
    group = commit.seal()
    assert group is not None
    with pytest.raises(FatalStorageError, match="must stop") as failure:
        commit.writer.write(group)
    with pytest.raises(FatalStorageError, match="must stop"):
        commit.finish(group, failure.value)

    assert commit.has_failed
    commit.append_operation([ENTRY], fsync=True)
    commit.wait(commit.last_lsn, waiter(3))
    assert commit.seal() is None
    assert commit.retry() is None
    assert called == []
    assert commit.committed_lsn == 0


def test_a_fault_of_ours_on_the_thread_stops_the_node_too() -> None:
    commit = commit_on(FakeDisk())
    commit.append_operation([ENTRY], fsync=True)
    group = commit.seal()
    assert group is not None
    with pytest.raises(FatalStorageError, match="KeyError"):
        commit.finish(group, KeyError("what"))


class Steps:
    """Takes steps by name; keeps who waits and who was called."""

    def __init__(self) -> None:
        self.disk = FakeDisk()
        self.commit = commit_on(self.disk)
        self.waiting: list[int] = []
        self.called: list[int] = []
        self.group: Group | None = None

    def entry(self) -> None:
        self.commit.append_operation([ENTRY], fsync=len(self.waiting) % 2 == 0)

    def definition(self) -> None:
        self.commit.append_definition(b"x")

    def wait(self) -> None:
        self._wait(self.commit.last_lsn)

    def wait_for_an_old_one(self) -> None:
        self._wait(self.commit.last_lsn // 2)

    def _wait(self, lsn: int) -> None:
        def call() -> None:
            assert lsn <= self.commit.committed_lsn
            self.called.append(lsn)

        self.waiting.append(lsn)
        self.commit.wait(lsn, call)

    def ask_for_a_sync(self) -> None:
        self.commit.request_fsync()

    def seal(self) -> None:
        self.group = self.commit.seal() or self.group

    def find_no_space(self) -> None:
        if self.group is not None:
            self.commit.finish(self.group, FULL)

    def finish(self) -> None:
        if self.group is not None:
            self.commit.writer.write(self.group)
            self.commit.finish(self.group, None)
            self.group = None


STEPS = [name for name in vars(Steps) if not name.startswith("_")]


@given(st.lists(st.sampled_from(STEPS), max_size=60))
def test_every_waiter_is_called_once_and_never_before_its_lsn(names: list[str]) -> None:
    steps = Steps()
    committed_lsn = 0
    for name in [*names, "finish", "seal", "finish"]:
        getattr(steps, name)()
        assert committed_lsn <= steps.commit.committed_lsn <= steps.commit.last_lsn
        committed_lsn = steps.commit.committed_lsn
    assert committed_lsn == steps.commit.last_lsn
    assert sorted(steps.called) == sorted(steps.waiting)
    assert steps.disk.operation_bytes // len(ENTRY) + steps.disk.change_count == committed_lsn


# ── what waits ──


def test_more_than_may_wait_is_said_once_and_again_when_half_of_it_is_written() -> None:
    commit = commit_on(FakeDisk())
    told: list[bool] = []
    commit.limit_unwritten(3 * GROUP_BYTES_MAX, told.append)
    entry = bytes(GROUP_BYTES_MAX // 2)
    states = []
    for _ in range(8):
        commit.append_operation([entry], fsync=True)
        states.append(commit.is_behind)
    assert (states, told) == ([False] * 5 + [True] * 3, [True])
    left: list[tuple[int, bool]] = []
    while (group := commit.seal()) is not None:
        commit.writer.write(group)
        commit.finish(group, None)
        left.append((commit.unwritten_bytes // GROUP_BYTES_MAX, commit.is_behind))
    assert left == [(3, True), (2, True), (1, False), (0, False)]
    assert told == [True, False]


def test_a_full_disk_leaves_it_behind() -> None:
    disk = FakeDisk()
    commit = commit_on(disk)
    commit.limit_unwritten(GROUP_BYTES_MAX, lambda _: None)
    commit.append_operation([bytes(GROUP_BYTES_MAX)], fsync=True)
    group = commit.seal()
    assert group is not None
    commit.finish(group, FULL)
    assert commit.is_behind
