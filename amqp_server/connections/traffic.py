"""What went over a connection, in numbers that only grow: added to for each read and each write."""


class Traffic:
    """The counters of one connection, whatever protocol it speaks.

    Attributes:
        received_bytes: octets that came, without what TLS and PROXY add.
        received_count: reads that brought any.
        sent_bytes: octets that were handed to the transport.
        sent_count: times that any were.
    """

    __slots__ = ("received_bytes", "received_count", "sent_bytes", "sent_count")

    def __init__(self) -> None:
        self.received_bytes = self.received_count = 0
        self.sent_bytes = self.sent_count = 0
