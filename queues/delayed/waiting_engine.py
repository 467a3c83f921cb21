"""The engine of the queue behind a delayed exchange of a cluster: messages wait in it.

Nobody consumes from it or gets from it, as no client can name it. What is due is moved on by the
node that leads it (``amqp_server.broker.keepers.shared_room``), which uses ``waiting``.

A message comes with its delay as its TTL, and is due that long after this node took it.

Source: ADR 72.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from persistence.record import Run
from queues.batch import Batch
from queues.classic.lifetime import wake_nobody
from queues.commits import CommitGroup
from queues.consumer_port import ConsumerHandle, Lane
from queues.counters import QueueCounts
from queues.delayed.committed_waiting import CommittedWaiting
from queues.errors import ExclusiveUseError
from queues.kinds import QUORUM, QueueKind
from queues.log_port import CommittedLog, RecoveredMessages
from queues.looking import LOOK_COUNT_MAX, Looked, LookPlace, Passed
from queues.memory_log import MemoryLog
from queues.moves import Dying, Moves
from queues.options import QueueOptions
from queues.outcomes import NOTHING_PURGED, PublishOutcome, PurgeOutcome, all_taken
from queues.ports import EngineParts, Positions, QueueState
from queues.tail import NodeMemory, QueueMemory


class AtOnceLog(MemoryLog):
    """A ``queues.log_port.CommittedLog`` that keeps nothing: of an exchange that is not durable."""

    __slots__ = ("on_committed",)
    committed_below: Final = 1 << 62
    may_deliver: Final = True

    def __init__(self) -> None:
        """Wake nobody."""
        self.on_committed: Callable[[], None] = wake_nobody

    def lags(self, now_ms: int) -> bool:  # noqa: ARG002 - the port's name
        """Return False: there is nothing to wait for."""
        return False


class WaitingEngine:
    """Implements ``queues.ports.QueueEngine``.

    Attributes:
        waiting: the messages.
        log: where they are kept.
        options: as of any queue; they have no effect.
    """

    keeps_transient: Final = True
    has_lone_readers: Final = False

    def __init__(self, parts: EngineParts[CommittedLog]) -> None:
        """Make one in which nothing waits."""
        self.log: CommittedLog = parts.log
        self.options = parts.options
        memory = QueueMemory(NodeMemory()) if parts.memory is None else parts.memory
        self.waiting = CommittedWaiting(parts.log, memory)
        self._wake_up = parts.wake_up
        self._moves = Moves()
        parts.log.on_committed = parts.wake_up

    def recover(self, found: RecoveredMessages, now_ms: int) -> None:  # noqa: ARG002 - the port's
        """Take the messages that the new leader has."""
        self.waiting.recover(found)
        self._wake_up()

    # -- in -----------------------------------------------------------------------------------

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Let a run wait; each message has its delay as its TTL."""
        lsn = self.waiting.add(run, [now_ms + max(record.ttl_ms, 0) for record in run])
        self._wake_up()
        return all_taken(self.log.commit_group, lsn)

    def only_appends(self, run: Run, now_ms: int) -> bool:  # noqa: ARG002 - the port's names
        """Return True: nothing is refused."""
        return True

    def refuses(self, run: Run) -> bool:  # noqa: ARG002 - the port's name
        """Return False: nothing is refused."""
        return False

    # -- out: nobody is served ------------------------------------------------------------------

    @property
    def delivered_below(self) -> int:
        """Return 0: nothing is delivered."""
        return 0

    def drain(self, now_ms: int, max_messages: int) -> bool:  # noqa: ARG002 - the port's names
        """Deliver nothing; the room that leads moves what is due."""
        return False

    def get(self, now_ms: int, *, no_ack: bool = False) -> tuple[Batch, int] | None:  # noqa: ARG002
        """Return None."""
        return None

    def purge(self) -> PurgeOutcome:
        """Forget nothing."""
        return NOTHING_PURGED

    def must_drain_before(self, holder: object) -> bool:  # noqa: ARG002 - the port's name
        """Return False."""
        return False

    def settle(self, positions: Positions, settled_body_bytes: int) -> int:  # noqa: ARG002
        """Do nothing: nothing was delivered."""
        return 0

    def reject(self, batches: Sequence[Batch], now_ms: int) -> None:
        """Do nothing: nothing was delivered."""

    def requeue(self, batches: Sequence[Batch], now_ms: int) -> None:
        """Do nothing: nothing was delivered."""

    def begin_refill(self) -> None:
        """Do nothing: nothing comes back."""

    def end_refill(self) -> None:
        """Do nothing: nothing came back."""

    @property
    def commit_group(self) -> CommitGroup:
        """That of the log."""
        return self.log.commit_group

    @property
    def moves(self) -> Moves:
        """None: what is due is no dead letter."""
        return self._moves

    def moved(self, dying: Dying) -> None:
        """Do nothing: nothing dies."""

    def consume(self, handle: ConsumerHandle, now_ms: int) -> None:  # noqa: ARG002 - the port's
        """Refuse.

        Raises:
            ExclusiveUseError: always.
        """
        raise ExclusiveUseError

    def cancel(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Do nothing: there is none."""

    def credit_regained(self, handle: ConsumerHandle) -> None:
        """Do nothing: there is none."""

    def lane_opened(self, lane: Lane) -> None:
        """Do nothing: there is none."""

    def serves(self, lane: Lane) -> bool:  # noqa: ARG002 - the port's name
        """Return False."""
        return False

    # -- the queue itself -----------------------------------------------------------------------

    @property
    def ready_count(self) -> int:
        """How many messages wait."""
        return self.waiting.count

    @property
    def consumer_count(self) -> int:
        """Return 0."""
        return 0

    def counts(self) -> QueueCounts:
        """Return how many wait."""
        memory_bytes = self.waiting.memory.used_bytes
        return QueueCounts(ready_count=self.waiting.count, memory_bytes=memory_bytes)

    def state(self) -> QueueState:
        """Return that there is no consumer."""
        return QueueState()

    def look(self, place: LookPlace | None, max_count: int = LOOK_COUNT_MAX) -> Looked:  # noqa: ARG002
        """Return nothing: who looks at what waits asks ``waiting``."""
        return Looked((), None)

    def passing_by(self, count: int) -> Passed:
        """Return that there is nothing to pass by."""
        return Passed(None, count)

    def touch(self, now_ms: int) -> None:
        """Do nothing: the counts are right."""

    def expire(self, now_ms: int) -> None:
        """Do nothing: the room that leads has the times."""

    def next_deadline_ms(self) -> int | None:
        """Return None: the room that leads has the times."""
        return None

    def reconfigure(self, options: QueueOptions, now_ms: int) -> None:  # noqa: ARG002 - the port's
        """Note the options."""
        self.options = options

    def delete(self) -> None:
        """Forget everything, in the log too."""
        self.log.on_committed = wake_nobody
        self.log.drop()
        self.waiting.memory.add(-self.waiting.memory.used_bytes)


def _of_one_node(parts: EngineParts[Any]) -> WaitingEngine:
    return WaitingEngine(parts._replace(log=AtOnceLog()))


WAITING: Final = QueueKind(
    name=QUORUM.name,
    module=QUORUM.module,
    make_engine=_of_one_node,
    make_mirrored=WaitingEngine,
    arguments=(),
    consumer_arguments=(),
    policy_scope=QUORUM.policy_scope,
)
"""A kind that no client declares. It is replicated as a quorum queue is."""
