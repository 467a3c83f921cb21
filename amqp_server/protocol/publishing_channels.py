"""Channels of one connection that published in this slice of its input, wholly or in part.

Their confirms are written, and their memory of incomplete messages is counted, once a slice.
"""

from collections.abc import Iterator

from amqp_server.broker.errors import NodeLimitError
from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.errors import AssemblyLimitError
from amqp_server.protocol.faults import PUBLISH_INDEX
from amqp_server.protocol.session import Session


class PublishingChannels:
    """The channels whose publishes are not answered or counted yet.

    Attributes:
        confirming: those that may have confirms to write; each publish adds to it.
        unfinished: those that got a part of a message, which is not counted yet.
        assembling_bytes: memory of incomplete messages that is counted.
    """

    __slots__ = ("_outbox", "_session", "assembling_bytes", "confirming", "unfinished")

    def __init__(self, session: Session, outbox: Outbox) -> None:
        self._session = session
        self._outbox = outbox
        self.confirming: dict[Channel, None] = {}
        self.unfinished: dict[Channel, None] = {}
        self.assembling_bytes = 0

    def note_unfinished(self, channel: Channel) -> None:
        """Note that a channel got a part of a message, or the last part."""
        self.unfinished[channel] = self.confirming[channel] = None

    def forget(self, channel: Channel) -> None:
        """Write the confirms of a channel that ends, and count its memory no more."""
        self.write_confirms(channel)
        self.confirming.pop(channel, None)
        self.unfinished.pop(channel, None)
        self.assembling_bytes -= channel.unfinished.held_bytes

    def write_confirms(self, channel: Channel) -> None:
        """Write the acks and nacks of one channel that are due."""
        if channel.publishing.confirms is not None:
            octets = channel.publishing.confirms.render_replies(channel.number)
            if octets:
                self._outbox.write(octets)

    def counting_unfinished(self) -> Iterator[tuple[Channel, Exception, int]]:
        """Count the memory of incomplete messages; yield each channel that passed a limit.

        Yields:
            The channel, the error, and the method at fault: 0 if no single one is. It is answered
            before the next channel is counted, because a channel that closes frees its memory.
        """
        unfinished, self.unfinished = self.unfinished, {}
        for channel in unfinished:
            try:
                self._count_unfinished(channel)
            except AssemblyLimitError as error:
                yield channel, error, 0
            except NodeLimitError as error:
                yield channel, error, PUBLISH_INDEX

    def _count_unfinished(self, channel: Channel) -> None:
        """Count a channel's memory of an incomplete message, for the connection and the node."""
        session = self._session
        more_bytes = channel.assembly.held_bytes - channel.unfinished.held_bytes
        limit = session.settings.assembling_bytes_max
        # The limit is for bodies: the largest body is allowed together with its header.
        if self.assembling_bytes + more_bytes > limit + session.frame_max_bytes:
            text = f"unfinished messages hold more than {limit} bytes on this connection"
            raise AssemblyLimitError(text)
        channel.unfinished.add(more_bytes)
        self.assembling_bytes += more_bytes
