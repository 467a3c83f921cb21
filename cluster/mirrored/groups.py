"""What the confirms of mirrored queues wait for: a commit group for each set of mirrors.

    append ─▶ (LSN, queue, index) at the end of a group ─▶ the core commits the queue up to an index
              ─▶ what is committed leaves the group at its head ─▶ ``committed_lsn``, and who waits

A group is a line of runs in the order of the leader's log. Whether a run is committed, only the
core says, queue by queue: so a group is right also while a queue changes its mirrors and its group,
and what it left behind there waits for its old place. A queue that waits alone has its own group.
"""

from bisect import insort
from collections import deque
from collections.abc import Callable
from operator import itemgetter
from typing import Final

from cluster.replication.commit_line import CommitLine
from cluster.replication.leadership import Leadership


class MirrorGroup:
    """A ``queues.commits.CommitGroup``: one order of LSNs, those of the core.

    Invariant: ``committed_lsn`` never falls.
    """

    is_one_log: Final = False

    def __init__(self, committed_lsn: int) -> None:
        """Begin with nothing that waits; LSNs up to this one were of others."""
        self.committed_lsn = committed_lsn
        self.has_failed = False
        self._runs: deque[tuple[int, LedQueue, int]] = deque()
        self._waiters: deque[tuple[int, Callable[[], None]]] = deque()

    def append(self, lsn: int, led: "LedQueue", index: int) -> None:
        """A run of a queue waits from now on; its LSN is above all before."""
        self._runs.append((lsn, led, index))

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call when it is decided whether everything up to this LSN is safe; see the port."""
        if lsn <= self.committed_lsn or self.has_failed:
            call()
        elif not self._waiters or self._waiters[-1][0] <= lsn:
            self._waiters.append((lsn, call))
        else:
            insort(self._waiters, (lsn, call), key=itemgetter(0))

    def advance(self) -> None:
        """A queue with runs here was committed further."""
        runs = self._runs
        while runs and runs[0][2] <= runs[0][1].committed_index:
            self.committed_lsn = runs.popleft()[0]
        waiters = self._waiters
        while waiters and waiters[0][0] <= self.committed_lsn:
            waiters.popleft()[1]()

    def fail(self) -> None:
        """A queue with runs here is not led any more: nobody knows what becomes of them."""
        self.has_failed = True
        self._runs.clear()
        waiters, self._waiters = self._waiters, deque()
        for _, call in waiters:
            call()


class LedQueue:
    """A queue in one epoch that this node leads, as its groups see it.

    Attributes:
        lead: what the core knows of it.
        committed_index: up to where the core has committed it.
        group: of what is appended now.
        last_index: of the last run.
    """

    __slots__ = ("_line", "_waiting_in", "committed_index", "group", "last_index", "lead")

    def __init__(self, lead: Leadership, group: MirrorGroup) -> None:
        """Begin without a run that waits."""
        self.lead = lead
        self.committed_index = lead.commit
        self.group = group
        self._line: CommitLine[Leadership] | None = None
        self.last_index = lead.commit
        self._waiting_in: list[MirrorGroup] = [group]

    def is_in_line(self) -> bool:
        """Return whether ``group`` is that of the line in which the core has the queue."""
        return self._line is self.lead.line and not self.group.has_failed

    def enter(self, group: MirrorGroup) -> None:
        """Append to this group from now on; earlier runs stay where they are."""
        self._line = self.lead.line
        self.group = group
        if group not in self._waiting_in:
            self._waiting_in.append(group)

    def note_run(self, index: int, lsn: int) -> None:
        """A run was appended."""
        self.last_index = index
        self.group.append(lsn, self, index)

    def commit(self, index: int) -> None:
        """The core has committed the queue up to here."""
        self.committed_index = index
        for group in list(self._waiting_in):
            group.advance()
        if index >= self.last_index:
            self._waiting_in = [self.group]

    def wait_alone(self) -> MirrorGroup:
        """Return a group of its own, in which 1 stands for all that was appended so far.

        For a group that has failed with the leadership of another queue.
        """
        group = MirrorGroup(0)
        group.append(1, self, self.last_index)
        self._waiting_in.append(group)
        return group

    def end(self) -> None:
        """It is not led any more: every group in which a run of it waits has failed."""
        waiting = self._waiting_in if self.committed_index < self.last_index else []
        # What is appended from now on is never safe.
        self.group = MirrorGroup(0)
        self.group.fail()
        for group in waiting:
            group.fail()


class Groups:
    """The groups of a node: one for each of the core's lines, and one for a queue that is alone."""

    def __init__(self) -> None:
        """Begin without any."""
        self._groups: dict[object, MirrorGroup] = {}

    def place(self, led: LedQueue, last_lsn: int) -> MirrorGroup:
        """Return the group of what a queue appends now; ``last_lsn`` is the core's before it."""
        if not led.is_in_line():
            line = led.lead.line
            led.enter(self.of(led.lead.queue if line is None else line.key, last_lsn))
        return led.group

    def forget(self, queue: str) -> None:
        """The queue is gone."""
        self._groups.pop(queue, None)

    def of(self, key: object, last_lsn: int) -> MirrorGroup:
        """Return the group of a line's key, or of a queue's name; a failed one is replaced."""
        group = self._groups.get(key)
        if group is None or group.has_failed:
            group = self._groups[key] = MirrorGroup(last_lsn)
        return group
