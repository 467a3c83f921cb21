"""The protocols that a listener may speak: one row each, and no other place knows their names.

A row stands above the packages of all protocols. What makes connections is loaded when a listener
asks for it: the settings want the names alone.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from amqp_server.broker.broker import Broker
    from amqp_server.connections.peer import Peer
    from amqp_server.net.connection import Connection, MakeConnection, OnOutput
    from amqp_server.net.settings import NetSettings
    from amqp_server.protocol.settings import ProtocolSettings
    from amqp_server.stream_protocol.settings import StreamProtocolSettings


class Sections(Protocol):
    """What connections are made with, of the settings."""

    @property
    def net(self) -> "NetSettings":
        """The section of sockets."""

    @property
    def protocol(self) -> "ProtocolSettings":
        """The section of AMQP."""

    @property
    def stream_protocol(self) -> "StreamProtocolSettings":
        """The section of the stream protocol."""


Factory: TypeAlias = "Callable[[Broker, Sections], MakeConnection]"
"""Returns what makes the sans-IO connection of each peer, on a node with these settings."""


class ProtocolRow(NamedTuple):
    """All that is to be known of one protocol.

    Attributes:
        scheme: of the URIs that clients connect to.
        tls_scheme: of those that speak TLS.
        factory: makes its connections.
    """

    scheme: str
    tls_scheme: str
    factory: Factory

    def uri(self, address: str, port: int, *, is_tls: bool) -> str:
        """Return where clients connect."""
        host = f"[{address}]" if ":" in address else address
        return f"{self.tls_scheme if is_tls else self.scheme}://{host}:{port}"


def _amqp(broker: "Broker", settings: Sections) -> "MakeConnection":
    from amqp_server.protocol import connection  # noqa: PLC0415 -- see above

    section = settings.protocol
    output_max_bytes = settings.net.write_high_watermark_bytes

    def make(peer: "Peer", on_output: "OnOutput", now_ms: int) -> "Connection":
        return connection.Connection(broker, section, peer, on_output, now_ms, output_max_bytes)

    return make


def _stream(broker: "Broker", settings: Sections) -> "MakeConnection":
    from amqp_server.broker.groups import single_active  # noqa: PLC0415 -- see above
    from amqp_server.stream_protocol import connection  # noqa: PLC0415 -- see above

    section = settings.stream_protocol
    output_max_bytes = settings.net.write_high_watermark_bytes
    groups = single_active.Groups()

    def make(peer: "Peer", on_output: "OnOutput", now_ms: int) -> "Connection":
        return connection.Connection(
            broker,
            section,
            peer,
            on_output,
            now_ms,
            groups=groups if broker.cluster is None else broker.cluster.consumer_groups,
            output_max_bytes=output_max_bytes,
        )

    return make


PROTOCOLS: Final[dict[str, ProtocolRow]] = {
    "amqp": ProtocolRow("amqp", "amqps", _amqp),
    "stream": ProtocolRow("rabbitmq-stream", "rabbitmq-stream+tls", _stream),
}
"""By the name that ``net.listeners[].protocol`` gives it."""


def connections_of(broker: "Broker", settings: Sections) -> "dict[str, MakeConnection]":
    """Return what makes connections, for each protocol that a listener of the settings speaks."""
    spoken = dict.fromkeys(where.protocol for where in settings.net.listeners)
    return {name: PROTOCOLS[name].factory(broker, settings) for name in spoken}
