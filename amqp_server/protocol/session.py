"""The session of an AMQP client: what it said about itself, and the negotiated values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Final

from amqp_server.broker.counts import ConnectionView
from amqp_server.broker.reply_consumers import ConnectionReplies
from amqp_server.connections import session as shared
from amqp_server.protocol.settings import ProtocolSettings
from amqp_server.wire.constants import FRAME_OVERHEAD_BYTES, FRAME_TOLERANCE_BYTES
from amqp_server.wire.tables import Table, plain

CLIENT_NAME_SHOWN_MAX_BYTES: Final = 128
"""Longest part of a connection's own name that the log repeats."""


def _nothing_to_refuse(_channel: int, _error: Exception, _now_ms: int) -> None:
    """Stand in for the channels of a connection that has none yet, or is over."""


@dataclass(slots=True, eq=False)
class Session(shared.Session):
    """The session of a client of AMQP: state of the negotiation.

    Attributes:
        settings: the protocol section.
        client_properties: the client's properties in start-ok.
        capabilities: the client's capabilities that are true.
        frame_max_bytes: for whole frames; before tune it is ``initial_frame_max_bytes``.
        channel_max: highest channel number and most channels; after tune it is 0 only if ours is.
        replies: the direct replies that the client has not read.
        refuse_by: closes one of its channels; set by the channel table.
    """

    protocol_word: ClassVar[str] = "amqp091"

    settings: ProtocolSettings = field(kw_only=True)
    client_properties: Table = field(default_factory=dict)
    capabilities: frozenset[str] = frozenset()
    frame_max_bytes: int = 0
    channel_max: int = 0
    refuse_by: Callable[[int, Exception, int], None] = _nothing_to_refuse
    replies: ConnectionReplies = field(init=False)

    def __post_init__(self) -> None:
        self.replies = ConnectionReplies(self.broker.unread_replies)

    @property
    def payload_max_bytes(self) -> int:
        """Largest payload of a frame that is taken; RabbitMQ's tolerance included."""
        return self.frame_max_bytes - FRAME_OVERHEAD_BYTES + FRAME_TOLERANCE_BYTES

    @property
    def client_name(self) -> str:
        """The client's name of its connection (RabbitMQ, ``connection_name``); mostly empty."""
        named = self.client_properties.get("connection_name")
        if named is None or not isinstance(named.value, bytes):
            return ""
        return named.value[:CLIENT_NAME_SHOWN_MAX_BYTES].decode("utf-8", "backslashreplace")

    def view(self) -> ConnectionView:
        """Return the state of the connection."""
        properties = {key: plain(value) for key, value in self.client_properties.items()}
        return shared.Session.view(self)._replace(
            protocol="AMQP 0-9-1",
            client_properties=properties,
            channel_max=self.channel_max,
            frame_max_bytes=self.frame_max_bytes,
        )

    def refuse(self, channel: int, error: Exception, now_ms: int) -> None:
        """Close a channel with an error that it did not cause."""
        self.refuse_by(channel, error, now_ms)

    def has_no_channels(self) -> None:
        """Note that all channels are over; this leaves no reference cycle."""
        self.refuse_by = _nothing_to_refuse
        self.channels = {}

    def introduce(self, client_properties: Table) -> None:
        """Store the client's properties."""
        self.client_properties = client_properties
        capabilities = client_properties.get("capabilities")
        if capabilities is not None and isinstance(capabilities.value, dict):
            claimed = capabilities.value.items()
            self.capabilities = frozenset(name for name, field in claimed if field.value is True)
