"""The ways of a front half to the leader: what they have in common, and the way to nobody.

A way is for one leadership. What was delivered over it is settled over it or not at all: the next
leader has made all of it ready again.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from cluster.fronts.frames import Question, Settlement
from cluster.fronts.submissions import Submitted
from queues.batch import Batch
from queues.consumer_port import ConsumerHandle, Lane
from queues.ports import QueueEngine


class Way(Protocol):
    """One way.

    Attributes:
        engine: the queue's own, where it is led here; None elsewhere.
        is_open: whether publishes, consumers and questions may go this way.
        next_position: no message with this position or above was delivered over it.
    """

    engine: QueueEngine | None
    is_open: bool

    @property
    def next_position(self) -> int:
        """No message with this position or above was delivered over it."""

    @property
    def gives_messages(self) -> bool:
        """Whether a get or a purge may be asked for now; a drain is due when it may be again."""

    @property
    def is_shut(self) -> bool:
        """Whether no run may be submitted now; the front half is told when one may be."""

    def submit(self, submitted: Submitted, now_ms: int) -> None:
        """Submit a run; what becomes of it is told."""

    def consume(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Add a consumer.

        Raises:
            ExclusiveUseError: where it is known at once.
        """

    def cancel(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Remove a consumer."""

    def settle(self, positions: range, body_bytes: int) -> int:
        """Note that delivered messages were acked; return an LSN."""

    def give_back(self, settlement: Settlement, batches: Sequence[Batch], now_ms: int) -> None:
        """Requeue delivered messages, or reject them."""

    def refill(self, *, begins: bool) -> None:
        """More of what is requeued is on its way, or all of it is back."""

    def ask(self, number: int, question: Question, now_ms: int) -> None:
        """Ask the leader."""

    def credit_regained(self, handle: ConsumerHandle) -> None:
        """A consumer has room in its own prefetch again."""

    def lane_opened(self, lane: Lane) -> None:
        """The consumers of a lane may be served again."""

    def drain(self, now_ms: int, max_messages: int) -> bool:
        """Deliver; return whether more could be delivered now."""

    def deadline_ms(self) -> int | None:
        """Return when ``expire`` is due."""

    def expire(self, now_ms: int) -> None:
        """Do what is due."""

    def end(self) -> None:
        """Nothing goes this way any more."""


class NoWay:
    """Nobody leads, or it is not known who does: what is asked for waits."""

    engine: QueueEngine | None = None
    is_open: bool = False
    next_position: Final = 0
    gives_messages: Final = True
    is_shut: Final = False

    def submit(self, submitted: Submitted, now_ms: int) -> None:
        """Not called: it is not open."""

    def consume(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Not called."""

    def cancel(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Do nothing: the consumer is nowhere else."""

    def settle(self, positions: range, body_bytes: int) -> int:  # noqa: ARG002
        """Not called: nothing was delivered."""
        return 0

    def give_back(self, settlement: Settlement, batches: Sequence[Batch], now_ms: int) -> None:
        """Not called."""

    def refill(self, *, begins: bool) -> None:
        """Do nothing."""

    def ask(self, number: int, question: Question, now_ms: int) -> None:
        """Not called."""

    def credit_regained(self, handle: ConsumerHandle) -> None:
        """Do nothing."""

    def lane_opened(self, lane: Lane) -> None:
        """Do nothing."""

    def drain(self, now_ms: int, max_messages: int) -> bool:  # noqa: ARG002
        """Deliver nothing."""
        return False

    def deadline_ms(self) -> int | None:
        """Return None: nothing is due."""
        return None

    def expire(self, now_ms: int) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""
