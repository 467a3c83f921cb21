"""The ports between a queue on one side, broker and protocol on the other (ADR 2, ADR 26).

Every kind of queue implements ``QueueEngine``; ``queues.kinds`` is the table of them. A call is for
a whole run, batch or range of messages, and never for each message.
"""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from persistence.record import Run
from queues.batch import Batch
from queues.commits import CommitGroup
from queues.consumer_port import ConsumerHandle, Lane
from queues.counters import QueueCounts
from queues.effects import Effect
from queues.log_port import QueueLog, RecoveredMessages
from queues.looking import LOOK_COUNT_MAX, Looked, LookedMessage, LookPlace, Passed
from queues.moves import Dying, Moves
from queues.options import QueueOptions
from queues.outcomes import PublishOutcome, PurgeOutcome
from queues.stream_log import StreamLog
from queues.tail import QueueMemory

Emit: TypeAlias = Callable[[Effect], None]
"""Takes an effect for the broker to carry out after the queue's call has returned."""

WakeUp: TypeAlias = Callable[[], None]
"""Asks the broker to call ``drain``, then ``next_deadline_ms``, before this turn ends.

A second call has no effect. It is not needed after a change that only makes a deadline later.
"""


class Job(Protocol):
    """Work of many turns; as ``amqp_server.broker.budget.Job``."""

    def step(self, now_ms: int) -> bool:
        """Do a piece; return whether the job is done. It must not raise."""


Later: TypeAlias = Callable[[Job], None]
"""Carries on a job in the turns to come, until it is done."""


def in_no_group(_handle: ConsumerHandle) -> None:
    """Return None: its consumers are in no groups."""


def no_position(_handle: ConsumerHandle) -> None:
    """Return None: the messages of the queue have no places."""


class ReaderPosition(NamedTuple):
    """Where a consumer is that reads for itself.

    Attributes:
        offset: of the message that it reads next.
        lag: how many messages lie between that and the end; those of a gap count too.
    """

    offset: int
    lag: int


class QueueState(NamedTuple):
    """How the consumers of a queue are, as far as it knows without asking them.

    Attributes:
        active_consumer: the single active one; None where the queue has no such rule, or nobody.
        exclusive_consumer: the one that has the queue for itself; None is nobody.
        may_deliver: whether a consumer is not known to be without credit, and nothing is paused.
        position_of: returns where a consumer is; None where messages have no places, or it waits
            for its turn.
        reads_for_group: returns whether a consumer is the one of its group that reads; None where
            it is in none.
        spilled_count, spilled_bytes: messages behind the head of a queue whose middle is on disk;
            bodies only.
        keys_count, keys_bytes, duplicates_count: keys of messages that it knows, what they take,
            and messages that it did not take for that; None where it takes all.
    """

    active_consumer: ConsumerHandle | None = None
    exclusive_consumer: ConsumerHandle | None = None
    may_deliver: bool = False
    position_of: Callable[[ConsumerHandle], ReaderPosition | None] = no_position
    reads_for_group: Callable[[ConsumerHandle], bool | None] = in_no_group
    spilled_count: int = 0
    spilled_bytes: int = 0
    keys_count: int | None = None
    keys_bytes: int = 0
    duplicates_count: int = 0


Positions: TypeAlias = range | Sequence[int]
"""Positions in a queue: a range with any step, or distinct positions in any order."""


LogT_co = TypeVar("LogT_co", bound=QueueLog | StreamLog, covariant=True)


class EngineParts(NamedTuple, Generic[LogT_co]):
    """The parts of a new queue.

    Attributes:
        name: for the effects.
        options: arguments and policies, merged and valid.
        log: where its messages are kept; of the form that its kind's row names.
        emit: takes effects, to be carried out after the call that emitted them.
        wake_up: asks for a ``drain`` before this turn ends.
        now_ms: the instant, > 0 as in every other call.
        auto_delete: delete it when its last consumer goes.
        memory: what its ready messages may take before some go to the log's disk; None is no limit.
        later: carries on a job in the turns to come; None where nothing does.
    """

    name: str
    options: QueueOptions
    log: LogT_co
    emit: Emit
    wake_up: WakeUp
    now_ms: int
    auto_delete: bool = False
    memory: QueueMemory | None = None
    later: Later | None = None


class QueueEngine(Protocol):
    """The state machine of one queue, of whatever kind.

    Each delivery has a position, and is settled by it. The kind decides whether this removes the
    message from the queue or only gives credit back. The engine gets no request that the row of its
    kind refuses. After ``delete`` it takes settlements, which have no effect, and no publish.
    """

    @property
    def options(self) -> QueueOptions:
        """Its present options, from arguments and policies."""

    @property
    def ready_count(self) -> int:
        """The message-count of declare-ok."""

    @property
    def consumer_count(self) -> int:
        """The consumer-count of declare-ok."""

    def counts(self) -> QueueCounts:
        """Return how the queue is, and what happened in it; no message is looked at."""

    def state(self) -> QueueState:
        """Return how its consumers are; none of them is asked."""

    def look(self, place: LookPlace | None, max_count: int = LOOK_COUNT_MAX) -> Looked:
        """Return the next messages behind a place; they stay as they are.

        Args:
            place: where the last look ended; None is the head.
            max_count: the most to return.

        Raises:
            OSError: the disk could not be read.
        """

    def passing_by(self, count: int) -> Passed:
        """Return the place behind the first messages, as far as no look at them is needed."""

    # -- in ---------------------------------------------------------------------------------

    def recover(self, found: RecoveredMessages, now_ms: int) -> None:
        """Take the messages that a restart found; must be the first call."""

    @property
    def delivered_below(self) -> int:
        """No message from this position on was ever delivered; a clean stop notes this."""

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Take a run (at least one message)."""

    def only_appends(self, run: Run, now_ms: int) -> bool:
        """Whether ``publish`` of this run, now, would refuse, drop and deliver nothing."""

    @property
    def keeps_transient(self) -> bool:
        """Whether transient messages are kept as persistent ones are, and confirmed like these."""

    # -- out --------------------------------------------------------------------------------

    @property
    def has_lone_readers(self) -> bool:
        """Whether what one consumer gets never depends on another, as that of a log's readers.

        Nothing need be delivered before one of them comes or goes, and what may be delivered has
        no bound: a reader may have all of the log before it.
        """

    def drain(self, now_ms: int, max_messages: int) -> bool:
        """Deliver at most ``max_messages`` to the consumers that have credit.

        Returns:
            True when it stopped there and more can be delivered now.
        """

    def get(self, now_ms: int, *, no_ack: bool = False) -> tuple[Batch, int] | None:
        """Take one message: basic.get.

        Returns:
            The message and how many are still ready; None when no message is ready.
        """

    def purge(self) -> PurgeOutcome:
        """Forget ready messages, all or as many as take about a millisecond.

        None where none is ready, or none of them can be read now.
        """

    # -- settlements ------------------------------------------------------------------------

    def must_drain_before(self, holder: object) -> bool:
        """Note the consumer whose messages are settled next, which gets credit back.

        Args:
            holder: the consumer, or who took the messages by a get; None: they go back, or are
                rejected, and are no continuation of what was settled before.

        Returns:
            Whether the queue must be drained first, because other consumers have messages due.
        """

    def settle(self, positions: Positions, settled_body_bytes: int) -> int:
        """Note that delivered messages, with their bytes, were acked; return the LSN."""

    def reject(self, batches: Sequence[Batch], now_ms: int) -> None:
        """Note that delivered messages were rejected for good, in this order."""

    def requeue(self, batches: Sequence[Batch], now_ms: int) -> None:
        """Take delivered messages back; each was requeued once more now."""

    def begin_refill(self) -> None:
        """Deliver only requeued messages until ``end_refill``, because more are on their way."""

    def end_refill(self) -> None:
        """Deliver as usual again: all requeued messages are back."""

    @property
    def commit_group(self) -> CommitGroup:
        """The commit group of its log from now on."""

    @property
    def moves(self) -> Moves:
        """Messages that died and are to be moved; code that takes some must call ``moved``."""

    def moved(self, dying: Dying) -> None:
        """Settle messages taken from ``moves``, whose copies are in the logs of their queues."""

    # -- consumers --------------------------------------------------------------------------

    def consume(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Add a consumer; it is served from the next drain on.

        Raises:
            ExclusiveUseError: this consumer, or one that is there, wants exclusive use.
        """

    def cancel(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Remove a consumer; its deliveries stay unacked. An unknown one is ignored."""

    def credit_regained(self, handle: ConsumerHandle) -> None:
        """A consumer that ``is_blocked`` has room in its own prefetch again."""

    def lane_opened(self, lane: Lane) -> None:
        """The consumers of a lane may be served again: it was shut when one was to be."""

    def serves(self, lane: Lane) -> bool:
        """Whether any consumer of this lane is here."""

    # -- the queue itself -------------------------------------------------------------------

    def touch(self, now_ms: int) -> None:
        """Bring the counts up to date, because the queue was declared again or is looked at."""

    def expire(self, now_ms: int) -> None:
        """Do the work that is due by now; called by timers."""

    def next_deadline_ms(self) -> int | None:
        """Return when ``expire`` must be called next; None while nothing can expire."""

    def reconfigure(self, options: QueueOptions, now_ms: int) -> None:
        """Apply changed policies."""

    def delete(self) -> None:
        """Forget everything, in the log too."""


class EmptiedQueue(Protocol):
    """The engine of a queue that messages leave for good: of all kinds but streams."""

    def pause(self, *, is_on: bool) -> None:
        """Deliver nothing to consumers from now on, or deliver again.

        A get still takes what it asks for, and messages come, expire and are dropped as ever.
        """

    def remove(self, lane: int, messages: Sequence[LookedMessage]) -> int:
        """Forget ready messages wherever they are; they count as purged. Return the LSN.

        Once it is committed no restart brings them back, in the durability class of the queue.

        Args:
            lane: the place of each is in this lane.
            messages: at least one, ascending; ``look`` was the last call, and returned them.
        """
