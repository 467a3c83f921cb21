"""Counters of a channel, which only grow.

A whole run or batch is counted at once. Some numbers are known elsewhere and are not counted again:
delivery tags count deliveries (``protocol.unacked``), and publish sequences count confirms
(``protocol.confirms``).
"""

from exchanges.counters import ExchangeCounters, PublishedCount


class ChannelCounters:
    """The counters of one channel.

    Attributes:
        published_count: messages that passed the checks, in a transaction as it is committed, and
            that none of ``published_to`` has.
        published_to: the others, by the counters of the exchange that they went to.
        copies_count: what published messages add that went to several queues: one less than these.
        unroutable_count: published messages that reached no queue.
        return_count: unroutable messages that were mandatory and went back; others were dropped.
        got_count, got_no_ack_count: messages that gets took, to be acked or not.
        got_empty_count: gets that found nothing.
        redelivered_count: messages delivered or got that may have been delivered before.
        requeued_count: deliveries that were given back.
        discarded_count: deliveries that were rejected for good.
    """

    __slots__ = (
        "copies_count",
        "discarded_count",
        "got_count",
        "got_empty_count",
        "got_no_ack_count",
        "published_count",
        "published_to",
        "redelivered_count",
        "requeued_count",
        "return_count",
        "unroutable_count",
    )

    def __init__(self) -> None:
        self.published_count = 0
        self.published_to: dict[ExchangeCounters, PublishedCount] = {}
        self.copies_count = 0
        self.unroutable_count = 0
        self.return_count = 0
        self.got_count = self.got_no_ack_count = self.got_empty_count = 0
        self.redelivered_count = 0
        self.requeued_count = self.discarded_count = 0

    @property
    def all_published_count(self) -> int:
        """All messages that passed the checks."""
        return self.published_count + sum([one.count for one in self.published_to.values()])

    def count_for(self, exchange: ExchangeCounters) -> PublishedCount:
        """Return what counts publishes to an exchange."""
        published = self.published_to.get(exchange)
        if published is None:
            published = self.published_to[exchange] = exchange.new_published()
        return published

    def keep_published(self) -> None:
        """Use the counts for exchanges no more; what they have stays counted."""
        for exchange, published in self.published_to.items():
            exchange.keep(published)
            self.published_count += published.count
        self.published_to.clear()
