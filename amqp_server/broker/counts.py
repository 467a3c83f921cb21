"""What happened on a channel, as whoever has one answers when it is asked."""

from typing import NamedTuple, Protocol


class ChannelCounts(NamedTuple):
    """Counters that grow from 0 with the channel, and how it is now.

    Attributes:
        unacked: deliveries that are not settled.
        unconfirmed: publishes whose confirm is still to come; 0 where nobody asked for confirms.
        published: messages that were published; in a transaction as it is committed.
        confirmed, rejected: of them those that are safe, and those that a queue refused, where
            confirms were asked for.
        returns, dropped: messages that reached no queue: mandatory ones, and others.
        delivered, delivered_no_ack: messages that consumers got: with, and without ack. Direct
            replies are without.
        got, got_no_ack, got_empty: the same of gets; gets that found nothing.
        redelivered: of all those, messages that may have been delivered before.
        acked: deliveries that were acked.
        requeued, discarded: deliveries that were given back, and those rejected for good.
    """

    unacked: int = 0
    unconfirmed: int = 0
    published: int = 0
    confirmed: int = 0
    rejected: int = 0
    returns: int = 0
    dropped: int = 0
    delivered: int = 0
    delivered_no_ack: int = 0
    got: int = 0
    got_no_ack: int = 0
    got_empty: int = 0
    redelivered: int = 0
    acked: int = 0
    requeued: int = 0
    discarded: int = 0


class OpenChannel(Protocol):
    """A channel, as who looks at it knows it; ``protocol.channel`` has it."""

    def counts(self) -> ChannelCounts:
        """Return how the channel is, and what happened on it."""
