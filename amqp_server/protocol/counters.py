"""What happened on a channel, in numbers that only grow.

Only what nobody else knows is counted here, for a whole run or batch at once: delivery tags count
deliveries (``protocol.unacked``), publish sequences count confirms (``protocol.confirms``).
"""


class ChannelCounters:
    """The counters of one channel.

    Attributes:
        published_count: messages that passed the checks; in a transaction as it is committed.
        unroutable_count: of them those that reached no queue.
        return_count: of those the mandatory ones, which went back; the others were dropped.
        got_count, got_no_ack_count: messages that gets took, to be acked or not.
        got_empty_count: gets that found nothing.
        redelivered_count: of all that was delivered or got, what may have been delivered before.
        requeued_count: deliveries that were given back.
        discarded_count: deliveries that were rejected for good.
    """

    __slots__ = (
        "discarded_count",
        "got_count",
        "got_empty_count",
        "got_no_ack_count",
        "published_count",
        "redelivered_count",
        "requeued_count",
        "return_count",
        "unroutable_count",
    )

    def __init__(self) -> None:
        self.published_count = 0
        self.unroutable_count = 0
        self.return_count = 0
        self.got_count = self.got_no_ack_count = self.got_empty_count = 0
        self.redelivered_count = 0
        self.requeued_count = self.discarded_count = 0
