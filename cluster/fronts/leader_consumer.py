"""A consumer of a front half, as the queue's engine on the leader knows it.

It has as much credit as the front half has granted and no more, so a front half that grants nothing
gets nothing, and the queue serves others.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from cluster.fronts.errors import FrontError
from cluster.fronts.frames import Consume
from queues.batch import Batch

ROOM: Final = 1 << 30
"""Room of a lane on the leader: the front half knows the lane's limits, and grants within them."""


class LeaderLane:
    """The ``queues.ports.Lane`` of one channel of the front half.

    Attributes:
        consumers_count: how many consumers of the queue it has.
    """

    shared_room: Final = ROOM

    def __init__(self, number: int, is_shut: Callable[[], bool]) -> None:
        """Begin without consumers; ``is_shut``: whether the connection has no room."""
        self.number = number
        self._is_shut = is_shut
        self.consumers_count = 0

    @property
    def is_shut(self) -> bool:
        """Whether the connection has no room for deliveries of the queue."""
        return self._is_shut()


class Deliveries(Protocol):
    """Where the deliveries of a front half go."""

    def deliver(self, consumers: tuple[int, ...], batch: Batch) -> None:
        """Tell of a batch for these consumers, in turn."""


class LeaderConsumer:
    """A ``queues.ports.ConsumerHandle`` with the credit that was granted.

    All that it gets needs to be settled: where its client does not ack, the front half settles what
    it has shown.

    Attributes:
        number: on its connection.
        is_over: its connection has ended, so it gets nothing more.
    """

    no_ack: Final = False
    shares_credit: Final = False

    __slots__ = (
        "_deliveries",
        "_taken_bytes",
        "_taken_count",
        "_total",
        "_total_bytes",
        "arguments",
        "consumer_tag",
        "exclusive",
        "is_blocked",
        "is_over",
        "lane",
        "number",
        "priority",
    )

    def __init__(self, asked: Consume, lane: LeaderLane, deliveries: Deliveries) -> None:
        self.number = asked.consumer
        self.consumer_tag = asked.consumer_tag
        self.priority = asked.priority
        self.exclusive = asked.exclusive
        self.arguments: Mapping[str, object] = asked.arguments
        self.lane = lane
        self.is_blocked = False
        self.is_over = False
        self._deliveries = deliveries
        self._total, self._total_bytes = asked.credit, asked.credit_bytes
        self._taken_count = self._taken_bytes = 0

    def grant(self, total: int, total_bytes: int) -> None:
        """Allow so much in all.

        Raises:
            FrontError: it was more before.
        """
        if total < self._total or total_bytes < self._total_bytes:
            text = f"grants {total} messages and {total_bytes} bytes to consumer {self.number}"
            raise FrontError(f"{text}, after {self._total} and {self._total_bytes}")
        self._total, self._total_bytes = total, total_bytes

    def has_own_room(self) -> bool:
        """Return whether it was granted more than it got."""
        return self._own_credit() > 0

    def credit(self) -> int:
        """Return how many messages it may get now; one may take the octets beyond their total."""
        own = self._own_credit()
        return own if own > 0 and not self.lane.is_shut else 0

    def _own_credit(self) -> int:
        if self.is_over or self._taken_bytes >= self._total_bytes:
            return 0
        return self._total - self._taken_count

    def cancelled(self) -> None:
        """Not called: an engine cancels nobody by itself."""

    def deliver(self, batch: Batch) -> None:
        """Hand a batch to the front half."""
        self._taken_count += len(batch)
        self._taken_bytes += batch.body_bytes
        self._deliveries.deliver((self.number,), batch)

    def deliver_in_turn(self, handles: "Sequence[LeaderConsumer]", batch: Batch) -> None:
        """Hand a batch for several consumers of the lane to the front half."""
        ways = len(handles)
        for index, handle in enumerate(handles):
            share = batch.part(index, ways)
            handle._taken_count += len(share)
            handle._taken_bytes += share.body_bytes
        self._deliveries.deliver(tuple([handle.number for handle in handles]), batch)
