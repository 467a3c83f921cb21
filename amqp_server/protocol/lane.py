"""The way out of one channel: what its consumers share, and which queues wait for it.

A queue whose consumer was refused room here is told once there is some again. When a prefetch that
consumers share is the cause, the queues that wait get of it in turn, each as much as the others:
RabbitMQ lets chance decide which is told first.

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
"""Channels that go on when there is room in the output: they fill it mostly, so that the others
need not be looked at; if they do not, the next ones go on at the next look."""

UNLIMITED: Final = 1 << 30
"""Room of a window without a limit, in messages."""

_NOBODY: Final = Outbox(0, lambda: None)
"""What a lane that is shut for good delivers to: it is full."""
_NOBODY.abandon()

Starved: TypeAlias = "dict[Lane, None]"
"""Lanes of one connection that were refused room in its output, the first of them first."""


class Lane:
    """A ``queues.ports.Lane``: what all consumers of one channel deliver through.

    Attributes:
        number: the channel's.
        outbox: where everything for the client goes.
        unacked: delivery tags outstanding.
        unacked_max: how many may be.
        shared_prefetch: of all consumers together.
        payload_max_bytes: of a frame.
        turn: the broker's, which knows the time.
        delivered: what all channels of the node have outstanding.
        counters: the channel's.
        waiting: queues that were refused room, the first of them first.
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
        """How many messages that want an ack fit in the prefetch that consumers share."""
        prefetch = self.shared_prefetch
        return prefetch.limit - prefetch.used if prefetch.limit else UNLIMITED

    def check_may_hold_more(self) -> None:
        """Refuse a get where there is too much to get more than one at a time.

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
        """Drop a queue that nobody consumes from here any more."""
        self.waiting.pop(queue, None)

    def shut(self) -> None:
        """Let nothing more through, for good: who asks for credit is refused."""
        self.outbox = _NOBODY

    def close(self) -> None:
        """Wait for nothing any more."""
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
        """Let the first that waits deliver; it is the last then, if it has more."""
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
