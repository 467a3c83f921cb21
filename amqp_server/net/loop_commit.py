"""Whether the loop brings a group to the disk itself, or has the thread do it.

A program that publishes and waits for each confirm leaves one small group a turn, and nothing else
to do until it is on disk. Waking a thread for it, and being woken by it, takes as long as the disk
does. So the loop writes and syncs such a group itself, when three things hold:

    it is small, and waited for or not synced         ``GroupCommit.is_small``
    no other socket was ready in this round           no turn came before the loop polled again
    the disk has been fast                            the last groups took less than a millisecond

    turn → small? → one hop of the loop → another turn? ─ no ─ write, sync, confirm
                                                        └ yes ─ the thread, as ever

A sync that takes long all the same keeps every connection waiting for as long. After one of over
10 ms the thread does it all for a second, twice as long each time up to a minute if that goes on.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from persistence.commit_thread import CommitThread
from persistence.group_commit import GroupCommit

FAST_NS: Final = 1_000_000
"""A disk is fast while groups take no longer than this, in ns."""

SLOW_NS: Final = 10_000_000
"""What every connection may be made to wait for once, in ns; a group that takes longer is slow."""

SLOW_PAUSE_NS: Final = 1_000_000_000
"""How long a slow group leaves everything to the thread, in ns; doubled by the next slow one."""

FORGIVEN_NS: Final = 10_000_000_000
"""A disk that was fast for so long after a pause begins with the shortest pause again, in ns."""

_DOUBLINGS_MAX: Final = 6


class LoopCommit:
    """Decides for each turn who commits what it appended.

    Attributes:
        here_count: groups that the loop wrote itself.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        commit: GroupCommit,
        thread: CommitThread,
        clock_ns: Callable[[], int],
    ) -> None:
        """Leave the first groups to the thread: nothing is known of the disk yet.

        Args:
            loop: that all turns run on.
            commit: of the node.
            thread: carries groups out, here or there.
            clock_ns: monotonic, in ns.
        """
        self._loop = loop
        self._commit = commit
        self._thread = thread
        self._clock_ns = clock_ns
        self._is_waiting = False
        self._began_ns = 0
        self._is_fast = False
        self._not_before_ns = 0
        self._slow_count = 0
        self.here_count = 0

    def turn_ended(self) -> None:
        """Have what the turn appended committed: the loop calls it after each turn."""
        if self._is_waiting:
            # Another turn came: who sent it must not wait for the disk.
            self._is_waiting = False
            self._pump()
        elif self._is_fast and self._commit.is_small():
            self._is_waiting = True
            self._loop.call_soon(self._after_a_round)
        else:
            self._pump()

    def committed(self) -> None:
        """Take note that a group is on disk, and of how long it took."""
        now_ns = self._clock_ns()
        self._is_fast = now_ns - self._began_ns <= FAST_NS and now_ns >= self._not_before_ns
        self._began_ns = now_ns  # The thread begins what came meanwhile at once.

    def _pump(self) -> None:
        if self._thread.pump():
            self._began_ns = self._clock_ns()

    def _after_a_round(self) -> None:
        if not self._is_waiting:
            return
        self._is_waiting = False
        began_ns = self._began_ns = self._clock_ns()
        self.here_count += 1
        self._thread.commit_here()
        now_ns = self._clock_ns()
        if now_ns - began_ns > SLOW_NS:
            self._leave_to_thread(now_ns)

    def _leave_to_thread(self, now_ns: int) -> None:
        if now_ns - self._not_before_ns > FORGIVEN_NS:
            self._slow_count = 0
        self._is_fast = False
        self._not_before_ns = now_ns + (SLOW_PAUSE_NS << self._slow_count)
        self._slow_count = min(self._slow_count + 1, _DOUBLINGS_MAX)
