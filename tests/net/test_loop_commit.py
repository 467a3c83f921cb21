"""Who commits: the loop, for a small group on a fast disk and nobody else there; or the thread."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from amqp_server.net.loop_commit import (
    EARLY_BYTES_MAX,
    FAST_NS,
    FORGIVEN_NS,
    LONE_MIN,
    SLOW_NS,
    SLOW_PAUSE_NS,
    LoopCommit,
)
from persistence.commit_thread import CommitThread
from persistence.group_commit import SMALL_BYTES_MAX, GroupCommit

QUICK_NS = FAST_NS // 8


class FakeCommit:
    """Says whether something is pending, and whether that is small."""

    committed_lsn = 0

    def __init__(self) -> None:
        self.small = True
        self.needs_fsync = False
        self.is_under_way = False
        self.size_bytes = 128

    @property
    def last_lsn(self) -> int:
        return int(self.needs_fsync or self.is_under_way)

    def is_small(self, max_bytes: int = SMALL_BYTES_MAX) -> bool:
        is_small = self.small and self.size_bytes <= max_bytes
        return is_small and self.needs_fsync and not self.is_under_way


class Bench:
    """A loop that calls what it is told to when the test says so, a clock, and a thread."""

    def __init__(self) -> None:
        self.now_ns = 1_000
        self.soon: list[Callable[[], None]] = []
        self.commit = FakeCommit()
        self.disk_ns = QUICK_NS
        self.journal: list[str] = []
        self.decision = LoopCommit(
            cast("asyncio.AbstractEventLoop", self),
            cast("GroupCommit", self.commit),
            cast("CommitThread", self),
            lambda: self.now_ns,
        )
        self.decision.on_waited = lambda: self.journal.append("resume")

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.soon.append(callback)

    def _seal(self) -> bool:
        if self.commit.is_under_way or not self.commit.needs_fsync:
            return False
        self.commit.needs_fsync = False
        return True

    def pump(self) -> bool:
        if not self._seal():
            return False
        self.journal.append("thread")
        self.commit.is_under_way = True
        return True

    def begin_here(self) -> bool:
        self.commit.is_under_way = self._seal()
        self.journal.append("write")
        return self.commit.is_under_way

    def end_here(self) -> None:
        self.journal.append("sync")
        self.now_ns += self.disk_ns
        self.finish()

    def end_on_thread(self) -> None:
        self.journal.append("sync on thread")

    def finish(self) -> None:
        """The group under way is committed."""
        self.commit.is_under_way = False
        self.decision.committed()

    def turn(self) -> None:
        """A turn that appends."""
        self.commit.needs_fsync = True
        self.decision.input_ended()
        self.journal.append("drain")
        self.decision.turn_ended()

    def group_on_thread(self) -> None:
        """One group that the thread brings to the disk, in the time that the disk takes."""
        self.commit.small = False
        self.turn()
        self.now_ns += self.disk_ns
        self.finish()
        self.commit.small = True

    def lone_groups(self) -> None:
        """So many groups without another turn in between that the next is written early."""
        for _ in range(LONE_MIN):
            self.turn()
            self.round()
        self.journal.clear()

    def round(self) -> None:
        """The loop goes round once: what was to be called soon is."""
        soon, self.soon = self.soon, []
        for callback in soon:
            callback()


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.group_on_thread()
    bench.journal.clear()
    return bench


def test_a_small_group_on_a_fast_disk_is_committed_by_the_loop(bench: Bench) -> None:
    bench.turn()
    assert bench.journal == ["drain"], "not before the loop has looked at the other sockets"
    bench.round()
    assert bench.journal == ["drain", "write", "sync", "resume"]
    assert bench.decision.here_count == 1


def test_where_another_turn_comes_the_thread_does_it(bench: Bench) -> None:
    bench.turn()
    bench.turn()
    bench.round()
    assert bench.journal == ["drain", "drain", "thread"]


def test_where_no_other_turn_comes_for_long_the_disk_begins_before_the_drain(bench: Bench) -> None:
    bench.lone_groups()
    bench.turn()
    assert bench.journal == ["write", "drain"]
    bench.round()
    assert bench.journal == ["write", "drain", "sync", "resume"]
    assert bench.decision.here_count == LONE_MIN + 1


def test_what_the_drain_appends_behind_it_is_the_next_group(bench: Bench) -> None:
    bench.lone_groups()
    bench.turn()
    bench.commit.needs_fsync = True
    bench.round()
    bench.journal.clear()
    bench.round()
    assert bench.journal == ["write", "sync", "resume"], "not by the thread"


def test_where_another_turn_comes_after_all_the_thread_syncs(bench: Bench) -> None:
    bench.lone_groups()
    bench.turn()
    bench.turn()
    bench.round()
    assert bench.journal == ["write", "drain", "drain", "sync on thread"]
    bench.now_ns += bench.disk_ns
    bench.finish()
    bench.pump()
    bench.finish()
    bench.journal.clear()
    bench.turn()
    assert bench.journal == ["drain"], "it is not alone any more"


def test_what_is_not_small_is_not_written_early(bench: Bench) -> None:
    bench.lone_groups()
    bench.commit.small = False
    bench.turn()
    assert bench.journal == ["drain", "thread"]


def test_what_is_more_than_a_message_or_so_is_not_written_early(bench: Bench) -> None:
    bench.lone_groups()
    bench.commit.size_bytes = EARLY_BYTES_MAX + 1
    bench.turn()
    bench.round()
    assert bench.journal == ["drain", "write", "sync", "resume"]


def test_a_turn_that_appends_nothing_leaves_the_thread_alone(bench: Bench) -> None:
    bench.lone_groups()
    bench.decision.input_ended()
    bench.decision.turn_ended()
    bench.round()
    assert bench.journal == []


def test_what_is_not_small_goes_to_the_thread_at_once(bench: Bench) -> None:
    bench.commit.small = False
    bench.turn()
    assert bench.journal == ["drain", "thread"]
    assert bench.soon == []


def test_nothing_is_known_of_the_disk_before_the_first_group() -> None:
    bench = Bench()
    bench.turn()
    assert bench.journal == ["drain", "thread"]


def test_a_slow_disk_is_left_to_the_thread_until_it_is_fast(bench: Bench) -> None:
    bench.disk_ns = FAST_NS + 1
    bench.group_on_thread()
    bench.journal.clear()
    bench.turn()
    bench.round()
    assert bench.journal == ["drain", "thread"]
    bench.finish()
    bench.disk_ns = QUICK_NS
    assert goes_here_after(bench, 0)


def commit_slowly_here(bench: Bench) -> None:
    bench.disk_ns = SLOW_NS + 1
    bench.journal.clear()
    bench.turn()
    bench.round()
    assert "sync" in bench.journal
    bench.disk_ns = QUICK_NS


def goes_here_after(bench: Bench, pause_ns: int) -> bool:
    """Return whether the loop commits again when so much time has passed on a fast disk."""
    bench.now_ns += pause_ns
    bench.group_on_thread()
    bench.journal.clear()
    bench.turn()
    bench.round()
    if bench.commit.is_under_way:
        bench.finish()
    return "sync" in bench.journal


def test_a_slow_group_here_leaves_all_to_the_thread_for_longer_each_time(bench: Bench) -> None:
    pause_ns = SLOW_PAUSE_NS
    for _ in range(3):
        commit_slowly_here(bench)
        assert not goes_here_after(bench, pause_ns // 2)
        assert goes_here_after(bench, pause_ns)
        pause_ns *= 2


def test_one_that_is_not_fast_here_costs_no_pause(bench: Bench) -> None:
    bench.disk_ns = SLOW_NS
    bench.turn()
    bench.round()
    bench.disk_ns = QUICK_NS
    bench.journal.clear()
    bench.turn()
    assert bench.journal == ["drain", "thread"], "it was not fast"
    bench.finish()
    assert goes_here_after(bench, 0)


def test_a_disk_that_was_fast_for_long_is_forgiven(bench: Bench) -> None:
    for _ in range(2):
        commit_slowly_here(bench)
        assert goes_here_after(bench, 4 * SLOW_PAUSE_NS)
    bench.now_ns += FORGIVEN_NS
    commit_slowly_here(bench)
    assert goes_here_after(bench, SLOW_PAUSE_NS)
