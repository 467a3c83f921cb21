"""Publishes of one channel that are confirmed when they are on disk.

    published 1..7 | awaited: 8..40 with LSN 12, 41..43 with LSN 15 | ...

Asks the broker's commits for one call at a time, whatever the number of runs that wait.

Source: RabbitMQ, confirms: a persistent message is confirmed when it is safe; ADR 12.
"""

from collections import deque

from amqp_server.broker.commits import Commits
from amqp_server.protocol.confirms import ConfirmTracker
from amqp_server.protocol.outbox import Outbox


class AwaitedConfirms:
    """What a channel has published and the disk not got yet.

    Invariant: LSNs grow from the first to the last; while there is one, a call is due.
    """

    def __init__(
        self, commits: Commits, tracker: ConfirmTracker, outbox: Outbox, channel_number: int
    ) -> None:
        self._commits = commits
        self._tracker = tracker
        self._outbox = outbox
        self._channel_number = channel_number
        self._runs: deque[tuple[int, int, int]] = deque()

    def confirm(self, first: int, last: int, lsn: int) -> None:
        """Confirm the publishes first..last once this LSN is committed; at once if it is."""
        if lsn <= self._commits.committed_lsn:
            self._tracker.confirm(first, last)
            return
        self._runs.append((lsn, first, last))
        if len(self._runs) == 1:
            self._commits.wait(lsn, self._on_committed)

    def forget(self) -> None:
        """The channel ends: nobody is told any more."""
        self._runs.clear()

    def _on_committed(self) -> None:
        runs = self._runs
        committed_lsn = self._commits.committed_lsn
        while runs and runs[0][0] <= committed_lsn:
            _, first, last = runs.popleft()
            self._tracker.confirm(first, last)
        if octets := self._tracker.render_replies(self._channel_number):
            self._outbox.write(octets)
        if runs:
            self._commits.wait(runs[0][0], self._on_committed)
