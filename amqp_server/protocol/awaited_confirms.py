"""Publishes of one channel that are confirmed when they are safe.

    published 1..7
    of the node's disk   8..40 with LSN 12, 41..43 with LSN 15, ...
    of other groups      44..44 with LSN 13, ...

Each commit group has a line of its own, so a slow group does not delay the confirms of others. A
run that several groups must commit stands in the line of each. A line asks its group for one call
at a time, for any number of waiting runs. A queue that is led on another node may refuse messages
of a run until that is committed: these are rejected, and the others of the run confirmed.

Source: RabbitMQ, confirms: a persistent message is confirmed when it is safe; ADR 12, ADR 28.
"""

from collections import deque
from collections.abc import Sequence
from typing import TypeAlias

from amqp_server.broker.burst import Waiting
from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.confirms import ConfirmTracker
from queues.commits import CommitGroup, CommitPoint, open_points
from queues.outcomes import PublishOutcome, StillOpen, refused_later


class _Parts:
    """A run that waits for several groups, or of which some may be refused.

    Attributes:
        left_count: how many groups have not committed it; 0 or less once it is decided.
        first: the publish that was the first of the run.
        still_open: messages of the run that a queue may refuse until it is decided.
    """

    __slots__ = ("first", "left_count", "still_open")

    def __init__(self, count: int, first: int = 0, still_open: Sequence[StillOpen] = ()) -> None:
        self.left_count = count
        self.first = first
        self.still_open = still_open

    def confirm(self, first: int, last: int, tracker: ConfirmTracker) -> None:
        """Confirm the publishes first..last but those that a queue has refused."""
        for index in refused_later(self.still_open) if self.still_open else ():
            refused = self.first + index
            if first <= refused <= last:
                if first < refused:
                    tracker.confirm(first, refused - 1)
                tracker.reject(refused, refused)
                first = refused + 1
        if first <= last:
            tracker.confirm(first, last)


_Run: TypeAlias = tuple[int, int, int, _Parts | None]
"""LSN, first and last publish, and the answers of other groups, if there are any."""


class AwaitedConfirms:
    """The publishes of a channel that are not safe yet."""

    __slots__ = ("_channel_number", "_lines", "_outbox", "_tracker")

    def __init__(self, tracker: ConfirmTracker, outbox: Outbox, channel_number: int) -> None:
        self._tracker = tracker
        self._outbox = outbox
        self._channel_number = channel_number
        self._lines: dict[CommitGroup, _Line] = {}

    def answer(self, count: int, published: PublishOutcome) -> None:
        """Give this many publishes their numbers, and confirm or reject them once it is known."""
        first = self._tracker.publish(count)
        rejected, safe_at, _, still_open = published
        start = 0
        for index in (*rejected, count):
            if start < index:
                if still_open:
                    points = open_points(safe_at)
                    parts = _Parts(len(points), first, still_open)
                    self._confirm_parts(first + start, first + index - 1, points, parts)
                else:
                    self.confirm(first + start, first + index - 1, safe_at)
            if index < count:
                self._tracker.reject(first + index, first + index)
            start = index + 1

    def answer_burst(self, count: int, waiting: Sequence[Waiting]) -> None:
        """Do the same for a burst; all of it is safe, except the part in ``waiting``."""
        first = self._tracker.publish(count)
        safe_from = 0
        for start, stop, safe_at in waiting:
            if safe_from < start:
                self._tracker.confirm(first + safe_from, first + start - 1)
            self.confirm(first + start, first + stop - 1, safe_at)
            safe_from = stop
        if safe_from < count:
            self._tracker.confirm(first + safe_from, first + count - 1)

    def confirm(self, first: int, last: int, safe_at: CommitPoint) -> None:
        """Confirm the publishes first..last once this point is reached; at once if it is.

        They are rejected when a group fails that must commit them.
        """
        group, lsn, others = safe_at
        if others:
            points = open_points(safe_at)
            self._confirm_parts(first, last, points, _Parts(len(points)))
        elif lsn <= group.committed_lsn:
            self._tracker.confirm(first, last)
        else:
            line = self._lines.get(group) or self._new_line(group)
            line.append(lsn, first, last, None)

    def forget(self) -> None:
        """End with the channel: no publish is confirmed any more."""
        for line in self._lines.values():
            line.forget()
        self._lines.clear()

    def _confirm_parts(
        self, first: int, last: int, points: Sequence[CommitPoint], parts: _Parts
    ) -> None:
        if not points:
            parts.confirm(first, last, self._tracker)
        for group, lsn, _ in points:
            line = self._lines.get(group) or self._new_line(group)
            line.append(lsn, first, last, parts)

    def _new_line(self, group: CommitGroup) -> "_Line":
        line = _Line(group, self._lines, self._tracker, self._outbox, self._channel_number)
        self._lines[group] = line
        return line


class _Line:
    """The runs that wait for one group.

    Invariant: LSNs grow from the first to the last; while there is one, a call is due.
    """

    __slots__ = ("_channel_number", "_group", "_lines", "_outbox", "_runs", "_tracker")

    def __init__(
        self,
        group: CommitGroup,
        lines: "dict[CommitGroup, _Line]",
        tracker: ConfirmTracker,
        outbox: Outbox,
        channel_number: int,
    ) -> None:
        self._group = group
        self._lines = lines
        self._tracker = tracker
        self._outbox = outbox
        self._channel_number = channel_number
        self._runs: deque[_Run] = deque()

    def append(self, lsn: int, first: int, last: int, parts: _Parts | None) -> None:
        self._runs.append((lsn, first, last, parts))
        if len(self._runs) == 1:
            self._group.wait(lsn, self._on_decided)

    def forget(self) -> None:
        self._runs.clear()

    def _on_decided(self) -> None:
        """Answer the runs that the group has committed, or all waiting runs if it has failed."""
        runs = self._runs
        if not runs:
            return
        committed_lsn = self._group.committed_lsn
        if runs[0][0] > committed_lsn:
            self._reject_all()
        while runs and runs[0][0] <= committed_lsn:
            _, first, last, parts = runs.popleft()
            if parts is not None:
                parts.left_count -= 1
                if not parts.left_count:
                    parts.confirm(first, last, self._tracker)
                continue
            self._tracker.confirm(first, last)
        if octets := self._tracker.render_replies(self._channel_number):
            self._outbox.write(octets)
        if runs:
            self._group.wait(runs[0][0], self._on_decided)
        elif len(self._lines) > 1:
            # Groups come and go. If there is only one, its line is used again.
            self._lines.pop(self._group, None)

    def _reject_all(self) -> None:
        for _, first, last, parts in self._runs:
            if parts is not None:
                if parts.left_count <= 0:
                    continue
                parts.left_count = 0
            self._tracker.reject(first, last)
        self._runs.clear()
