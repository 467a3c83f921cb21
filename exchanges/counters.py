"""What went through an exchange since it came to be, in numbers that only grow.

They are added to once for each run, or each part of a burst.
"""


class ExchangeCounters:
    """The counters of one exchange.

    Attributes:
        published_count: messages that were published to it, dead letters of queues included.
        unroutable_count: of them those that reached no queue.
        return_count: of those the mandatory ones, which went back; the others were dropped.
        more_copies_count: what messages for several queues add: one less than they have queues.
    """

    __slots__ = ("more_copies_count", "published_count", "return_count", "unroutable_count")

    def __init__(self) -> None:
        self.published_count = 0
        self.unroutable_count = 0
        self.return_count = 0
        self.more_copies_count = 0

    @property
    def routed_count(self) -> int:
        """Messages that went out of it: a message counts once for each queue."""
        return self.published_count - self.unroutable_count + self.more_copies_count

    @property
    def dropped_count(self) -> int:
        """Messages that reached no queue, and nobody wanted to know."""
        return self.unroutable_count - self.return_count
