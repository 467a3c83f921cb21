"""Stands for the log of a queue that is not mirrored, where other nodes publish to it.

A transient queue is on the node that declared it, and ends with that node. Its front halves number
their publishes as ever, and this knows which numbers were taken (R23).
"""

from typing import Final

from cluster.mirrored.submitting import TakingLog, TakingQueue
from cluster.replication.publishers import Front, Publishers, Submission, Verdict
from cluster.replication.rules import Rules
from queues.commits import SAFE_NOW, CommitPoint
from queues.ports import QueueEngine


class UnmirroredLog:
    """A ``cluster.mirrored.submitting.TakingLog``; it keeps the numbers and no message."""

    has_repeated: Final = False

    def __init__(self) -> None:
        """Begin without any publisher."""
        self._publishers = Publishers()
        self._rules = Rules()
        self._front: Front | None = None
        self._first = 0

    def judge(self, submission: Submission) -> Verdict:
        """Say what is to be done with a run of a front half."""
        return self._publishers.judge(submission, self._rules)

    def begin(self, front: Front, first: int) -> None:
        """What is published until ``end`` are the messages of a run, from this number on."""
        self._front, self._first = front, first

    def end(self, taken_count: int) -> None:
        """So many of them were taken."""
        front, self._front = self._front, None
        assert front is not None, "it was begun"
        if taken_count:
            self._publishers.note(front, self._first + taken_count - 1, 0)

    def prove(self, front: Front, last: int) -> CommitPoint:  # noqa: ARG002 - the port's names
        """Return that there is nothing to wait for: no other node ever leads the queue."""
        return SAFE_NOW

    def confirmed_at(self, index: int) -> CommitPoint:  # noqa: ARG002 - there is no record
        """Return when a message that was taken is safe: it is as safe as it will ever be."""
        return SAFE_NOW


class UnmirroredTaking:
    """The engine of a queue that is not mirrored, as a run is taken into it message by message."""

    def __init__(self, engine: QueueEngine) -> None:
        self.only_appends = engine.only_appends
        self.publish = engine.publish

    def refuses(self, run: object) -> bool:  # noqa: ARG002
        """Return False: whether it refuses is known when it has."""
        return False


_: tuple[type[TakingLog], type[TakingQueue]] = (UnmirroredLog, UnmirroredTaking)
