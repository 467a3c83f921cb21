"""Which messages of a stream a reader wants, by their filter value.

Over AMQP the broker leaves out every other message. Over the stream protocol it leaves out chunks
that have none, and the client does the rest.

Source: RabbitMQ, stream filtering (``x-stream-filter``, ``x-stream-match-unfiltered``).
"""

from typing import NamedTuple


class Filter(NamedTuple):
    """Which messages a reader wants.

    Attributes:
        values: those with one of these filter values.
        match_unfiltered: those without one too.
    """

    values: frozenset[bytes]
    match_unfiltered: bool = False

    @property
    def wanted_values(self) -> frozenset[bytes]:
        """The values as ``read_messages`` has them: an empty one stands for none."""
        return self.values | {b""} if self.match_unfiltered else self.values
