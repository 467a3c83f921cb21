"""Who commits: the loop, for a small group on a fast disk and nobody else there; or the thread."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from amqp_server.net.loop_commit import FAST_NS, FORGIVEN_NS, SLOW_NS, SLOW_PAUSE_NS, LoopCommit
from persistence.commit_thread import CommitThread
from persistence.group_commit import GroupCommit

QUICK_NS = FAST_NS // 8


class FakeCommit:
    """Says whether what is pending is small."""

    def __init__(self) -> None:
        self.small = True

    def is_small(self) -> bool:
        return self.small


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

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.soon.append(callback)

    def pump(self) -> bool:
        self.journal.append("thread")
        return True

    def commit_here(self) -> None:
        self.journal.append("here")
        self.now_ns += self.disk_ns
        self.decision.committed()

    def group_on_thread(self) -> None:
        """One group that the thread brings to the disk, in the time that the disk takes."""
        self.commit.small = False
        self.decision.turn_ended()
        self.now_ns += self.disk_ns
        self.decision.committed()
        self.commit.small = True

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
    bench.decision.turn_ended()
    assert bench.journal == [], "not before the loop has looked at the other sockets"
    bench.round()
    assert bench.journal == ["here"]
    assert bench.decision.here_count == 1


def test_the_waiters_output_leaves_at_once_behind_the_disk(bench: Bench) -> None:
    bench.decision.on_waited = lambda: bench.journal.append("resume")
    bench.decision.turn_ended()
    bench.round()
    assert bench.journal == ["here", "resume"]
    bench.journal.clear()
    bench.group_on_thread()
    assert bench.journal == ["thread"], "the loop has not waited"


def test_where_another_turn_comes_the_thread_does_it(bench: Bench) -> None:
    bench.decision.turn_ended()
    bench.decision.turn_ended()
    bench.round()
    assert bench.journal == ["thread"]


def test_what_is_not_small_goes_to_the_thread_at_once(bench: Bench) -> None:
    bench.commit.small = False
    bench.decision.turn_ended()
    assert bench.journal == ["thread"]
    assert bench.soon == []


def test_nothing_is_known_of_the_disk_before_the_first_group() -> None:
    bench = Bench()
    bench.decision.turn_ended()
    assert bench.journal == ["thread"]


def test_a_slow_disk_is_left_to_the_thread_until_it_is_fast(bench: Bench) -> None:
    bench.disk_ns = FAST_NS + 1
    bench.group_on_thread()
    bench.decision.turn_ended()
    bench.round()
    assert bench.journal == ["thread", "thread"]
    bench.disk_ns = QUICK_NS
    bench.group_on_thread()
    bench.journal.clear()
    bench.decision.turn_ended()
    bench.round()
    assert bench.journal == ["here"]


def commit_slowly_here(bench: Bench) -> None:
    bench.disk_ns = SLOW_NS + 1
    bench.decision.turn_ended()
    bench.round()
    assert bench.journal[-1] == "here"
    bench.disk_ns = QUICK_NS


def goes_here_after(bench: Bench, pause_ns: int) -> bool:
    """Return whether the loop commits again when so much time has passed on a fast disk."""
    bench.now_ns += pause_ns
    bench.group_on_thread()
    bench.journal.clear()
    bench.decision.turn_ended()
    bench.round()
    return bench.journal == ["here"]


def test_a_slow_group_here_leaves_all_to_the_thread_for_longer_each_time(bench: Bench) -> None:
    pause_ns = SLOW_PAUSE_NS
    for _ in range(3):
        commit_slowly_here(bench)
        assert not goes_here_after(bench, pause_ns // 2)
        assert goes_here_after(bench, pause_ns)
        pause_ns *= 2


def test_one_that_is_not_fast_here_costs_no_pause(bench: Bench) -> None:
    bench.disk_ns = SLOW_NS
    bench.decision.turn_ended()
    bench.round()
    bench.disk_ns = QUICK_NS
    bench.decision.turn_ended()
    assert bench.journal == ["here", "thread"], "it was not fast"
    assert goes_here_after(bench, 0)


def test_a_disk_that_was_fast_for_long_is_forgiven(bench: Bench) -> None:
    for _ in range(2):
        commit_slowly_here(bench)
        assert goes_here_after(bench, 4 * SLOW_PAUSE_NS)
    bench.now_ns += FORGIVEN_NS
    commit_slowly_here(bench)
    assert goes_here_after(bench, SLOW_PAUSE_NS)
