"""Counters of a channel, which only grow.

A whole run or batch is counted at once. Some numbers are known elsewhere and are not counted again:
delivery tags count deliveries (``protocol.unacked``), and publish sequences count confirms
(``protocol.confirms``).
"""

from heapq import nlargest
from operator import itemgetter
from typing import Final

from exchanges.counters import ExchangeCounters, PublishedCount

NAMES_KEPT_MAX: Final = 256
"""Names of exchanges that a channel keeps counts of: a client could make new ones without end."""


class ChannelCounters:
    """The counters of one channel.

    Attributes:
        published_count: messages that passed the checks, in a transaction as it is committed, and
            that none of ``published_to`` has.
        published_to: the others, by the counters of the exchange that they went to.
        kept_to: by the name of an exchange what ``published_to`` had of it before it was
            forgotten; the busiest exchanges alone.
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
        "kept_to",
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
        self.kept_to: dict[str, int] = {}
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

    def count_for(self, exchange: ExchangeCounters, name: str) -> PublishedCount:
        """Return what counts publishes to an exchange of this name."""
        published = self.published_to.get(exchange)
        if published is None:
            published = self.published_to[exchange] = exchange.new_published(name)
        return published

    def keep_published(self) -> None:
        """Use the counts for exchanges no more; what they have stays counted."""
        for exchange, published in self.published_to.items():
            exchange.keep(published)
            self.published_count += published.count
        kept = self.published_by_name()
        if len(kept) > NAMES_KEPT_MAX:
            kept = dict(nlargest(NAMES_KEPT_MAX // 2, kept.items(), key=itemgetter(1)))
        self.kept_to = kept
        self.published_to.clear()

    def published_by_name(self) -> dict[str, int]:
        """Return how many messages were published to exchanges of which name."""
        found = self.kept_to.copy()
        for published in self.published_to.values():
            count = published.count + published.beside
            if count:
                found[published.exchange] = found.get(published.exchange, 0) + count
        return found
