"""Direct reply-to: consumers that have a name instead of a queue.

A client that consumes from ``amq.rabbitmq.reply-to`` gets replies without a queue. A request it
publishes carries a reply-to rewritten to ``amq.rabbitmq.reply-to.{token}``; a message to the
default exchange with that key goes directly to the consumer, or nowhere when the consumer is gone.

Replies do not wait for room, and are lost when their client does not read. Unread replies have a
limit for each connection and for the node. Replies beyond it are dropped.

Source: RabbitMQ, direct reply-to: at most once, and kept nowhere. RabbitMQ's mailbox of the writer
has no bound except the memory alarm.
"""

from typing import Final, Protocol

from amqp_server.broker.names import REPLY_TO_QUEUE
from persistence.record import Run
from queues.outcomes import ALL_SAFE, PublishOutcome

REPLY_PREFIX: Final = f"{REPLY_TO_QUEUE}."


UNREAD_BYTES_MAX: Final = 16 << 20
"""Replies that wait in the socket of one connection that does not read."""

UNREAD_NODE_BYTES_MAX: Final = 128 << 20
"""The same limit for all connections of the node."""


class UnreadReplies:
    """The unread replies of all connections of a node.

    Attributes:
        used_bytes: of all connections; never above ``limit_bytes``.
    """

    def __init__(self, limit_bytes: int = UNREAD_NODE_BYTES_MAX) -> None:
        self.used_bytes = 0
        self.limit_bytes = limit_bytes


class ConnectionReplies:
    """The unread replies of one connection, since its socket took no more.

    Attributes:
        dropped_count: replies that were dropped since it last read.
    """

    __slots__ = ("_limit_bytes", "_node", "_used_bytes", "dropped_count")

    def __init__(self, node: UnreadReplies, limit_bytes: int = UNREAD_BYTES_MAX) -> None:
        self._node = node
        self._limit_bytes = limit_bytes
        self._used_bytes = 0
        self.dropped_count = 0

    def takes(self, size_bytes: int, count: int) -> bool:
        """Count replies that must wait; return False if they must be dropped."""
        node = self._node
        used_bytes = self._used_bytes + size_bytes
        if used_bytes > self._limit_bytes or node.used_bytes + size_bytes > node.limit_bytes:
            self.dropped_count += count
            return False
        self._used_bytes = used_bytes
        node.used_bytes += size_bytes
        return True

    def were_read(self) -> None:
        """Reset the count, because the client reads again or is gone."""
        self._node.used_bytes -= self._used_bytes
        self._used_bytes = self.dropped_count = 0


class ReplyReceiver(Protocol):
    """Takes replies; a consumer without a queue."""

    def deliver_replies(self, run: Run) -> None:
        """Write them out, or drop them; they never wait for room."""


class ReplyTarget:
    """The target of a publish in place of a queue."""

    __slots__ = ("_receiver",)
    keeps_transient: Final = False

    def __init__(self, receiver: ReplyReceiver) -> None:
        self._receiver = receiver

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:  # noqa: ARG002 — the port's names
        """Hand the run on; a reply is never refused and never kept."""
        self._receiver.deliver_replies(run)
        return ALL_SAFE

    def only_appends(self, run: Run, now_ms: int) -> bool:  # noqa: ARG002
        """Return False: a reply is on its way at once."""
        return False


class ReplyConsumers:
    """The receivers of direct replies in one vhost, by full name."""

    def __init__(self) -> None:
        self._targets: dict[str, ReplyTarget] = {}

    def add(self, token: str, receiver: ReplyReceiver) -> str:
        """Register a receiver; return the name to reply to."""
        name = REPLY_PREFIX + token
        self._targets[name] = ReplyTarget(receiver)
        return name

    def remove(self, name: str) -> None:
        """Forget a receiver; replies to it go nowhere from now on."""
        self._targets.pop(name, None)

    def has(self, name: str) -> bool:
        """Whether a receiver has this name."""
        return name in self._targets

    def find(self, name: str) -> ReplyTarget | None:
        """Return the target of a reply; None when its receiver is gone."""
        return self._targets.get(name)
