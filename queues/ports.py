"""What a queue asks of the world. The owner of a port is the side that calls it (ADR 2)."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from persistence.record import Run
from queues.batch import Batch
from queues.effects import Effect

Emit: TypeAlias = Callable[[Effect], None]
"""Takes an effect for the broker to carry out after the queue's call has returned."""

WakeUp: TypeAlias = Callable[[], None]
"""Asks the broker to call ``drain``, then ``next_deadline_ms``, before this turn ends.

Calling it twice is calling it once. Only what makes a deadline later may go without.
"""


class ConsumerHandle(Protocol):
    """One consumer, as its queue knows it; ``protocol.consumer`` implements it.

    Attributes:
        consumer_tag: unique on its channel.
        priority: the ``x-priority`` argument; higher is served first; 0 when absent.
        no_ack: a delivery counts as settled at once.
        exclusive: nobody else may consume from the queue meanwhile.
        shares_credit: another consumer may use up this one's credit (basic.qos global=true), so
            that credit must be asked again after each single message.
    """

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
    def shares_credit(self) -> bool:
        """Whether credit must be asked again after each message."""

    def credit(self) -> int:
        """Return how many messages may be delivered now.

        0 while the prefetch windows are full, the channel's flow is off or the connection's
        output is above its high watermark.
        """

    def deliver(self, batch: Batch) -> None:
        """Take a batch of at most ``credit()`` messages."""


class QueueLog(Protocol):
    """Where a queue's records and settlements are kept; ``MemoryLog`` keeps nothing.

    An LSN is the one number that orders safety: what was appended with an LSN is as safe as its
    durability class promises once ``committed_lsn`` has reached it.
    """

    @property
    def committed_lsn(self) -> int:
        """Everything appended up to this LSN is safe."""

    def append(self, first_position: int, run: Run) -> int:
        """Append a run whose first message has this position; return its LSN."""

    def settle(self, positions: range) -> int:
        """Record that these positions are done with, for ever; return the LSN.

        The range may have any step > 0: consumers in turn are dealt every n-th message.
        """
