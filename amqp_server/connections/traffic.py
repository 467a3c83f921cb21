"""Counters of a connection's traffic, which only grow; each read and each write adds to them."""

from amqp_server.broker.counts import TrafficCounts


class Traffic:
    """The counters of one connection, for any protocol.

    Attributes:
        received_bytes: received octets, without those of TLS and PROXY.
        received_count: reads that brought octets.
        sent_bytes: octets handed to the transport.
        sent_count: writes to the transport.
    """

    __slots__ = ("received_bytes", "received_count", "sent_bytes", "sent_count")

    def __init__(self) -> None:
        self.received_bytes = self.received_count = 0
        self.sent_bytes = self.sent_count = 0

    def counts(self) -> TrafficCounts:
        """Return the counters."""
        return TrafficCounts(
            self.received_bytes, self.received_count, self.sent_bytes, self.sent_count
        )
