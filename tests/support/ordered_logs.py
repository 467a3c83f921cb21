"""The logs of all queues as one list, in the order of LSNs: what a crash may cut off anywhere."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from amqp_server.broker.queue import QueueIdentity
from persistence.record import Run
from tests.support.commits import FakeCommits
from tests.support.queue_log import FakeLog


class Noted(NamedTuple):
    """One message of an entry.

    Attributes:
        what: whether it came or went.
        body: of the message.
    """

    what: Literal["append", "settle"]
    queue_name: str
    body: bytes


class OrderedLogs:
    """Makes logs of queues that note what they are told.

    Attributes:
        noted: message by message, in the order of LSNs.
        disk: what commits all of them.
    """

    def __init__(self) -> None:
        self.noted: list[Noted] = []
        self.disk = FakeCommits()

    def make_log(self, queue: QueueIdentity) -> FakeLog:
        """Return the log of a queue; a ``broker.queue.LogFactory``."""
        log = _OrderedLog(queue, self.noted)
        log.commit_group = self.disk
        return log


class _OrderedLog(FakeLog):
    def __init__(self, queue: QueueIdentity, noted: list[Noted]) -> None:
        super().__init__(queue.options.max_priority)
        self._queue_name: Final = queue.name
        self._noted = noted

    def append(self, first_position: int, run: Run, expires_at_ms: int | Sequence[int] = 0) -> int:
        self._noted += [Noted("append", self._queue_name, record.body) for record in run]
        return super().append(first_position, run, expires_at_ms)

    def settle(self, positions: range, *, is_promised: bool = False) -> int:
        bodies = [self.kept[at].body for at in positions]
        self._noted += [Noted("settle", self._queue_name, body) for body in bodies]
        return super().settle(positions, is_promised=is_promised)
