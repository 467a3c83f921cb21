"""The user of a connection: the login, the vhost, and the user's rights there.

The session is also the identity that exclusive queues belong to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple

from amqp_server.broker.access.rights import Permission, User
from amqp_server.broker.broker import Broker
from amqp_server.broker.counts import ConnectionView, OpenChannel
from amqp_server.broker.request_rights import VhostUser
from amqp_server.broker.stream_counts import OpenStreams
from amqp_server.broker.tracing.traced import Actor
from amqp_server.broker.vhost import Vhost
from amqp_server.connections.peer import Peer
from amqp_server.connections.traffic import Traffic


class ConnectionState(NamedTuple):
    """How a connection is: RabbitMQ's word for it, and the output that waits for the client."""

    word: str
    unsent_bytes: int


def _over() -> ConnectionState:
    """Stand in for a connection that is over."""
    return ConnectionState("closed", 0)


def _nothing_to_shut_down(_reason: str, _now_ms: int) -> None:
    """Stand in for a connection that is over."""


@dataclass(slots=True, eq=False)
class Session:
    """One connection's user in one vhost, for any protocol.

    Attributes:
        protocol_word: RabbitMQ's word for the protocol, where logins are counted.
        broker: the node's.
        peer: the client's side of the connection.
        shut_down_by: how the broker closes this connection; set by the connection.
        state_of: says how this connection is; set by the connection.
        user, vhost: None until the login, and until the vhost was opened.
        claimed_username: the name that the client claims; ``user`` is set once it is proved.
        mechanism: by which the user logged in; empty before.
        heartbeat_s: the negotiated interval; 0 is off.
        channels_open: how many channels it has; 0 if the protocol has none.
        traffic: its octets and reads and writes.
        channels: its channels by number, for views; closing ones too.
        open_streams: its publishers and subscriptions, for views; None where the protocol has
            none.
    """

    protocol_word: ClassVar[str] = ""

    broker: Broker
    peer: Peer
    shut_down_by: Callable[[str, int], None]
    state_of: Callable[[], ConnectionState] = _over
    mechanism: str = ""
    user: User | None = None
    vhost: Vhost | None = None
    claimed_username: str = ""
    heartbeat_s: int = 0
    channels_open: int = 0
    traffic: Traffic = field(default_factory=Traffic)
    channels: Mapping[int, OpenChannel] = field(default_factory=dict)
    open_streams: OpenStreams | None = None

    @property
    def username(self) -> str:
        """Name of the user who logged in; empty before."""
        return self.user.name if self.user is not None else ""

    @property
    def connection_name(self) -> str:
        """RabbitMQ's name of the connection: both its ends."""
        return self.peer.connection_name

    @property
    def client_name(self) -> str:
        """The client's name of its connection, for the log; empty if it gave none."""
        return ""

    def __str__(self) -> str:
        """Return the session as text for a log line; texts of peers are quoted and escaped."""
        user = self.username or self.claimed_username
        return (
            f"peer={self.peer} user={user!r} vhost={self.vhost_name!r}"
            f" connection={self.client_name!r}"
        )

    @property
    def vhost_name(self) -> str:
        """Name of the vhost that was opened; empty before."""
        return self.vhost.name if self.vhost is not None else ""

    @property
    def open_vhost(self) -> Vhost:
        """The vhost, of a connection that has opened one."""
        assert self.vhost is not None, "what needs a vhost comes after it was opened"
        return self.vhost

    @property
    def open_user(self) -> User:
        """The user, of a connection that has logged in."""
        assert self.user is not None, "what needs a user comes after login"
        return self.user

    def actor(self, channel_number: int) -> Actor:
        """Return the user on one of its channels, as traces name it."""
        return Actor(self.connection_name, channel_number, self.username)

    def has_no_connection(self) -> None:
        """Note that the connection is over; this leaves no reference cycle."""
        self.shut_down_by = _nothing_to_shut_down
        self.open_streams = None
        self.state_of = _over

    def view(self) -> ConnectionView:
        """Return the state of the connection; a protocol adds its negotiated values."""
        peer, traffic = self.peer, self.traffic
        certificate = peer.certificate
        state = self.state_of()
        return ConnectionView(
            name=self.connection_name,
            vhost=self.vhost_name,
            username=self.username,
            protocol="",
            host=peer.server_address,
            port=peer.server_port,
            peer_host=peer.address,
            peer_port=peer.port,
            tls_version=peer.tls_version,
            tls_cipher=peer.tls_cipher,
            certificate_subject=None if certificate is None else certificate.subject,
            certificate_issuer=None if certificate is None else certificate.issuer,
            certificate_validity=None if certificate is None else certificate.validity,
            heartbeat_s=self.heartbeat_s,
            channels_open=self.channels_open,
            received_bytes=traffic.received_bytes,
            received_count=traffic.received_count,
            sent_bytes=traffic.sent_bytes,
            sent_count=traffic.sent_count,
            auth_mechanism=self.mechanism,
            state=state.word,
            unsent_bytes=state.unsent_bytes,
        )

    def shut_down(self, reason: str, now_ms: int) -> None:
        """Close the connection: the node stops, or its user or vhost is gone."""
        self.shut_down_by(reason, now_ms)

    def require(
        self, permission: Permission, kind: Literal["queue", "exchange"], name: str
    ) -> None:
        """Check that the user may do this.

        Raises:
            AccessRefusedError: the user may not (403).
        """
        users = self.broker.users
        users.require(self.username, self.vhost_name, permission, kind, name)

    def require_topic(self, permission: Permission, exchange: str, routing_key: str) -> None:
        """Check that the user may use this routing key, if the exchange is a topic exchange.

        Raises:
            AccessRefusedError: the user may not (403).
        """
        users = self.broker.users
        if users.restricts_topics(self.username, self.vhost_name):
            asker = VhostUser(users, self.username, self.open_vhost)
            asker.require_topic(permission, exchange, routing_key)
