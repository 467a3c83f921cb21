"""The ``protocol`` section: values for the negotiation, and the limits of one connection.

Each key is declared with its type, default, range and a sentence; see ``settings.schema``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

KIB = 1024
MIB = 1024 * KIB

FRAME_MIN_BYTES = 4096
"""The smallest frame-max a peer must take (AMQP 0-9-1, frame-min-size)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompatibilitySettings:
    """The server's name and version; the behaviour of some clients depends on them."""

    product: str = field(
        default="RabbitMQ",
        metadata={"doc": "The product in server-properties; kombu needs RabbitMQ for its QoS."},
    )
    version: str = field(
        default="3.13.7",
        metadata={"doc": "The version in server-properties; clients derive features from it."},
    )
    server_properties: Mapping[str, str] = field(
        default_factory=dict,
        metadata={"doc": "More server-properties, or others in place of ours."},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolSettings:
    """Negotiation and the limits of one connection."""

    frame_max_bytes: int = field(
        default=128 * KIB,
        metadata={
            "min": FRAME_MIN_BYTES,
            "max": 16 * MIB,
            "doc": "Largest frame, header and end included, that is negotiated.",
        },
    )
    initial_frame_max_bytes: int = field(
        default=8 * KIB,
        metadata={
            "min": FRAME_MIN_BYTES,
            "max": MIB,
            "doc": "Largest frame before tune-ok; it bounds the buffer of an unknown client.",
        },
    )
    channel_max: int = field(
        default=2_047,
        metadata={"min": 1, "max": 65_535, "doc": "Channels per connection that are negotiated."},
    )
    heartbeat_s: int = field(
        default=60,
        metadata={"min": 0, "max": 65_535, "doc": "Heartbeat proposed to clients; 0 is off."},
    )
    handshake_timeout_ms: int = field(
        default=10_000,
        metadata={
            "min": 100,
            "max": 600_000,
            "doc": "Time from connecting to connection.open before the socket is closed.",
        },
    )
    silent_close_delay_ms: int = field(
        default=3_000,
        metadata={
            "min": 0,
            "max": 60_000,
            "doc": "Wait before a failed login or a broken handshake is closed.",
        },
    )
    max_message_size_bytes: int = field(
        default=128 * MIB,
        metadata={"min": 1, "max": 512 * MIB, "doc": "Largest body that may be published."},
    )
    consumers_per_channel_max: int = field(
        default=0,
        metadata={"min": 0, "max": 1_000_000, "doc": "Consumers on one channel; 0 is no limit."},
    )
    headers_cc_max: int = field(
        default=1_024,
        metadata={
            "min": 0,
            "max": 16_384,
            "doc": "Routing keys that a message's CC and BCC headers may name.",
        },
    )
    tx_bytes_max: int = field(
        default=128 * MIB,
        metadata={
            "min": MIB,
            "max": 4096 * MIB,
            "doc": "Publishes that one transaction may hold before its tx.commit.",
        },
    )
    assembling_bytes_max: int = field(
        default=512 * MIB,
        metadata={
            "min": MIB,
            "max": 4096 * MIB,
            "doc": "Bodies half received, over all channels of a connection.",
        },
    )
    unacked_per_channel_max: int = field(
        default=1_000_000,
        metadata={
            "min": 1,
            "max": 100_000_000,
            "doc": "Deliveries to a channel pause while this many await their ack.",
        },
    )
    compatibility: CompatibilitySettings = field(
        default=CompatibilitySettings(),
        metadata={"doc": "What the server calls itself."},
    )

    def inconsistencies(self) -> list[tuple[str, str]]:
        """Return errors that concern several keys: a key and the error."""
        if self.assembling_bytes_max < self.max_message_size_bytes:
            return [("assembling_bytes_max", "is less than max_message_size_bytes")]
        return []
