"""Decides whether the loop brings a group to the disk itself, or the thread does.

A program that publishes and waits for each confirm leaves one small group a turn. The loop has
nothing else to do until it is on disk. Waking a thread, and being woken by it, takes as long as the
disk does. So the loop writes and syncs such a group itself, under three conditions:

    it is small, and waited for or not synced         ``GroupCommit.is_small``
    no other socket was ready in this round           no turn came before the loop polled again
    the disk has been fast                            the last groups took less than a millisecond

    turn → small? → one hop of the loop → another turn? ─ no ─ write, sync, confirm
                                                        └ yes ─ the thread, as ever

As long as no other turn comes in such a hop, the loop writes earlier: when the input was carried
out, before anything is delivered. The disk works meanwhile, and only the sync waits for the hop. If
another turn comes after all, the thread syncs.

If a sync takes long all the same, every connection waits for as long. After a sync of over 10 ms
the thread does all of them for a second. This doubles each time up to a minute while it continues.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from persistence.commit_thread import CommitThread
from persistence.group_commit import GroupCommit

FAST_NS: Final = 1_000_000
"""A disk counts as fast while groups take no longer than this, in ns."""

SLOW_NS: Final = 10_000_000
"""The longest wait for all connections that is accepted, in ns; a longer group counts as slow."""

SLOW_PAUSE_NS: Final = 1_000_000_000
"""How long the thread does everything after a slow group, in ns; the next slow one doubles it."""

FORGIVEN_NS: Final = 10_000_000_000
"""If a disk was fast for this long after a pause, the next pause is the shortest again, in ns."""

_DOUBLINGS_MAX: Final = 6

EARLY_BYTES_MAX: Final = 8 << 10
"""The most that is written early. Who publishes more at once does not wait for each message."""

LONE_MIN: Final = 8
"""After this many hops without another turn in between, the next group is written early."""


class LoopCommit:
    """Decides for each turn whether the loop or the thread commits its appends.

    Attributes:
        here_count: groups that the loop wrote itself.
        on_waited: called when the loop has waited for the disk; the waiters' output may leave.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        commit: GroupCommit,
        thread: CommitThread,
        clock_ns: Callable[[], int],
    ) -> None:
        """Leave the first groups to the thread, because the disk's speed is not known yet.

        Args:
            loop: that all turns run on.
            commit: of the node.
            thread: carries groups out, in this call or on its thread.
            clock_ns: monotonic, in ns.
        """
        self._loop = loop
        self._commit = commit
        self._thread = thread
        self._clock_ns = clock_ns
        self._is_waiting = False
        self._is_begun = False
        self._lone_count = 0
        self._write_ns = 0
        self._began_ns = 0
        self._is_fast = False
        self._not_before_ns = 0
        self._slow_count = 0
        self.here_count = 0
        self.on_waited: Callable[[], None] = _nothing

    def input_ended(self) -> None:
        """Write what the turn's input appended, if the loop is likely to sync it too.

        The reactor calls this before it drains the queues. So the disk works while messages are
        delivered. What the drain appends is for the next group.
        """
        if (
            self._lone_count >= LONE_MIN
            and self._is_fast
            and not self._is_waiting
            and self._commit.needs_fsync
            and self._commit.is_small(EARLY_BYTES_MAX)
        ):
            began_ns = self._began_ns = self._clock_ns()
            self.here_count += 1
            self._is_begun = self._thread.begin_here()
            self._write_ns = self._clock_ns() - began_ns

    def turn_ended(self) -> None:
        """Start the commit of the turn's appends; the loop calls this after each turn."""
        commit = self._commit
        if commit.last_lsn == commit.committed_lsn and not self._is_waiting:
            return  # Most turns of clients without durable queues append nothing.
        if self._is_waiting:
            # Another turn came, and its client must not wait for the disk.
            self._is_waiting = False
            self._lone_count = 0
            if self._is_begun:
                self._is_begun = False
                self._thread.end_on_thread()
            else:
                self._pump()
        elif self._is_begun or (self._is_fast and commit.is_small()):
            self._is_waiting = True
            self._loop.call_soon(self._after_a_round)
        else:
            self._pump()

    def committed(self) -> None:
        """Note that a group is on disk, and its duration."""
        now_ns = self._clock_ns()
        self._is_fast = now_ns - self._began_ns <= FAST_NS and now_ns >= self._not_before_ns
        self._began_ns = now_ns  # The thread begins the next group at once.

    def _pump(self) -> None:
        if self._thread.pump():
            self._began_ns = self._clock_ns()

    def _after_a_round(self) -> None:
        if not self._is_waiting:
            return
        self._is_waiting = False
        self._lone_count += 1
        began_ns = self._clock_ns()
        if self._is_begun:
            began_ns -= self._write_ns  # What was done in between does not count.
            self._began_ns = began_ns
        else:
            self._began_ns = began_ns
            self.here_count += 1
            self._is_begun = self._thread.begin_here()
        if self._is_begun:
            self._is_begun = False
            self._thread.end_here()
        now_ns = self._clock_ns()
        if now_ns - began_ns > SLOW_NS:
            self._leave_to_thread(now_ns)
        self.on_waited()
        if not self._is_waiting:
            self.turn_ended()  # What the turn appended behind the group is pending.

    def _leave_to_thread(self, now_ns: int) -> None:
        if now_ns - self._not_before_ns > FORGIVEN_NS:
            self._slow_count = 0
        self._is_fast = False
        self._not_before_ns = now_ns + (SLOW_PAUSE_NS << self._slow_count)
        self._slow_count = min(self._slow_count + 1, _DOUBLINGS_MAX)


def _nothing() -> None:
    """Do nothing."""
