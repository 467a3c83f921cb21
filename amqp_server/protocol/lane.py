"""The way out of one channel: the limits its consumers share, and the queues that wait for it.

A queue whose consumer was refused room here is told once there is room again. If a prefetch that
consumers share was the cause, the waiting queues take turns, and each gets an equal part. In
RabbitMQ it is random which queue is told first.

Source: RabbitMQ, consumer-prefetch, rabbit_limiter.
"""

from collections import OrderedDict
from itertools import islice
from typing import Final, TypeAlias

from amqp_server.broker.delivered import SETTING, Delivered
from amqp_server.broker.errors import NodeLimitError
from amqp_server.broker.queue import Queue
from amqp_server.broker.turn import Turn
from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.counters import ChannelCounters
from amqp_server.protocol.prefetch import Prefetch
from amqp_server.protocol.unacked import Unacked

FED_AT_ONCE: Final = 64
"""Channels that continue at once when the output has room. They mostly fill it, so the others are
not checked. If room is left, the next channels continue at the next check."""

UNLIMITED: Final = 1 << 30
"""Room of a window without a limit, in messages."""

_NOBODY: Final = Outbox(0, lambda: None)
"""The outbox of a lane that is shut for good: it is always full."""
_NOBODY.abandon()

Starved: TypeAlias = "dict[Lane, None]"
"""Lanes of one connection that were refused room in its output, in the order of the refusals."""


class Lane:
    """A ``queues.ports.Lane``: the way out for all consumers of one channel.

    Attributes:
        number: the channel's.
        outbox: where everything for the client goes.
        unacked: the outstanding delivery tags.
        unacked_max: limit of outstanding deliveries.
        shared_prefetch: of all consumers together.
        payload_max_bytes: of a frame.
        turn: the broker's, which knows the time.
        delivered: memory of the outstanding deliveries of all channels of the node.
        counters: the channel's.
        waiting: queues that were refused room, in the order of the refusals.
    """

    __slots__ = (
        "_starved",
        "counters",
        "delivered",
        "number",
        "outbox",
        "payload_max_bytes",
        "shared_prefetch",
        "turn",
        "unacked",
        "unacked_max",
        "waiting",
    )

    def __init__(
        self,
        number: int,
        outbox: Outbox,
        starved: Starved,
        unacked: Unacked,  # type: ignore[type-arg]  # whose they are matters to others
        *,
        unacked_max: int,
        payload_max_bytes: int,
        turn: Turn,
        delivered: Delivered,
        counters: ChannelCounters,
    ) -> None:
        self.number = number
        self.outbox = outbox
        self._starved = starved
        self.unacked = unacked
        self.unacked_max = unacked_max
        self.shared_prefetch = Prefetch()
        self.payload_max_bytes = payload_max_bytes
        self.turn = turn
        self.delivered = delivered
        self.counters = counters
        self.waiting: OrderedDict[Queue, None] = OrderedDict()

    @property
    def is_shut(self) -> bool:
        """Whether nothing may be delivered."""
        return (
            self.outbox.is_full or self.shared_room <= 0 or self.unacked.count >= self.unacked_max
        )

    @property
    def shared_room(self) -> int:
        """How many messages that need an ack fit in the prefetch that consumers share."""
        prefetch = self.shared_prefetch
        return prefetch.limit - prefetch.used if prefetch.limit else UNLIMITED

    def check_may_hold_more(self) -> None:
        """Refuse a get if this channel already holds a message and all clients hold too much.

        Raises:
            NodeLimitError: all clients together hold too much (506).
        """
        delivered = self.delivered
        if self.unacked.count and not delivered.allows(self.unacked.held_bytes):
            limit = f"{SETTING} is {delivered.limit_bytes} bytes"
            raise NodeLimitError(f"too much is unacked to get more than one at a time: {limit}")

    def wait_for_output(self, queue: Queue) -> None:
        """Note a queue that was refused because the client does not read fast enough."""
        if self.outbox is _NOBODY:
            return
        self._starved[self] = None
        self.waiting[queue] = None

    def wait_for_acks(self, queue: Queue) -> None:
        """Note a queue that was refused because too much is unacked."""
        self.waiting[queue] = None

    def forget(self, queue: Queue) -> None:
        """Drop a queue that has no consumer on this channel any more."""
        self.waiting.pop(queue, None)

    def shut(self) -> None:
        """Shut the lane for good: every request for credit is refused."""
        self.outbox = _NOBODY

    def close(self) -> None:
        """Forget all waiting queues."""
        self.waiting.clear()
        self._starved.pop(self, None)

    def reopen(self, now_ms: int) -> None:
        """Let the queues that wait deliver, if there is room now."""
        waiting = self.waiting
        if self.is_shut:
            if waiting and self.outbox.is_full and self.outbox is not _NOBODY:
                self._starved[self] = None
            return
        if not self.shared_prefetch.limit or len(waiting) == 1:
            self.waiting = OrderedDict()
            for queue in waiting:
                if not queue.is_deleted:
                    queue.engine.lane_opened(self)
        else:
            self._serve_in_turn(now_ms)

    def _serve_in_turn(self, now_ms: int) -> None:
        """Let each queue that waits deliver as much as the others."""
        waiting = self.waiting
        while waiting and not self.is_shut:
            share = max(self.shared_room // len(waiting), 1)
            for _ in range(len(waiting)):
                self._serve_next(share, now_ms)
                if self.shared_room <= 0:
                    break

    def _serve_next(self, max_messages: int, now_ms: int) -> None:
        """Let the first waiting queue deliver; if it has more, it moves to the end of the line."""
        queue, _ = self.waiting.popitem(last=False)
        if queue.is_deleted:
            return
        queue.engine.lane_opened(self)
        if queue.engine.drain(now_ms, max_messages):
            self.waiting[queue] = None


def feed(starved: Starved, now_ms: int) -> None:
    """Let the first of the lanes that waited for room in the output deliver."""
    for lane in tuple(islice(starved, FED_AT_ONCE)):
        del starved[lane]
        lane.reopen(now_ms)
