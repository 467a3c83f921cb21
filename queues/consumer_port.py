"""The port between a queue and its consumers (ADR 26)."""

from collections.abc import Mapping, Sequence
from typing import Protocol, Self

from queues.batch import Batch


class Lane(Protocol):
    """The way out that the consumers of one channel share.

    Attributes:
        is_shut: no message may be delivered to any of them. A queue whose consumer was refused
            meanwhile gets ``lane_opened`` when this has passed.
        shared_room: how many messages that need an ack may be delivered to all of them together.
    """

    @property
    def is_shut(self) -> bool:
        """Whether no message may be delivered."""

    @property
    def shared_room(self) -> int:
        """Messages that all of its consumers together may get."""


class ConsumerHandle(Protocol):
    """One consumer, as its queue knows it; ``protocol.consumer`` implements it.

    Attributes:
        consumer_tag: unique on its channel.
        priority: the ``x-priority`` argument; higher is served first; 0 when absent.
        no_ack: a delivery counts as settled at once.
        exclusive: no other consumer may consume from the queue.
        arguments: of basic.consume, as far as the queue's kind has them, as plain values.
        lane: shared with the other consumers of its channel.
        shares_credit: another consumer of the lane may use up this one's credit, or shut the lane
            to it (basic.qos global=true). So no consumer gets two messages before the others got
            one.
        is_blocked: set by the queue. The consumer has no credit of its own, and the queue skips it
            until ``credit_regained`` is called.
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
        """Whether no other consumer may consume from the queue."""

    @property
    def arguments(self) -> Mapping[str, object]:
        """Its arguments for its kind of queue."""

    @property
    def lane(self) -> Lane:
        """The way out that it shares with others."""

    @property
    def shares_credit(self) -> bool:
        """Whether other consumers of the lane use up its credit."""

    def has_own_room(self) -> bool:
        """Return whether its own prefetch has room, whatever its lane says."""

    def credit(self) -> int:
        """Return how many messages may be delivered now.

        0 while a prefetch is used up, or the connection's output is above its high watermark.
        """

    def deliver(self, batch: Batch) -> None:
        """Take a batch of at most ``credit()`` messages."""

    def cancelled(self) -> None:
        """Hear that its queue, which stays, has removed it: nothing more will come.

        It is called in a drain. A queue without mirrors does this to nobody.
        """

    def deliver_in_turn(self, handles: Sequence[Self], batch: Batch) -> None:
        """Take a batch for several consumers of the lane; the lane keeps its order.

        Args:
            handles: of the consumers. The first message is for the first consumer, which is this
                one, and so on in turn.
            batch: of at most ``credit()`` messages for each.
        """
