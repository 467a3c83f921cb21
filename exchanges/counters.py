"""What went through an exchange since it came to be, in numbers that only grow.

They are added to once for each run, or each part of a burst.
"""


class PublishedCount:
    """The messages that one channel published to one exchange: one addition counts for both.

    Attributes:
        exchange: its name.
        count: of the messages; only its channel adds to it.
        beside: of those that channel and exchange count by themselves: bursts, what goes to
            several queues or to none, and what is looked at. Who publishes where is the sum.
    """

    __slots__ = ("beside", "count", "exchange")

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange
        self.count = self.beside = 0


class ExchangeCounters:
    """The counters of one exchange.

    Attributes:
        published_count: messages published to it that no ``PublishedCount`` has: dead letters, what
            took a slow path, and what channels published that are over.
        unroutable_count: of them those that reached no queue.
        return_count: of those the mandatory ones, which went back; the others were dropped.
        more_copies_count: what messages for several queues add: one less than they have queues.
    """

    __slots__ = (
        "_of_channels",
        "more_copies_count",
        "published_count",
        "return_count",
        "unroutable_count",
    )

    def __init__(self) -> None:
        self._of_channels: dict[PublishedCount, None] = {}
        self.published_count = 0
        self.unroutable_count = 0
        self.return_count = 0
        self.more_copies_count = 0

    def new_published(self, name: str) -> PublishedCount:
        """Return the count of another channel, which ends with ``keep``; the name is ours."""
        published = PublishedCount(name)
        self._of_channels[published] = None
        return published

    def take_over(self, other: "ExchangeCounters") -> None:
        """Add what was counted beside these counters."""
        self.published_count += other.published_count
        self.unroutable_count += other.unroutable_count
        self.return_count += other.return_count
        self.more_copies_count += other.more_copies_count

    def keep(self, published: PublishedCount) -> None:
        """Count what a channel published that does not use its count any more."""
        del self._of_channels[published]
        self.published_count += published.count

    @property
    def all_published_count(self) -> int:
        """Messages that were published to it, dead letters of queues included."""
        return self.published_count + sum([one.count for one in self._of_channels])

    @property
    def routed_count(self) -> int:
        """Messages that went out of it: a message counts once for each queue."""
        return self.all_published_count - self.unroutable_count + self.more_copies_count

    @property
    def dropped_count(self) -> int:
        """Messages that reached no queue, and nobody wanted to know."""
        return self.unroutable_count - self.return_count
