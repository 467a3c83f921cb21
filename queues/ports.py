"""What broker and protocol know of a queue, and what it knows of them (ADR 2, ADR 26).

Every kind of queue implements ``QueueEngine``; ``queues.kinds`` is the table of them. A call is
for a whole run, batch or range of messages: nothing here is called message by message.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypeAlias

from persistence.record import Run
from queues.batch import Batch
from queues.commits import CommitGroup
from queues.counters import QueueCounts
from queues.effects import Effect
from queues.log_port import QueueLog, RecoveredMessages
from queues.moves import Dying, Moves
from queues.options import QueueOptions
from queues.outcomes import PublishOutcome
from queues.tail import QueueMemory

Emit: TypeAlias = Callable[[Effect], None]
"""Takes an effect for the broker to carry out after the queue's call has returned."""

WakeUp: TypeAlias = Callable[[], None]
"""Asks the broker to call ``drain``, then ``next_deadline_ms``, before this turn ends.

Calling it twice is calling it once. Only what makes a deadline later may go without.
"""


class Lane(Protocol):
    """The way out that some consumers have in common: their channel.

    Attributes:
        is_shut: nothing more may be delivered to any of them. Whoever was refused credit meanwhile
            hears by ``lane_opened`` of its queue that this has passed.
        shared_room: how many messages that want an ack may be delivered to all of them together.
    """

    @property
    def is_shut(self) -> bool:
        """Whether nothing may be delivered."""

    @property
    def shared_room(self) -> int:
        """Messages that all of them together may get."""


class ConsumerHandle(Protocol):
    """One consumer, as its queue knows it; ``protocol.consumer`` implements it.

    Attributes:
        consumer_tag: unique on its channel.
        priority: the ``x-priority`` argument; higher is served first; 0 when absent.
        no_ack: a delivery counts as settled at once.
        exclusive: nobody else may consume from the queue meanwhile.
        arguments: those of basic.consume that its queue's kind has, as plain values.
        lane: what it shares with the other consumers of its channel.
        shares_credit: another consumer of the lane may use up this one's credit, or shut the lane
            to it (basic.qos global=true): nobody gets two messages before the others got one.
        is_blocked: set by the queue: it has no credit of its own, and the queue passes it over
            until it hears by ``credit_regained`` that it has.
    """

    is_blocked: bool

    @property
    def consumer_tag(self) -> str:
        """Name of the consumer, unique on its channel."""

    @property
    def priority(self) -> int:
        """The ``x-priority`` argument; 0 when absent."""

    @property
    def no_ack(self) -> bool:
        """Whether a delivery counts as settled at once."""

    @property
    def exclusive(self) -> bool:
        """Whether nobody else may consume from the queue."""

    @property
    def arguments(self) -> Mapping[str, object]:
        """What it asks of its kind of queue."""

    @property
    def lane(self) -> Lane:
        """What it shares with others."""

    @property
    def shares_credit(self) -> bool:
        """Whether others of the lane use up its credit."""

    def has_own_room(self) -> bool:
        """Return whether its own window has room, whatever its lane says."""

    def credit(self) -> int:
        """Return how many messages may be delivered now.

        0 while the prefetch windows are full, or the connection's output is above its high
        watermark.
        """

    def deliver(self, batch: Batch) -> None:
        """Take a batch of at most ``credit()`` messages."""

    def deliver_in_turn(self, handles: Sequence[Self], batch: Batch) -> None:
        """Take a batch for several consumers of the lane, which keeps its order.

        Args:
            handles: the first message is for the first of them, which is this one, and so on
                round and round.
            batch: of at most ``credit()`` messages for each.
        """


Positions: TypeAlias = range | Sequence[int]
"""Places in a queue: a range with any step, or distinct positions in any order."""


@dataclass(frozen=True, slots=True)
class EngineParts:
    """What a new queue is made of.

    Attributes:
        name: stands in the effects.
        options: arguments and policies, merged and valid.
        log: where records and settlements are kept.
        emit: takes effects, to be carried out after the call that emitted them.
        wake_up: asks for a ``drain`` before this turn ends.
        now_ms: the instant, > 0 as in every other call.
        auto_delete: delete it when its last consumer goes.
        memory: what its ready messages may take before some go to the log's disk; None is
            without limit.
    """

    name: str
    options: QueueOptions
    log: QueueLog
    emit: Emit
    wake_up: WakeUp
    now_ms: int
    auto_delete: bool = False
    memory: QueueMemory | None = None


class QueueEngine(Protocol):
    """The state machine of one queue, of whatever kind.

    What it delivers has a position, by which it is settled: whether that takes the message out of
    the queue, or only gives credit back, is the kind's matter. What a kind's row refuses is not
    asked of its engine. After ``delete`` it takes settlements, which mean nothing, and no publish.
    """

    @property
    def options(self) -> QueueOptions:
        """What arguments and policies make of it now."""

    @property
    def ready_count(self) -> int:
        """What declare-ok calls message-count."""

    @property
    def consumer_count(self) -> int:
        """What declare-ok calls consumer-count."""

    def counts(self) -> QueueCounts:
        """Return how the queue is, and what happened in it; no message is looked at."""

    # -- in ---------------------------------------------------------------------------------

    def recover(self, found: RecoveredMessages, now_ms: int) -> None:
        """Begin with what a restart found, before anything else is asked of the queue."""

    @property
    def delivered_below(self) -> int:
        """No message from this position on was ever delivered: what a clean stop has to note."""

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Take a run (at least one message)."""

    def only_appends(self, run: Run, now_ms: int) -> bool:
        """Whether ``publish`` of this run, now, would refuse, drop and deliver nothing."""

    # -- out --------------------------------------------------------------------------------

    def drain(self, now_ms: int, max_messages: int) -> bool:
        """Deliver to the consumers that have credit, ``max_messages`` at most.

        Returns:
            True when it stopped there and more can be delivered now.
        """

    def get(self, now_ms: int, *, no_ack: bool = False) -> tuple[Batch, int] | None:
        """Take one message: basic.get.

        Returns:
            The message and how many are still ready; None when none is.
        """

    def purge(self) -> int:
        """Forget all ready messages; return how many there were."""

    # -- settlements ------------------------------------------------------------------------

    def must_drain_before(self, holder: object) -> bool:
        """Note whose messages are settled next, so that credit comes back to it.

        Returns:
            Whether others would miss what is due to them, were the queue not drained before.
        """

    def settle(self, positions: Positions, settled_body_bytes: int) -> int:
        """Note that delivered messages were acked, with so many bytes; return the LSN."""

    def reject(self, batches: Sequence[Batch], now_ms: int) -> None:
        """Note that delivered messages were rejected for good, in this order."""

    def requeue(self, batches: Sequence[Batch], now_ms: int) -> None:
        """Take delivered messages back; each came back once more now."""

    def begin_refill(self) -> None:
        """Deliver, until ``end_refill``, only what has come back: more of it is on its way."""

    def end_refill(self) -> None:
        """Deliver as ever: all has come back that was on its way."""

    @property
    def commit_group(self) -> CommitGroup:
        """What has to commit what happens here from now on."""

    @property
    def moves(self) -> Moves:
        """What died here and is to be moved; whoever takes of it says so with ``moved``."""

    def moved(self, dying: Dying) -> None:
        """Settle what was taken from ``moves``: its copies are in the logs of their queues."""

    # -- consumers --------------------------------------------------------------------------

    def consume(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Add a consumer; it is served from the next drain on.

        Raises:
            ExclusiveUseError: it, or one that is there, wants the queue for itself.
        """

    def cancel(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Remove a consumer; what it was given stays unacked. An unknown one is ignored."""

    def credit_regained(self, handle: ConsumerHandle) -> None:
        """A consumer that ``is_blocked`` has room in its own window again."""

    def lane_opened(self, lane: Lane) -> None:
        """The consumers of a lane may be served again: it was shut when one was to be."""

    def serves(self, lane: Lane) -> bool:
        """Whether any consumer of this lane is here."""

    # -- the queue itself -------------------------------------------------------------------

    def touch(self, now_ms: int) -> None:
        """Bring the counts up to date: the queue was declared again, or is looked at."""

    def expire(self, now_ms: int) -> None:
        """Do what is due by now. The timer's entry."""

    def next_deadline_ms(self) -> int | None:
        """Return when ``expire`` must be called next; None while nothing is to expire."""

    def reconfigure(self, options: QueueOptions, now_ms: int) -> None:
        """Apply changed policies."""

    def delete(self) -> None:
        """Forget everything, in the log too."""
