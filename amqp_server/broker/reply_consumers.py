"""Direct reply-to: consumers that have a name instead of a queue.

A client that consumes from ``amq.rabbitmq.reply-to`` gets replies without a queue. A request it
publishes carries a reply-to rewritten to ``amq.rabbitmq.reply-to.{token}``; whoever publishes to
the default exchange with that key reaches the consumer straight, or nobody once it is gone.

Source: RabbitMQ, direct reply-to.
"""

from typing import Final, NamedTuple, Protocol

from amqp_server.broker.names import REPLY_TO_QUEUE
from persistence.record import Run

REPLY_PREFIX: Final = f"{REPLY_TO_QUEUE}."


class ReplyReceiver(Protocol):
    """Takes replies; a consumer without a queue."""

    def deliver_replies(self, run: Run) -> None:
        """Write them out; nobody waits for room."""


class _Taken(NamedTuple):
    rejected: tuple[int, ...] = ()
    lsn: int = 0


_TAKEN: Final = _Taken()


class ReplyTarget:
    """What a publish meets in place of a queue."""

    __slots__ = ("_receiver",)

    def __init__(self, receiver: ReplyReceiver) -> None:
        self._receiver = receiver

    def publish(self, run: Run, now_ms: int) -> _Taken:  # noqa: ARG002 — the port's names
        """Hand the run on; a reply is never refused and never kept."""
        self._receiver.deliver_replies(run)
        return _TAKEN

    def only_appends(self, run: Run, now_ms: int) -> bool:  # noqa: ARG002
        """Return False: a reply is on its way at once."""
        return False


class ReplyConsumers:
    """Who waits for direct replies in one vhost, by full name."""

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
        """Whether somebody waits under this name."""
        return name in self._targets

    def find(self, name: str) -> ReplyTarget | None:
        """Return what a reply is published to; None once nobody waits."""
        return self._targets.get(name)
