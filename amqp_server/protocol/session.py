"""Who is at the other end of a connection, and what was agreed with them.

The session is also the identity that exclusive queues belong to.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from amqp_server.broker.access.users import Permission, User
from amqp_server.broker.broker import Broker
from amqp_server.broker.reply_consumers import ClientReplies
from amqp_server.broker.vhost import Vhost
from amqp_server.connections.peer import Peer
from amqp_server.protocol.settings import ProtocolSettings
from amqp_server.wire.constants import FRAME_OVERHEAD_BYTES, FRAME_TOLERANCE_BYTES
from amqp_server.wire.tables import Table

CLIENT_NAME_SHOWN_MAX_BYTES: Final = 128
"""How much of a connection's own name the log repeats."""


def _nothing_to_refuse(_channel: int, _error: Exception, _now_ms: int) -> None:
    """Stand in for the channels of a connection that has none yet, or is over."""


@dataclass(slots=True, eq=False)
class Session:
    """State of the login and the negotiation.

    Attributes:
        user, vhost: None until logged in, until opened.
        claimed_username: who start-ok says is there; whether it is true shows in ``user``.
        client_properties: what start-ok said of the client.
        capabilities: those of them that are true.
        frame_max_bytes: whole frames; what holds before tune is ``initial_frame_max_bytes``.
        channel_max: highest channel number and most channels; never 0 once tuned, unless ours is.
        heartbeat_s: 0 is off.
        channels_open: how many channels there are; kept by the channel table.
        replies: what it has not read of its direct replies.
        shut_down_by: how the broker closes this connection; set by the connection.
        refuse_by: how it closes a channel of it; set by the channel table.
    """

    broker: Broker
    settings: ProtocolSettings
    peer: Peer
    shut_down_by: Callable[[str, int], None]
    user: User | None = None
    vhost: Vhost | None = None
    claimed_username: str = ""
    client_properties: Table = field(default_factory=dict)
    capabilities: frozenset[str] = frozenset()
    frame_max_bytes: int = 0
    channel_max: int = 0
    heartbeat_s: int = 0
    channels_open: int = 0
    refuse_by: Callable[[int, Exception, int], None] = _nothing_to_refuse
    replies: ClientReplies = field(init=False)

    def __post_init__(self) -> None:
        self.replies = ClientReplies(self.broker.unread_replies)

    @property
    def payload_max_bytes(self) -> int:
        """Largest payload of a frame that is taken; RabbitMQ's tolerance included."""
        return self.frame_max_bytes - FRAME_OVERHEAD_BYTES + FRAME_TOLERANCE_BYTES

    @property
    def username(self) -> str:
        """Who logged in; empty before."""
        return self.user.name if self.user is not None else ""

    @property
    def client_name(self) -> str:
        """What the client calls its connection (RabbitMQ, ``connection_name``); mostly empty."""
        named = self.client_properties.get("connection_name")
        if named is None or not isinstance(named.value, bytes):
            return ""
        return named.value[:CLIENT_NAME_SHOWN_MAX_BYTES].decode("utf-8", "backslashreplace")

    def __str__(self) -> str:
        """Return who this is, for a line of the log: what peers chose is in quotes and escaped."""
        user = self.username or self.claimed_username
        return (
            f"peer={self.peer} user={user!r} vhost={self.vhost_name!r}"
            f" connection={self.client_name!r}"
        )

    @property
    def vhost_name(self) -> str:
        """The vhost that was opened; empty before."""
        return self.vhost.name if self.vhost is not None else ""

    @property
    def open_vhost(self) -> Vhost:
        """The vhost, where a channel could be opened."""
        assert self.vhost is not None, "channels exist only after connection.open"
        return self.vhost

    @property
    def open_user(self) -> User:
        """The user, where a channel could be opened."""
        assert self.user is not None, "channels exist only after login"
        return self.user

    def shut_down(self, reason: str, now_ms: int) -> None:
        """Close the connection with 320 and this reason."""
        self.shut_down_by(reason, now_ms)

    def refuse(self, channel: int, error: Exception, now_ms: int) -> None:
        """Close a channel with an error that is not of its own doing."""
        self.refuse_by(channel, error, now_ms)

    def has_no_channels(self) -> None:
        """Note that all channels are over; no cycle stays for the collector."""
        self.refuse_by = _nothing_to_refuse

    def introduce(self, client_properties: Table) -> None:
        """Take in what the client says of itself."""
        self.client_properties = client_properties
        capabilities = client_properties.get("capabilities")
        if capabilities is not None and isinstance(capabilities.value, dict):
            claimed = capabilities.value.items()
            self.capabilities = frozenset(name for name, field in claimed if field.value is True)

    def require(
        self, permission: Permission, kind: Literal["queue", "exchange"], name: str
    ) -> None:
        """Ask whether the user may do this.

        Raises:
            AccessRefusedError: no (403).
        """
        users = self.broker.users
        users.require(self.username, self.vhost_name, permission, kind, name)

    def require_topic(self, permission: Permission, exchange: str, routing_key: str) -> None:
        """Ask whether the user may use this routing key with this exchange, if it is a topic's.

        Raises:
            AccessRefusedError: no (403).
        """
        users = self.broker.users
        if not users.restricts_topics(self.username, self.vhost_name):
            return
        found = self.open_vhost.router.exchanges.get(exchange)
        if found is not None and found.type == "topic":
            users.require_topic(self.username, self.vhost_name, permission, exchange, routing_key)
