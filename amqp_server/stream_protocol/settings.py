"""The ``stream_protocol`` section: negotiation, and the limits of one connection.

Each key is declared with its type, default, range and a sentence; see ``settings.schema``.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

KIB = 1024
MIB = 1024 * KIB


class Advertised(NamedTuple):
    """Where clients are told to connect; an empty host and port 0 are where they are now."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamProtocolSettings:
    """Negotiation and the limits of one connection of the stream protocol."""

    frame_max_bytes: int = field(
        default=MIB,
        metadata={
            "min": 8 * KIB,
            "max": 16 * MIB,
            "doc": "Largest frame that is taken; a client may agree on less.",
        },
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
            "doc": "Time that each step of the handshake may take.",
        },
    )
    silent_close_delay_ms: int = field(
        default=3_000,
        metadata={"min": 0, "max": 60_000, "doc": "Wait before a failed login is answered."},
    )
    unconfirmed_max: int = field(
        default=50_000,
        metadata={
            "min": 1,
            "max": 10_000_000,
            "doc": "Publishes of a connection that may wait for their confirm before it is read"
            " no more.",
        },
    )
    advertised_host: str = field(
        default="",
        metadata={
            "doc": "Where clients are told to connect; empty is the address that each came to, and"
            " in a cluster that of the listener."
        },
    )
    advertised_port: int = field(
        default=0,
        metadata={
            "min": 0,
            "max": 65_535,
            "doc": "Port that clients are told to connect to; 0 is the port that each came to, and"
            " in a cluster that of the first listener without TLS.",
        },
    )
    advertised_tls_host: str = field(
        default="",
        metadata={"doc": "The same for clients that speak TLS; empty is advertised_host."},
    )
    advertised_tls_port: int = field(
        default=0,
        metadata={
            "min": 0,
            "max": 65_535,
            "doc": "The same for clients that speak TLS; 0 is the port that each came to, and in a"
            " cluster that of the first listener with TLS.",
        },
    )

    def advertised(self, *, is_tls: bool) -> Advertised:
        """Return where clients are told to connect that speak TLS, or do not."""
        if not is_tls:
            return Advertised(self.advertised_host, self.advertised_port)
        return Advertised(
            self.advertised_tls_host or self.advertised_host, self.advertised_tls_port
        )
