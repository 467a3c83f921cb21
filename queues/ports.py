"""What a queue asks of the world. The owner of a port is the side that calls it (ADR 2)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, Self, TypeAlias

from persistence.record import Run
from queues.batch import Batch
from queues.effects import Effect

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
        lane: what it shares with the other consumers of its channel.
        shares_credit: another consumer of the lane may use up this one's credit, or shut the lane
            to it (basic.qos global=true): nobody gets two messages before the others got one.
        is_blocked: set by the queue: it has no credit of its own, and the queue passes it over
            until it hears by ``credit_returned`` that it has.
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


class QueueSlice(Protocol):
    """Some messages of a queue, in order, with their places; at least one."""

    @property
    def records(self) -> Run:
        """The messages."""

    @property
    def positions(self) -> Sequence[int]:
        """Theirs, ascending: a range of step 1 where they are contiguous."""

    @property
    def expires_at_ms(self) -> int | Sequence[int]:
        """When they expire (instant; 0 is never), one for all or one each."""


class QueuePage(Protocol):
    """What was paged in."""

    @property
    def messages(self) -> QueueSlice | None:
        """The next stored messages; None when there are no more."""

    @property
    def lost_count(self) -> int:
        """Messages before them that cannot be read any more: the media are damaged."""


class QueueLog(Protocol):
    """Where a queue's records and settlements are kept; ``MemoryLog`` keeps nothing.

    An LSN is the one number that orders safety: what was appended with an LSN is as safe as its
    durability class promises once ``committed_lsn`` has reached it.
    """

    @property
    def committed_lsn(self) -> int:
        """Everything appended up to this LSN is safe."""

    def append(self, first_position: int, run: Run, expires_at_ms: int | Sequence[int] = 0) -> int:
        """Append a run whose first message has this position; return its LSN.

        Args:
            first_position: above every position appended before.
            run: at least one message; it must not change any more.
            expires_at_ms: when they expire (instant; 0 is never), one for all or one each.
        """

    def set_synced(self, *, is_synced: bool) -> None:
        """Say what is promised of appends from now on; those before keep what they had.

        Args:
            is_synced: ``committed_lsn`` reaches them once they are on disk; else once they are
                in the page cache.
        """

    def settle(self, positions: range) -> int:
        """Record that these positions are done with, for ever; return the LSN.

        The range may have any step > 0: consumers in turn are dealt every n-th message. Some of
        them may have been settled before a restart, which is no news.
        """

    def returned(self, positions: range, delivery_count: int) -> int:
        """Record that these positions came back, by now so often; return the LSN."""

    def page_out(self, lane: int, slices: Sequence[QueueSlice]) -> bool:
        """Store messages whose memory the queue is about to give up.

        Args:
            lane: their priority, up to the queue's; 0 in a plain queue.
            slices: consecutive ready messages of it, none unacked between them, ascending.

        Returns:
            False when the disk refuses: the queue must keep them.
        """

    def page_in(self, lane: int, from_position: int, stop_position: int) -> QueuePage:
        """Return the next stored messages of a lane that are not settled.

        Args:
            lane: as in ``page_out``.
            from_position: the first one that is asked for.
            stop_position: the first one that is not: what the queue still has in memory may be
                stored too, and is not to be paged in.

        Raises:
            OSError: the disk could not be asked; nothing is lost by that.
        """

    def drop(self) -> int:
        """Forget everything: the queue is gone, and its definition with it; return the LSN."""


class RecoveredLane(Protocol):
    """The messages of one priority, as a restart finds them."""

    @property
    def lane(self) -> int:
        """The priority, up to the queue's; 0 in a plain queue."""

    @property
    def stored_count(self) -> int:
        """Ready messages that the log has: ``page_in`` returns them."""

    @property
    def stored_body_bytes(self) -> int:
        """Sum of their bodies, in bytes."""

    @property
    def unstored(self) -> Sequence[QueueSlice]:
        """The others, in order of their positions; none that is stored lies inside of one."""


class RecoveredMessages(Protocol):
    """What a restart finds of a queue; all of it is ready."""

    @property
    def next_position(self) -> int:
        """Where the next message goes."""

    @property
    def lanes(self) -> Sequence[RecoveredLane]:
        """By priority, those that are not empty."""

    @property
    def redeliver_below(self) -> int:
        """Messages before this position may have been delivered before."""

    @property
    def returned(self) -> Mapping[int, int]:
        """How often messages had come back, by position; 0 of those that are not here."""
